//! The same CPU work in sequence, on threads and with rayon.
//!
//! ```sh
//! cargo run --release -p cpu-bound
//! ```
use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;

/// The work: which number below this has the longest Collatz chain?
const LIMIT: u64 = 5_000_000;

/// Returns the number of steps from `start` down to 1, and `start` itself: the
/// largest pair belongs to the longest chain.
///
/// Not inlined, so that all three versions below run the same machine code. Not
/// a sum of squares either: the compiler turns that into a formula, which leaves
/// no work to measure.
#[inline(never)]
fn chain(start: u64) -> (u32, u64) {
    let (mut n, mut steps) = (start, 0);
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    (steps, start)
}

// ANCHOR: ways
fn in_sequence() -> Option<(u32, u64)> {
    (1..LIMIT).map(chain).max()
}

fn on_threads() -> Option<(u32, u64)> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get());

    let share = |first| (1..LIMIT).skip(first).step_by(cores).map(chain).max();

    // A scope joins its threads, so they may borrow `share` from outside.
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..cores).map(|first| scope.spawn(move || share(first))).collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().expect("no worker panics"))
            .max()
    })
}

fn with_rayon() -> Option<(u32, u64)> {
    // into_par_iter is the only change: rayon has one thread per core, splits
    // the range among them, and an idle thread steals work from a busy one.
    (1..LIMIT).into_par_iter().map(chain).max()
}
// ANCHOR_END: ways

fn measure(name: &str, way: fn() -> Option<(u32, u64)>) -> Duration {
    let started = Instant::now();
    let (steps, start) = way().expect("the range is not empty");
    let took = started.elapsed();
    println!(
        "{name}: {start} takes {steps} steps, found in {:.3} s",
        took.as_secs_f64()
    );
    took
}

fn main() {
    let sequence = measure("Sequence", in_sequence).as_secs_f64();
    for (name, way) in
        [("Threads", on_threads as fn() -> _), ("Pool", with_rayon)]
    {
        let took = measure(name, way).as_secs_f64();
        println!("{name}: {:.1} times as fast as in sequence", sequence / took);
    }
}
