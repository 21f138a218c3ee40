//! Two Python threads call a Rust function that computes. They run at the
//! same time only if the function releases the GIL.
//!
//! ```sh
//! cargo run -p release-gil
//! ```
use pyo3::prelude::*;

/// An extension module. Python imports it by this name, the crate's.
#[pymodule]
mod release_gil {
    use std::hint;
    use std::sync::atomic::{AtomicU32, Ordering};

    use pyo3::prelude::*;

    /// Number of calls of `beat` by Python's heartbeat thread.
    static BEATS: AtomicU32 = AtomicU32::new(0);

    // ANCHOR: ways
    /// Holds the GIL until it returns, so no other Python thread runs.
    #[pyfunction]
    fn holding(thread: &str, last: u64) -> u32 {
        longest(thread, last)
    }

    /// Releases the GIL, computes, and acquires the GIL again. The compiler
    /// makes sure that the closure doesn't touch a Python object.
    #[pyfunction]
    fn detached(py: Python<'_>, thread: &str, last: u64) -> u32 {
        py.detach(|| longest(thread, last))
    }
    // ANCHOR_END: ways

    /// Finds the number up to `last` with the longest Collatz chain.
    /// Returns the number of Python's heartbeats meanwhile.
    fn longest(thread: &str, last: u64) -> u32 {
        println!("{thread} starting");
        let before = BEATS.load(Ordering::Relaxed);
        let longest = (1..=last).map(|start| (steps(start), start)).max();
        hint::black_box(longest); // so that the compiler keeps the work
        let heartbeats = BEATS.load(Ordering::Relaxed) - before;
        println!("{thread} finished");
        heartbeats
    }

    fn steps(mut n: u64) -> u32 {
        let mut steps = 0;
        while n != 1 {
            n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    }

    #[pyfunction]
    fn beat() {
        BEATS.fetch_add(1, Ordering::Relaxed);
    }
}
