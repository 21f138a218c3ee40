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
            scope.spawn(|| {
                // Fails only if a thread panicked while it held the lock.
                let mut hits =
                    hits.lock().expect("another thread panicked");
                *hits += 1;
            });
        }
    });

    let hits = hits.into_inner().expect("another thread panicked");
    println!("{hits} hits");
}
