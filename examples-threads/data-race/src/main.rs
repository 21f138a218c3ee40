//! A Mutex holds the counter: the only way to the data is through the lock.
//!
//! ```sh
//! cargo run -p data-race
//! ```
use std::sync::Mutex;
use std::thread;

fn main() {
    let hits = Mutex::new(0);

    thread::scope(|scope| {
        for _ in 0..5 {
            // lock() fails only if a thread panicked while it held the lock.
            scope.spawn(|| *hits.lock().expect("no thread panics") += 1);
        }
    });

    println!("{} hits", hits.into_inner().expect("no thread panics"));
}
