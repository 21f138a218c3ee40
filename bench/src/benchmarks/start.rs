//! The cost of starting a task, a thread or a process.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::kept::results::Better;
use tokio::runtime::{Builder, Runtime};

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::measure::seconds;
use crate::parts;

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "start.py", way);
    Benchmark {
        name: "start",
        question: "What does it cost to start a task, a thread, a process?",
        method: "Each one is started, does nothing, and is waited for before the next one starts. \
                 The tokio task is spawned within a runtime of one thread; from main, it is \
                 spawned by the main function of the default runtime, which has a thread per core, \
                 so that another thread has to be woken up. Rust's process is this benchmark \
                 program, which exits immediately. Python's forked process is a copy of one that \
                 has imported hardly anything; the spawned one is a new interpreter.",
        measures: &[("time", "µs", Better::Less)],
        implementations: vec![
            Implementation::rust("tokio task", &[0], |turn| {
                task(turn, &Builder::new_current_thread().enable_all().build()?)
            }),
            Implementation::rust("tokio task, from main", &[0], |turn| {
                task(turn, &Runtime::new()?)
            }),
            Implementation::rust("std thread", &[0], thread),
            Implementation::rust("process", &[0], process),
            python("Python asyncio task", "task"),
            python("Python thread", "thread"),
            python("Python Process, fork", "fork"),
            python("Python Process, spawn", "spawn"),
            python("Python subprocess: python -c pass", "subprocess"),
        ],
        ..Benchmark::default()
    }
}

fn measure(time: Duration, run: impl FnMut(u64) -> Result<()>) -> Result<Figures> {
    Ok(figures([("time", seconds(time, run)? * 1e6)]))
}

fn task(turn: &Turn, runtime: &Runtime) -> Result<Figures> {
    measure(turn.time, |times| {
        runtime.block_on(async {
            for _ in 0..times {
                tokio::spawn(async {}).await?;
            }
            Ok(())
        })
    })
}

fn thread(turn: &Turn) -> Result<Figures> {
    measure(turn.time, |times| {
        for _ in 0..times {
            thread::spawn(|| {}).join().ok().context("it panicked")?;
        }
        Ok(())
    })
}

fn process(turn: &Turn) -> Result<Figures> {
    let mut command = parts::command("nothing")?;
    measure(turn.time, |times| {
        for _ in 0..times {
            let status = command.status()?;
            ensure!(status.success(), "it failed: {status}");
        }
        Ok(())
    })
}
