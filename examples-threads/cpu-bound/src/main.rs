//! CPU-bound work in sequence, on threads and with rayon.
//!
//! ```sh
//! cargo run --release -p cpu-bound
//! ```
use std::thread;
use std::time::Instant;

use rayon::prelude::*;

/// The work: find the number below this with the longest Collatz chain.
const LIMIT: u64 = 5_000_000;

/// Returns the number of steps from `start` down to 1, and `start` itself:
/// the largest pair belongs to the longest chain.
///
/// Not inlined, so that all three versions run the same machine code. And
/// not a sum of squares, which the compiler turns into a formula.
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

    let share = |first| {
        let starts = (1..LIMIT).skip(first).step_by(cores);
        starts.map(chain).max()
    };

    // A scope joins its threads, so they may borrow `share` from outside.
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|first| scope.spawn(move || share(first)))
            .collect();
        let longest = workers
            .into_iter()
            .map(|worker| worker.join().expect("the thread panicked"));
        longest.max().flatten()
    })
}

fn with_rayon() -> Option<(u32, u64)> {
    // into_par_iter is the only change. rayon has one thread per core, and
    // an idle thread steals work from a busy one.
    (1..LIMIT).into_par_iter().map(chain).max()
}
// ANCHOR_END: ways

/// Returns how many seconds the search took.
fn measure(name: &str, way: fn() -> Option<(u32, u64)>) -> f64 {
    let started = Instant::now();
    let (steps, start) = way().expect("the range is empty");
    let took = started.elapsed().as_secs_f64();
    println!("{name}: {start} takes {steps} steps, found in {took:.3} s");
    took
}

fn main() {
    let sequence = measure("Sequence", in_sequence);
    let gain = sequence / measure("Threads", on_threads);
    println!("Threads: {gain:.1} times as fast as in sequence");
    let gain = sequence / measure("Pool", with_rayon);
    println!("Pool: {gain:.1} times as fast as in sequence");
}
