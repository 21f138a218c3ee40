//! Parallel work that can fail: rayon stops early and returns one of the
//! errors.
//!
//! ```sh
//! cargo run -p parallel-errors
//! ```
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

const LINES: usize = 1_000_000;

fn main() {
    let mut lines = vec!["7"; LINES];
    let parsed = AtomicUsize::new(0);
    let parse = |line: &&str| {
        parsed.fetch_add(1, Ordering::Relaxed);
        line.parse::<u64>()
    };

    // Not `sum`, which returns an error too, but computes all other parts
    // before.
    let add = |a, b| Ok(a + b);
    let sum = lines.par_iter().map(parse).try_reduce(|| 0, add);
    println!("All lines are numbers: {sum:?}");

    // After an error, no new items are started, but those that run are
    // finished. With several errors, you can get any of them.
    lines[1000] = "seven";
    parsed.store(0, Ordering::Relaxed);
    let sum = lines.par_iter().map(parse).try_reduce(|| 0, add);
    println!("One line is not: {}", sum.is_err());
    println!("It stopped early: {}", parsed.into_inner() < LINES);
}
