//! asyncio awaits Rust futures, which run on tokio's threads. Canceled by asyncio, a
//! Rust future is dropped.
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
    use pyo3_async_runtimes::tokio::future_into_py;

    // ANCHOR: await
    /// Returns an awaitable. The future starts right away, on tokio's threads.
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
    /// The least that can be awaited: what it costs is the hop to tokio and back.
    #[pyfunction]
    fn ready(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        future_into_py(py, async { Ok(()) })
    }

    /// The least that can be called, with the GIL released for a moment.
    #[pyfunction]
    fn nothing(py: Python<'_>) {
        py.detach(|| ());
    }
    // ANCHOR_END: hop
}
