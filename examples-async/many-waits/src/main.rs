//! Thousands of waits at once: threads, tasks, and futures in one task.
//!
//! ```sh
//! cargo run --release -p many-waits
//! ```
//!
//! Its options choose one way and how many:
//!
//! ```sh
//! cargo run --release -p many-waits -- --tasks 1000000
//! ```
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use clap::builder::TypedValueParser;
use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long each waits. All together cannot take less: this is the floor.
const WAIT: Duration = Duration::from_secs(1);

/// Waits for a second many times at once, and tells what it took
#[derive(Parser)]
#[group(multiple = false)]
struct Arguments {
    /// N threads
    #[arg(long, value_name = "N", value_parser = up_to(30_000))]
    threads: Option<u32>,
    /// N tasks on one thread
    #[arg(long, value_name = "N", value_parser = up_to(5_000_000))]
    tasks: Option<u32>,
    /// N futures in one task, which takes far too long when N is large
    #[arg(long, value_name = "N", value_parser = up_to(1_000_000))]
    join_all: Option<u32>,
}

fn up_to(most: i64) -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=most)
}

// ANCHOR: ways
fn on_threads(count: u32) -> Result<()> {
    check_room_for_threads(count)?;
    // A scope joins its threads, also those started before one is refused.
    thread::scope(|scope| {
        for started in 0..count {
            // A Builder, because thread::spawn panics when it is refused.
            thread::Builder::new()
                .spawn_scoped(scope, || thread::sleep(WAIT))
                .with_context(|| {
                    format!("only {started} of {count} threads started")
                })?;
        }
        Ok(())
    })
}

#[tokio::main(flavor = "current_thread")]
async fn in_tasks(count: u32) -> Result<()> {
    let mut waits: JoinSet<_> = (0..count).map(|_| sleep(WAIT)).collect();
    while let Some(waited) = waits.join_next().await {
        waited.context("a task failed")?;
    }
    Ok(())
}

/// The trap: all futures share the budget of one task. Each time it runs, 128
/// of them may finish; all others that are ready are polled in vain, each time.
#[tokio::main(flavor = "current_thread")]
async fn in_one_task(count: u32) -> Result<()> {
    join_all((0..count).map(|_| sleep(WAIT))).await;
    Ok(())
}
// ANCHOR_END: ways

/// Refuses what std would not survive: each new thread sets up a stack for
/// signals, and where there is no memory map left for it, std aborts the
/// program: <https://github.com/rust-lang/rust/issues/78497>.
#[cfg(target_os = "linux")]
fn check_room_for_threads(count: u32) -> Result<()> {
    // For a thread: two stacks, each with a guard page. And some for the rest.
    const MAPS_OF_A_THREAD: u64 = 4;
    const OTHER_MAPS: u64 = 200;
    let maps = procfs::sys::vm::max_map_count()
        .context("reading how many memory maps a process may have")?;
    let most = maps.saturating_sub(OTHER_MAPS) / MAPS_OF_A_THREAD;
    ensure!(
        u64::from(count) <= most,
        "at most {most} threads here: a process may have {maps} memory maps \
         (vm.max_map_count), and a thread takes {MAPS_OF_A_THREAD}"
    );
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn check_room_for_threads(_count: u32) -> Result<()> {
    Ok(())
}

/// The most memory that this process has had so far, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> Option<u64> {
    let status = procfs::process::Process::myself().ok()?.status().ok()?;
    Some(status.vmhwm? * 1024)
}

#[cfg(not(target_os = "linux"))]
fn peak_memory() -> Option<u64> {
    None
}

fn measure(count: u32, name: &str, way: fn(u32) -> Result<()>) -> Result<()> {
    let before = peak_memory();
    let started = Instant::now();
    way(count)?;
    let took = started.elapsed();

    let memory = match before.zip(peak_memory()) {
        Some((before, peak)) => format!(
            "{:.1} MiB at most, {} bytes a wait",
            peak as f64 / f64::from(1 << 20),
            peak.saturating_sub(before) / u64::from(count)
        ),
        None => "memory not known".to_owned(),
    };
    println!(
        "{count} {name}: {:.3} s, {:.3} s over the floor; {memory}",
        took.as_secs_f64(),
        took.saturating_sub(WAIT).as_secs_f64()
    );
    Ok(())
}

/// Starts this program again for each way, since a peak of memory is one of a
/// whole process and never falls.
fn all_ways() -> Result<()> {
    println!("Waits of {} s, each way in a process of its own", WAIT.as_secs());
    let program = env::current_exe().context("finding this program")?;
    for (way, count) in
        [("--threads", "1000"), ("--tasks", "20000"), ("--join-all", "20000")]
    {
        let status = Command::new(&program)
            .args([way, count])
            .status()
            .context("starting this program again")?;
        ensure!(status.success(), "{way} {count}: {status}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            // The first paragraph, as one line.
            let text = error.to_string();
            let lines = text.lines().map(str::trim);
            let lines: Vec<_> = lines.take_while(|l| !l.is_empty()).collect();
            eprintln!("{}", lines.join(" "));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    let result = match arguments {
        Arguments { threads: Some(count), .. } => {
            measure(count, "threads", on_threads)
        }
        Arguments { tasks: Some(count), .. } => {
            measure(count, "tasks", in_tasks)
        }
        Arguments { join_all: Some(count), .. } => {
            measure(count, "futures in one task", in_one_task)
        }
        _ => all_ways(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
