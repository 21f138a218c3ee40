//! A lost update: no data race, and still a wrong count.
//!
//! ```sh
//! cargo run -p lost-update
//! ```
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

// ANCHOR: broken
fn add_in_two_steps(counter: &AtomicU32, both_have_read: &Barrier) {
    let seen = counter.load(Ordering::Relaxed);
    both_have_read.wait(); // without this, the loss is rare: hard to find
    counter.store(seen + 1, Ordering::Relaxed);
}
// ANCHOR_END: broken

// ANCHOR: fixed
fn add_in_one_step(counter: &AtomicU32, both_have_started: &Barrier) {
    both_have_started.wait();
    // Relaxed, because only the count matters: it protects no other memory.
    counter.fetch_add(1, Ordering::Relaxed);
}
// ANCHOR_END: fixed

/// Returns the count after two threads have added 1 each.
fn count(add: fn(&AtomicU32, &Barrier)) -> u32 {
    let (counter, barrier) = (AtomicU32::new(0), Barrier::new(2));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| add(&counter, &barrier));
        }
    });
    counter.into_inner()
}

fn main() {
    println!("In two steps: {} of 2 updates kept", count(add_in_two_steps));
    println!("In one step: {} of 2 updates kept", count(add_in_one_step));
}
