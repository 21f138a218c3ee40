//! Five philosophers, five forks, and each one needs two: a deadlock of
//! five threads, and the order that prevents it.
//!
//! ```sh
//! cargo run -p dining-philosophers
//! ```
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const SEATS: usize = 5;

type Forks = [Mutex<()>; SEATS];

// ANCHOR: broken
/// Each philosopher takes the left fork first. If all of them do that at
/// the same time, each holds one fork and waits for its neighbor's.
fn left_first(seat: usize) -> (usize, usize) {
    (seat, (seat + 1) % SEATS)
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Each philosopher takes the fork with the lower number first, so the last
/// one begins with the right fork. A circle of waiting can't form.
fn lower_first(seat: usize) -> (usize, usize) {
    let (left, right) = left_first(seat);
    (left.min(right), left.max(right))
}
// ANCHOR_END: fixed

/// Returns how many eat before a second passes without a meal. `unlucky`
/// makes sure that each holds one fork before any takes the second.
fn dine(order: fn(usize) -> (usize, usize), unlucky: bool) -> usize {
    let forks = Arc::new(Forks::default());
    let all_hold_one = Arc::new(Barrier::new(SEATS));
    let (done, eaten) = mpsc::channel();
    for seat in 0..SEATS {
        let (forks, all_hold_one) = (forks.clone(), all_hold_one.clone());
        let done = done.clone();
        // Not a scope: it would wait for threads that never end.
        thread::spawn(move || {
            let (first, second) = order(seat);
            let first = forks[first].lock();
            let _first = first.expect("another thread panicked");
            if unlucky {
                all_hold_one.wait();
            }
            let second = forks[second].lock();
            let _second = second.expect("another thread panicked");
            done.send(()).ok(); // an error: main stopped waiting
        });
    }
    drop(done);
    let limit = Duration::from_secs(1);
    (0..SEATS).take_while(|_| eaten.recv_timeout(limit).is_ok()).count()
}

fn main() {
    let fed = dine(left_first, true);
    println!("Left fork first: {fed} of {SEATS} have eaten");
    let fed = dine(lower_first, false);
    println!("Lower fork first: {fed} of {SEATS} have eaten");
}
