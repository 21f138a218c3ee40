//! A barrier: no thread continues until all have arrived.
//!
//! ```sh
//! cargo run -p barrier
//! ```
use std::sync::Barrier;
use std::thread;

fn main() {
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        for id in 0..3 {
            let barrier = &barrier;
            scope.spawn(move || {
                println!("Worker {id}: loaded its part");
                // The last thread to arrive releases all of them.
                // `is_leader` is true for exactly one thread.
                if barrier.wait().is_leader() {
                    println!("Leader: every part is loaded");
                }
                barrier.wait(); // it can be used again
                println!("Worker {id}: computes");
            });
        }
    });
}
