//! Five philosophers, five forks, and each one needs two: a deadlock of five
//! threads, and the order that prevents it.
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
/// Each philosopher takes the left fork first. If all of them do that at the
/// same time, each holds one fork and waits for its neighbor's.
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

/// How many eat before a second passes without a meal. `all_hold_one` makes the unlucky
/// moment certain, where it can happen.
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
            let _first = forks[first].lock().expect("no panic");
            if unlucky {
                all_hold_one.wait();
            }
            let _second = forks[second].lock().expect("no panic");
            done.send(()).ok();
        });
    }
    drop(done);
    let limit = Duration::from_secs(1);
    (0..SEATS).take_while(|_| eaten.recv_timeout(limit).is_ok()).count()
}

fn main() {
    println!(
        "Left fork first: {} of {SEATS} have eaten",
        dine(left_first, true)
    );
    println!(
        "Lower fork first: {} of {SEATS} have eaten",
        dine(lower_first, false)
    );
}
