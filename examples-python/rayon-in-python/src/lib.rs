//! One call from Python uses all cores through rayon. If rayon's threads
//! call back into Python, the caller has to release the GIL.
//!
//! ```sh
//! cargo run -p rayon-in-python
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod rayon_in_python {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use pyo3::prelude::*;
    use rayon::prelude::*;

    // ANCHOR: cores
    /// Returns the number up to `last` with the longest Collatz chain, and
    /// the number of threads that took part in the search.
    #[pyfunction]
    fn longest(py: Python<'_>, last: u64) -> (u64, usize) {
        let threads = Mutex::new(HashSet::new());
        let take_part = || {
            let thread = rayon::current_thread_index();
            threads.lock().expect("another thread panicked").insert(thread);
        };
        let chains = (1..=last)
            .into_par_iter()
            .map_init(take_part, |(), start| (steps(start), start));
        let longest = py.detach(|| chains.max());
        let start = longest.map_or(0, |(_steps, start)| start);
        let threads =
            threads.into_inner().expect("another thread panicked");
        (start, threads.len())
    }
    // ANCHOR_END: cores

    // ANCHOR: broken
    /// Deadlocks: it holds the GIL while it waits for rayon's threads, and
    /// they wait for the GIL.
    #[pyfunction]
    fn map_holding(
        callback: &Bound<'_, PyAny>,
        numbers: Vec<u64>,
    ) -> PyResult<Vec<u64>> {
        map(callback.as_unbound(), numbers)
    }
    // ANCHOR_END: broken

    // ANCHOR: fixed
    /// Releases the GIL for rayon's threads, which take turns with it.
    #[pyfunction]
    fn map_detached(
        py: Python<'_>,
        callback: &Bound<'_, PyAny>,
        numbers: Vec<u64>,
    ) -> PyResult<Vec<u64>> {
        let callback = callback.as_unbound();
        py.detach(|| map(callback, numbers))
    }

    /// Calls a Python function on rayon's threads, until a call raises.
    fn map(callback: &Py<PyAny>, numbers: Vec<u64>) -> PyResult<Vec<u64>> {
        let call = |number| {
            Python::attach(|py| callback.call1(py, (number,))?.extract(py))
        };
        numbers.into_par_iter().map(call).collect()
    }
    // ANCHOR_END: fixed

    fn steps(mut n: u64) -> u32 {
        let mut steps = 0;
        while n != 1 {
            n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        steps
    }
}
