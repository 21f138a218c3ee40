//! asyncio awaits Rust futures, which run on tokio's threads. Canceled by
//! asyncio, a Rust future is dropped.
//!
//! ```sh
//! cargo run -p asyncio-and-tokio
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod asyncio_and_tokio {
    use std::time::Duration;

    use pyo3::prelude::*;
    use pyo3_async_runtimes::tokio::{future_into_py, get_runtime, init};
    use tokio::runtime::Builder;

    // ANCHOR: await
    /// Returns an awaitable. The future starts at once, on tokio's threads.
    #[pyfunction]
    fn fetch(py: Python<'_>, name: String) -> PyResult<Bound<'_, PyAny>> {
        println!("Rust {name} starting");
        let mut job = Job { name, state: "canceled" };
        future_into_py(py, async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            job.state = "finished";
            Ok(job.name.clone())
        })
    }

    struct Job {
        name: String,
        state: &'static str,
    }

    impl Drop for Job {
        fn drop(&mut self) {
            println!("Rust {} {}", self.name, self.state);
        }
    }
    // ANCHOR_END: await

    // ANCHOR: hop
    /// Is ready at once, so awaiting it costs only the hop to tokio and
    /// back.
    #[pyfunction]
    fn ready(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        future_into_py(py, async { Ok(()) })
    }

    /// Does nothing but release the GIL and acquire it again.
    #[pyfunction]
    fn nothing(py: Python<'_>) {
        py.detach(|| ());
    }
    // ANCHOR_END: hop

    // ANCHOR: exit
    /// A blocking thread of tokio hands each result to asyncio. There is
    /// only one such thread, so the job below runs after all results have
    /// been handed over.
    #[pymodule_init]
    fn start(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        let mut runtime = Builder::new_multi_thread();
        runtime.enable_all().max_blocking_threads(1);
        init(runtime);
        Ok(())
    }

    /// Waits until that thread is done with all results so far.
    #[pyfunction]
    fn wait_for_results(py: Python<'_>) {
        let last_job = get_runtime().spawn_blocking(|| ());
        py.detach(|| get_runtime().block_on(last_job)).ok();
    }
    // ANCHOR_END: exit
}
