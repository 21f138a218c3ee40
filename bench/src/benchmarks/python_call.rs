//! What it costs to call a Rust function from Python, or to await one.

use harness::kept::results::{Better, Category};

use crate::extension;
use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way};

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "python-call",
        question: "What does it cost to call Rust from Python, or to await it?",
        method: "The function does nothing, except that it releases the GIL and acquires it again. \
                 It is called directly, or by one of asyncio's threads, which asyncio's event loop \
                 waits for. The future is ready immediately; asyncio awaits it, and tokio runs it. \
                 Each call ends before the next one begins.",
        sizes: None,
        quick_most: 0,
        programs: &["asyncio-and-tokio"],
        python_packages: false,
        measures: &[("time", "µs", Better::Less)],
        implementations: vec![
            of("a Python function", |turn| measure(turn, "python")),
            of("a Rust function", |turn| measure(turn, "rust")),
            of("a Rust function, asyncio.to_thread", |turn| measure(turn, "thread")),
            of("a Rust future, awaited", |turn| measure(turn, "await")),
        ],
    }
}

fn of(name: &'static str, way: fn(&Turn) -> anyhow::Result<Figures>) -> Implementation {
    Implementation { name, category: Category::Python, sizes: &[0], way: Way::Here(way) }
}

fn measure(turn: &Turn, way: &str) -> anyhow::Result<Figures> {
    extension::measure(turn, "asyncio_and_tokio", "extension_call.py", way)
}
