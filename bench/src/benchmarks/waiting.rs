//! Many waits at once. The implementations are the example `many-waits` and its Python counterpart.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::results::Better::Less;
use harness::results::Category;

use super::program;
use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way, figures};

const ALL: &[u64] = &[1_000, 10_000, 100_000, 1_000_000];
/// As many threads as any system gives.
const FEW: &[u64] = &[1_000, 10_000];

pub(super) fn benchmark() -> Benchmark {
    let python = |name, sizes, way| Implementation { name, category: Category::Python, sizes, way };
    Benchmark {
        name: "waiting",
        question: "How long do many waits of one second take, all at once?",
        method: "Waits of a second, all at the same time: the time until the last one has ended, \
                 and the most memory of the program. tokio's join_all goes to 100,000, beyond which it \
                 would take minutes, and threads to 10,000, which any system allows.",
        sizes: Some("waits"),
        quick_most: 1_000,
        programs: &["many-waits"],
        python_packages: false,
        measures: &[("time", "s", Less), ("memory", "MiB", Less)],
        implementations: vec![
            Implementation::rust("tokio tasks", ALL, |turn| rust("--tasks", turn)),
            Implementation::rust("tokio join_all", &ALL[..3], |turn| rust("--join-all", turn)),
            Implementation::rust("threads", FEW, |turn| rust("--threads", turn)),
            python("asyncio.gather", ALL, Way::Here(|turn| counterpart("--tasks", turn))),
            python("Python threads", FEW, Way::Here(|turn| counterpart("--threads", turn))),
            Implementation::floor("the wait itself", ALL, Way::Known(&[("time", 1.0)])),
        ],
    }
}

fn rust(way: &str, turn: &Turn) -> Result<Figures> {
    run(Command::new(program("many-waits")?), way, turn)
}

fn counterpart(way: &str, turn: &Turn) -> Result<Figures> {
    let python = turn.python.as_ref().context("there is no Python 3.10 or newer")?;
    let mut command = Command::new(python);
    command.arg("examples-async/many-waits/many-waits.py");
    run(command, way, turn)
}

/// Reads `1000 tasks: 1.003 s, 0.003 s over the floor; 3.1 MiB at most, …`.
fn run(mut command: Command, way: &str, turn: &Turn) -> Result<Figures> {
    let output = command.args([way, &turn.size.to_string()]).output().context("starting it")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", complaint.lines().last().unwrap_or("it failed"));
    let line = String::from_utf8(output.stdout).context("its output")?;
    let number_before = |unit: &str| {
        let (before, _) = line.split_once(unit)?;
        before.rsplit([' ', ':', ';']).next()?.parse::<f64>().ok()
    };
    let time = number_before(" s, ").with_context(|| format!("no time in {line:?}"))?;
    let mut figures = figures([("time", time)]);
    if let Some(memory) = number_before(" MiB") {
        figures.insert("memory".to_owned(), memory);
    }
    Ok(figures)
}
