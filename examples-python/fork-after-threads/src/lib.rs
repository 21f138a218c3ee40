//! `multiprocessing` forks after Rust has started threads: the child hangs,
//! because a fork copies the memory of the process, but not its threads.
//!
//! ```sh
//! cargo run -p fork-after-threads
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod fork_after_threads {
    use std::sync::LazyLock;

    use pyo3::exceptions::PyRuntimeError;
    use pyo3::prelude::*;
    use rayon::prelude::*;
    use tokio::runtime::Runtime;

    /// Like rayon's pool, it is started by the first call and then kept.
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        Runtime::new().expect("the threads did not start")
    });

    /// Waits for rayon's threads. In a forked child they don't exist.
    #[pyfunction]
    fn sum_on_rayon(py: Python<'_>) -> u64 {
        py.detach(|| (1..=1000).into_par_iter().sum())
    }

    /// Waits for a task on tokio's threads. The child lacks them, too.
    #[pyfunction]
    fn sum_on_tokio(py: Python<'_>) -> PyResult<u64> {
        let task = async { tokio::spawn(async { (1..=1000).sum() }).await };
        let joined = py.detach(|| RUNTIME.block_on(task));
        joined.map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }
}
