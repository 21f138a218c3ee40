//! asyncio awaits Rust futures, and Rust awaits a Python coroutine. Cancellation
//! crosses the border on its own in one direction only.
//!
//! ```sh
//! cargo run -p asyncio-and-tokio
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod asyncio_and_tokio {
    use std::time::Duration;

    use pyo3::exceptions::PyTimeoutError;
    use pyo3::prelude::*;
    use pyo3_async_runtimes::tokio::{future_into_py, get_current_locals, into_future};
    use tokio::time::{sleep, timeout};

    const LIMIT: Duration = Duration::from_millis(100);

    // ANCHOR: await
    /// Returns an awaitable. tokio's threads run the future, not asyncio's loop.
    #[pyfunction]
    fn fetch(py: Python<'_>, name: String) -> PyResult<Bound<'_, PyAny>> {
        println!("Rust {name} starting");
        let mut job = Job { name, state: "canceled" };
        future_into_py(py, async move {
            sleep(5 * LIMIT).await;
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

    // ANCHOR: broken
    /// Awaits a Python coroutine with a timeout. The timeout drops the future, but
    /// the coroutine is a task of asyncio's loop, and keeps running there.
    #[pyfunction]
    fn with_timeout<'py>(work: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let future = into_future(work.clone())?;
        future_into_py(work.py(), async {
            timeout(LIMIT, future).await.unwrap_or_else(|_| Err(late()))
        })
    }
    // ANCHOR_END: broken

    // ANCHOR: fixed
    /// Cancels the task, too. Only the loop's own thread may do that.
    #[pyfunction]
    fn with_cancel<'py>(work: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = get_current_locals(work.py())?.event_loop(work.py());
        let task = event_loop.call_method1("create_task", (&work,))?;
        let (cancel, event_loop) = (task.getattr("cancel")?.unbind(), event_loop.unbind());
        let future = into_future(task)?;
        future_into_py(work.py(), async move {
            let done = timeout(LIMIT, future).await;
            done.unwrap_or_else(|_| {
                let call = "call_soon_threadsafe";
                Python::attach(|py| event_loop.call_method1(py, call, (cancel,)))?;
                Err(late())
            })
        })
    }
    // ANCHOR_END: fixed

    fn late() -> PyErr {
        PyTimeoutError::new_err("Rust has stopped waiting")
    }
}
