//! Rust awaits a Python coroutine with a timeout. Dropping the Rust future
//! doesn't cancel the coroutine.
//!
//! ```sh
//! cargo run -p await-python
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod await_python {
    use std::time::Duration;

    use pyo3::exceptions::PyTimeoutError;
    use pyo3::prelude::*;
    use pyo3_async_runtimes::tokio::{
        future_into_py, get_current_locals, into_future,
    };
    use tokio::time::timeout;

    const LIMIT: Duration = Duration::from_millis(100);

    // ANCHOR: broken
    /// At the timeout, the Rust future is dropped. But the coroutine has
    /// become a task of asyncio's loop, and keeps running there.
    #[pyfunction]
    fn with_timeout<'py>(
        work: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let future = into_future(work.clone())?;
        future_into_py(work.py(), async {
            timeout(LIMIT, future).await.unwrap_or_else(|_| Err(late()))
        })
    }
    // ANCHOR_END: broken

    // ANCHOR: fixed
    /// Makes the task itself, and cancels it at the timeout. The call goes
    /// through the loop, because a task may only be canceled on the loop's
    /// own thread.
    #[pyfunction]
    fn with_cancel<'py>(
        work: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = work.py();
        let event_loop = get_current_locals(py)?.event_loop(py);
        let task = event_loop.call_method1("create_task", (work,))?;
        let cancel = task.getattr("cancel")?.unbind();
        let event_loop = event_loop.unbind();
        let future = into_future(task)?;
        future_into_py(py, async move {
            let done = timeout(LIMIT, future).await;
            done.unwrap_or_else(|_| {
                let call = "call_soon_threadsafe";
                Python::attach(|py| {
                    event_loop.call_method1(py, call, (cancel,))
                })?;
                Err(late())
            })
        })
    }
    // ANCHOR_END: fixed

    fn late() -> PyErr {
        PyTimeoutError::new_err("Rust has stopped waiting")
    }
}
