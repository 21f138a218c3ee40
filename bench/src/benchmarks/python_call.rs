//! The cost of calling a Rust function from Python, or of awaiting one.

use anyhow::Result;
use harness::kept::results::Better;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn};
use crate::parts::python::with_extension;

pub(super) fn benchmark() -> Benchmark {
    let python = |name, function| Implementation::python_measured_by(name, &[0], function);
    Benchmark {
        name: "python-call",
        question: "What does it cost to call Rust from Python, or to await it?",
        method: "The function does nothing, except that it releases the GIL and acquires it again. \
                 It is called directly, or by one of asyncio's threads, which asyncio's event loop \
                 waits for. The future is ready immediately; asyncio awaits it, and tokio runs it. \
                 Each call ends before the next one begins.",
        programs: &["asyncio-and-tokio"],
        measures: &[("time", "µs", Better::Less)],
        implementations: vec![
            python("a Python function", |turn| measure(turn, "python")),
            python("a Rust function", |turn| measure(turn, "rust")),
            python("a Rust function, asyncio.to_thread", |turn| measure(turn, "thread")),
            python("a Rust future, awaited", |turn| measure(turn, "await")),
        ],
        ..Benchmark::default()
    }
}

fn measure(turn: &Turn, variant: &str) -> Result<Figures> {
    with_extension(turn, "asyncio_and_tokio", "extension_call.py", variant)
}
