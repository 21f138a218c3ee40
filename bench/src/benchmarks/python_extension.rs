//! A computation in Python, and in Rust behind Python.

use anyhow::Result;
use harness::kept::results::Better;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn};
use crate::parts::python::with_extension;

pub(super) fn benchmark() -> Benchmark {
    let python = |name, function| Implementation::python_measured_by(name, &[0], function);
    Benchmark {
        name: "python-extension",
        question: "What does a Rust function make faster in a Python program?",
        method: "Which number up to 300,000 starts the longest Collatz chain? Every program is a \
                 Python program. In some of them, a Rust function does the work: called once, on \
                 one thread or with rayon on all cores, or called by two Python threads at the \
                 same time. Each of these two threads finds the answer, and the time is half of \
                 what both take. The process pool divides the work into 64 jobs, or eight per \
                 core if that is more, and is started before the measurement.",
        programs: &["fast-function"],
        measures: &[("time", "ms", Better::Less)],
        implementations: vec![
            python("Python", |turn| measure(turn, "python")),
            python("ProcessPoolExecutor", |turn| measure(turn, "processes")),
            python("Rust, one thread", |turn| measure(turn, "rust")),
            python("Rust with rayon", |turn| measure(turn, "rayon")),
            python("Rust, two Python threads, holding the GIL", |turn| measure(turn, "holding")),
            python("Rust, two Python threads, detached", |turn| measure(turn, "detached")),
        ],
        ..Benchmark::default()
    }
}

fn measure(turn: &Turn, variant: &str) -> Result<Figures> {
    with_extension(turn, "fast_function", "extension.py", variant)
}
