//! One function of a Python program, moved to Rust: first as it is, then
//! for several threads of Python, then for all cores.
//!
//! ```sh
//! cargo run --release -p fast-function
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod fast_function {
    use pyo3::prelude::*;
    use rayon::prelude::*;

    /// Finds the longest Collatz chain up to `last`. Returns its length and
    /// its start.
    #[pyfunction]
    fn longest(last: u64) -> (u32, u64) {
        (1..=last).map(chain).max().unwrap_or_default()
    }

    fn chain(start: u64) -> (u32, u64) {
        let (mut n, mut steps) = (start, 0);
        while n != 1 {
            n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        (steps, start)
    }

    /// Releases the GIL, so other Python threads run meanwhile.
    #[pyfunction]
    fn longest_detached(py: Python<'_>, last: u64) -> (u32, u64) {
        py.detach(|| longest(last))
    }

    /// Uses all cores, also without the GIL.
    #[pyfunction]
    fn longest_parallel(py: Python<'_>, last: u64) -> (u32, u64) {
        let chains = (1..=last).into_par_iter().map(chain);
        py.detach(|| chains.max().unwrap_or_default())
    }
}
