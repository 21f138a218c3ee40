//! Measures what it costs to sample a program: the CPU time of the sampler, and how much longer the
//! program takes. The program computes on its main thread while many other threads wait.
//!
//! ```sh
//! cargo run -p harness --example sampler
//! ```
//!
//! It is built without optimization, as the guide is when it records examples.
use std::hint::black_box;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::run::{Limits, Program, Running};
use process_tree::{Detail, Snapshot, own_cpu_time};

/// How often the program is run with the sampler, and how often without it.
const RUNS: usize = 7;

/// What one run took, in seconds.
struct Took {
    wall: f64,
    /// The CPU time of the program.
    cpu: f64,
    /// The CPU time of this process meanwhile.
    own: f64,
}

fn main() -> Result<()> {
    if let Some(threads) = std::env::args().nth(1) {
        compute_while_threads_wait(threads.parse()?);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("threads  sampler, of one core  one sample  program's wall time  program's CPU time");
    for threads in [5, 100, 5000] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            // In turn, so that other programs disturb both alike.
            without.push(runtime.block_on(run(threads, false))?);
            with.push(runtime.block_on(run(threads, true))?);
        }
        // The minimum, because other programs only add to it.
        let more = |of: fn(&Took) -> f64| (least(&with, of) / least(&without, of) - 1.0) * 100.0;
        let own = least(&with, |it| it.own) - least(&without, |it| it.own);
        println!(
            "{threads:7}  {:18.1} %  {:7.2} ms  {:+17.1} %  {:+16.1} %",
            own / least(&with, |it| it.wall) * 100.0,
            runtime.block_on(sample(threads))?.as_secs_f64() * 1000.0,
            more(|it| it.wall),
            more(|it| it.cpu),
        );
    }
    Ok(())
}

/// The program that is measured.
fn compute_while_threads_wait(threads: usize) {
    for _ in 0..threads {
        thread::spawn(|| {
            loop {
                thread::park();
            }
        });
    }
    let mut sum = 0_u64;
    for number in 0..200_000_000 {
        sum = sum.wrapping_add(black_box(number));
    }
    black_box(sum);
}

fn program(threads: usize) -> Result<Program> {
    Ok(Program {
        executable: std::env::current_exe()?,
        arguments: vec![threads.to_string().into()],
        folder: std::env::temp_dir(),
    })
}

async fn run(threads: usize, with_sampler: bool) -> Result<Took> {
    let own = || own_cpu_time(std::process::id()).context("this system does not show CPU times");
    let start = if with_sampler { Running::start } else { Running::start_unwatched };
    let before = own()?;
    let (_, costs) = start(&program(threads)?, Limits::default())?.end().await?;
    Ok(Took {
        wall: costs.wall.as_secs_f64(),
        cpu: costs.cpu.context("this system does not show CPU times")?.as_secs_f64(),
        own: (own()? - before).as_secs_f64(),
    })
}

/// The CPU time of one sample of the running program.
async fn sample(threads: usize) -> Result<Duration> {
    let running = Running::start_unwatched(&program(threads)?, Limits::default())?;
    let id = running.id();
    let all_started = |it: &Snapshot| it.threads == threads as u64 + 1;
    while !Snapshot::of(id, Detail::Totals).is_some_and(|it| all_started(&it)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let samples = (0..RUNS).filter_map(|_| Some(Snapshot::of(id, Detail::Waits)?.took));
    samples.min().context("it ended while it was sampled")
}

fn least(runs: &[Took], of: impl Fn(&Took) -> f64) -> f64 {
    runs.iter().map(of).fold(f64::INFINITY, f64::min)
}
