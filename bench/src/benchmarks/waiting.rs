//! Many waits at once.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::join_all;
use harness::kept::results::Better::Less;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::usage::peak_memory;

const ALL: &[u64] = &[1_000, 10_000, 100_000, 1_000_000];
/// A number of threads that every system allows.
const FEW: &[u64] = &[1_000, 10_000];
/// The duration of each wait.
const WAIT: Duration = Duration::from_secs(1);

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "waiting",
        question: "How long do many waits of one second take, all at once?",
        method: "All waits of one second run at the same time. The figures are the time until the \
                 last one ends, and the peak memory of the program. tokio's join_all goes to \
                 100,000 waits, because a million would take minutes, and threads go to 10,000, \
                 which every system allows.",
        sizes: Some("waits"),
        quick_max: 1_000,
        measures: &[("time", "s", Less), ("memory", "MiB", Less)],
        implementations: vec![
            Implementation::rust("tokio tasks", ALL, tasks),
            Implementation::rust("tokio join_all", &ALL[..3], one_task),
            Implementation::rust("threads", FEW, threads),
            Implementation::python("asyncio.gather", ALL, "waiting.py", "tasks"),
            Implementation::python("Python threads", FEW, "waiting.py", "threads"),
            Implementation::lower_bound(
                "the wait itself",
                ALL,
                Source::Constants(&[("time", 1.0)]),
            ),
        ],
        ..Benchmark::default()
    }
}

fn tasks(turn: &Turn) -> Result<Figures> {
    on_one_thread(async {
        let mut waits: JoinSet<()> = (0..turn.size).map(|_| sleep(WAIT)).collect();
        while let Some(ended) = waits.join_next().await {
            ended?;
        }
        Ok(())
    })
}

fn one_task(turn: &Turn) -> Result<Figures> {
    on_one_thread(async {
        join_all((0..turn.size).map(|_| sleep(WAIT))).await;
        Ok(())
    })
}

fn on_one_thread(waits: impl Future<Output = Result<()>>) -> Result<Figures> {
    let started = Instant::now();
    Builder::new_current_thread().enable_time().build()?.block_on(waits)?;
    time_and_memory(started)
}

fn threads(turn: &Turn) -> Result<Figures> {
    let started = Instant::now();
    // The scope joins the threads, also when one of them cannot be started.
    thread::scope(|scope| {
        (0..turn.size).try_for_each(|_| {
            let wait = || thread::sleep(WAIT);
            thread::Builder::new().spawn_scoped(scope, wait).map(drop)
        })
    })
    .context("starting a thread")?;
    time_and_memory(started)
}

fn time_and_memory(started: Instant) -> Result<Figures> {
    let mut figures = figures([("time", started.elapsed().as_secs_f64())]);
    let memory = peak_memory(std::process::id());
    figures.extend(memory.map(|memory| ("memory".to_owned(), memory)));
    Ok(figures)
}
