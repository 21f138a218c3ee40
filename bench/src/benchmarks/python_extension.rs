//! The same computation in Python, and in Rust behind Python.

use harness::kept::results::{Better, Category};

use crate::extension;
use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way};

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "python-extension",
        question: "What does a Rust function make faster in a Python program?",
        method: "Which number up to 300,000 starts the longest Collatz chain? Every program is a \
                 Python program. In some of them, a Rust function does the work: called once, on \
                 one thread or with rayon on all cores, or called by two Python threads at the \
                 same time. Each of these two threads finds the answer, and the time is half of \
                 what both take. The process pool divides the work into 64 jobs, or eight per \
                 core if that is more, and is started before the measurement.",
        sizes: None,
        quick_most: 0,
        programs: &["fast-function"],
        python_packages: false,
        measures: &[("time", "ms", Better::Less)],
        implementations: vec![
            of("Python", |turn| measure(turn, "python")),
            of("ProcessPoolExecutor", |turn| measure(turn, "processes")),
            of("Rust, one thread", |turn| measure(turn, "rust")),
            of("Rust with rayon", |turn| measure(turn, "rayon")),
            of("Rust, two Python threads, holding the GIL", |turn| measure(turn, "holding")),
            of("Rust, two Python threads, detached", |turn| measure(turn, "detached")),
        ],
    }
}

fn of(name: &'static str, way: fn(&Turn) -> anyhow::Result<Figures>) -> Implementation {
    Implementation { name, category: Category::Python, sizes: &[0], way: Way::Here(way) }
}

fn measure(turn: &Turn, way: &str) -> anyhow::Result<Figures> {
    extension::measure(turn, "fast_function", "extension.py", way)
}
