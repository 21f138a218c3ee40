//! Many readers or one writer: a RwLock lets readers in together.
//!
//! ```sh
//! cargo run -p read-write-lock
//! ```
use std::sync::{Barrier, RwLock, TryLockError};
use std::thread;

fn main() {
    let prices = RwLock::new(vec![10, 20, 30]);
    let all_inside = Barrier::new(3);

    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let reader = prices.read();
                let prices = reader.expect("another thread panicked");
                // With a Mutex, the second reader would never get here.
                all_inside.wait();
                assert_eq!(prices.iter().sum::<u32>(), 60);
            });
        }
    });
    println!("Three readers were inside at the same time");

    // A read lock can't be turned into a write lock. `write` would wait for
    // this thread's own reader forever, or panic.
    let reader = prices.read().expect("another thread panicked");
    let upgrade = match prices.try_write() {
        Err(TryLockError::WouldBlock) => "no, it would wait for itself",
        _ => "yes",
    };
    println!("Can a reader become a writer? {upgrade}");

    drop(reader); // release it first, then lock and check again
    let mut writer = prices.write().expect("another thread panicked");
    writer.push(40);
    println!("As a writer: {} prices", writer.len());
}
