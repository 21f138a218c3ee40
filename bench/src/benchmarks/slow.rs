//! Slow waits next to many waits.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::kept::results::Better::Less;
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::usage::peak_memory;

/// A few waits that are slow, and many that are quick.
const SIZES: &[u64] = &[FEW, 10_000];
const FEW: u64 = 5;

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "slow",
        question: "Does slow I/O call for async, or many waits?",
        method: "5 waits of two seconds each, and 10,000 waits of a tenth of a second each. The \
                 figures are the time beyond the wait itself, and the peak memory of the program.",
        sizes: Some("waits"),
        quick_max: 10_000,
        measures: &[("time over the wait", "ms", Less), ("memory", "MiB", Less)],
        implementations: vec![
            Implementation::rust("threads", SIZES, threads),
            Implementation::rust("tokio tasks", SIZES, tasks),
            Implementation::python("Python threads", SIZES, "slow.py", "threads"),
            Implementation::python("asyncio", SIZES, "slow.py", "tasks"),
        ],
        ..Benchmark::default()
    }
}

/// Returns the duration of each wait.
fn wait(size: u64) -> Duration {
    Duration::from_millis(if size == FEW { 2000 } else { 100 })
}

fn threads(turn: &Turn) -> Result<Figures> {
    let wait = wait(turn.size);
    let started = Instant::now();
    let threads: Result<Vec<_>, _> =
        (0..turn.size).map(|_| thread::Builder::new().spawn(move || thread::sleep(wait))).collect();
    for thread in threads.context("starting a thread")? {
        thread.join().ok().context("a thread panicked")?;
    }
    time_and_memory(started, wait)
}

fn tasks(turn: &Turn) -> Result<Figures> {
    let wait = wait(turn.size);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let mut tasks: JoinSet<()> = (0..turn.size).map(|_| tokio::time::sleep(wait)).collect();
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        time_and_memory(started, wait)
    })
}

fn time_and_memory(started: Instant, wait: Duration) -> Result<Figures> {
    let over = started.elapsed().saturating_sub(wait);
    let mut figures = figures([("time over the wait", over.as_secs_f64() * 1e3)]);
    let memory = peak_memory(std::process::id());
    figures.extend(memory.map(|memory| ("memory".to_owned(), memory)));
    Ok(figures)
}
