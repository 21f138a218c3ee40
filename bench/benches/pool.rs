//! The process pool beside a bare pipe, procspawn and Python's pools.
//!
//! ```sh
//! cargo bench -p bench --bench pool
//! ```
//!
//! The contenders take turns for five rounds. At the end stand the medians, and the ratios of each
//! round beside what they are to be. `-- 3 echo` takes three rounds, and only what has "echo" in
//! its name.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench::cores::Cores;
use bench::python::Python;
use bench::ratio::Aim::{AtLeast, AtMost};
use bench::ratio::{Rounds, Target};
use criterion::Criterion;
use process_pool::{Config, Job, JobResult, Pool};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokio::runtime::Runtime;

const MEBIBYTE: usize = 1 << 20;

const ROUND_TRIP: &str = "round trip";
const ROUND_TRIP_ONE: &str = "round trip, one core";
const JOBS: &str = "jobs, many at once";
const MAP: &str = "a map of 10,000 jobs";
/// As many jobs as make a map, so that both contenders do the same however often they are asked.
const MAP_JOBS: u32 = 10_000;
const ECHO: &str = "echo of 1 MiB";

const PIPE: &str = "a bare pipe";
const OURS: &str = "process-pool";
const PROCSPAWN: &str = "procspawn";
const EXECUTOR: &str = "ProcessPoolExecutor";
const PYTHON_POOL: &str = "multiprocessing.Pool";

const fn target(
    subject: &'static str,
    slow: &'static str,
    fast: &'static str,
    ratio: bench::ratio::Aim,
) -> Target {
    Target { subject, slow, fast, ratio }
}

const TARGETS: [Target; 11] = [
    target(ROUND_TRIP_ONE, OURS, PIPE, AtMost(2.5)),
    target(ROUND_TRIP_ONE, EXECUTOR, OURS, AtLeast(15.0)),
    target(ROUND_TRIP_ONE, PROCSPAWN, OURS, AtLeast(1.0)),
    target(ROUND_TRIP_ONE, PYTHON_POOL, OURS, AtLeast(1.0)),
    target(ROUND_TRIP, EXECUTOR, OURS, AtLeast(1.0)),
    target(ROUND_TRIP, PROCSPAWN, OURS, AtLeast(1.0)),
    target(ROUND_TRIP, PYTHON_POOL, OURS, AtLeast(1.0)),
    target(JOBS, EXECUTOR, OURS, AtLeast(8.0)),
    target(JOBS, PROCSPAWN, OURS, AtLeast(1.0)),
    target(MAP, PYTHON_POOL, OURS, AtLeast(1.0)),
    target(ECHO, EXECUTOR, OURS, AtLeast(2.0)),
];

/// The jobs of our own pool.
#[derive(Serialize, Deserialize)]
enum Task {
    Empty,
    Number(u32),
    Echo(ByteBuf),
}

#[derive(Serialize, Deserialize)]
enum Output {
    Nothing,
    Number(u32),
    Bytes(ByteBuf),
}

impl Job for Task {
    type Output = Output;

    fn run(self) -> JobResult<Output> {
        Ok(match self {
            Self::Empty => Output::Nothing,
            Self::Number(number) => Output::Number(number),
            Self::Echo(bytes) => Output::Bytes(bytes),
        })
    }
}

fn main() -> Result<()> {
    // Each of these keeps the processes that it has started itself.
    process_pool::worker::<Task>();
    pong();
    procspawn::init();

    let mut rounds = 5;
    let mut only = String::new();
    // Cargo adds options of its own.
    for argument in std::env::args().skip(1).filter(|argument| !argument.starts_with('-')) {
        match argument.parse() {
            Ok(number) => rounds = number,
            Err(_) => only = argument,
        }
    }
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-pool");
    let mut times = Rounds::default();
    for round in 1..=rounds {
        let mut bench = Bench { output: &output, round, times: Rounds::default() };
        if ROUND_TRIP_ONE.contains(&only) {
            let round_trip = || bench.round_trip(ROUND_TRIP_ONE, Cores::One);
            match Cores::One.run(round_trip) {
                Some(measured) => measured?,
                None => eprintln!("skipped: a thread cannot be kept to one core here"),
            }
        }
        if ROUND_TRIP.contains(&only) {
            bench.round_trip(ROUND_TRIP, Cores::All)?;
        }
        if JOBS.contains(&only) {
            bench.jobs()?;
        }
        if MAP.contains(&only) {
            bench.map()?;
        }
        if ECHO.contains(&only) {
            bench.echo()?;
        }
        times.append(bench.times);
    }
    println!("\nThe median of {rounds} rounds\n");
    times.print_times();
    println!("\nThe median of the ratios of {rounds} rounds\n");
    times.print_ratios(&TARGETS);
    Ok(())
}

/// One round.
struct Bench<'a> {
    output: &'a Path,
    round: usize,
    times: Rounds,
}

impl Bench<'_> {
    /// Has criterion measure one contender. `run` does a thing so many times and tells how long
    /// that took.
    fn measure(
        &mut self,
        subject: &str,
        contender: &str,
        mut run: impl FnMut(u64) -> Result<Duration>,
    ) -> Result<()> {
        let mut criterion = Criterion::default()
            .output_directory(self.output)
            .without_plots()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(800));
        let id = format!("{subject} - {contender} - {}", self.round);
        let mut fault = None;
        criterion.bench_function(&id, |bencher| {
            bencher.iter_custom(|times| {
                run(times).unwrap_or_else(|error| {
                    fault = Some(error);
                    Duration::from_nanos(1)
                })
            });
        });
        if let Some(fault) = fault {
            return Err(fault).with_context(|| format!("measuring {contender}: {subject}"));
        }
        self.times.add(self.output, subject, contender, &id)
    }

    fn python(&mut self, subject: &str, contender: &str, command: &str) -> Result<()> {
        match Python::start("pools.py") {
            Ok(mut python) => {
                self.measure(subject, contender, |times| python.measure(command, times))
            }
            Err(error) => {
                eprintln!("skipped: {contender}: {error:#}");
                Ok(())
            }
        }
    }

    /// One job after another; each waits for the answer of the one before.
    fn round_trip(&mut self, subject: &str, cores: Cores) -> Result<()> {
        let mut pipe = Pipe::start()?;
        self.measure(subject, PIPE, |times| pipe.ping(&mut [0], times))?;
        drop(pipe);

        let runtime = runtime(cores)?;
        let pool = Ours::start(&runtime)?;
        self.measure(subject, OURS, |times| {
            pool.run(move |pool| async move {
                for _ in 0..times {
                    pool.run(Task::Empty).await?;
                }
                Ok(())
            })
        })?;
        drop(pool);

        let pool = procspawn::Pool::new(workers())?;
        self.measure(subject, PROCSPAWN, |times| {
            let start = Instant::now();
            for _ in 0..times {
                procspawn::spawn!(in pool, () || ()).join()?;
            }
            Ok(start.elapsed())
        })?;
        pool.shutdown();

        self.python(subject, EXECUTOR, "executor-round-trip")?;
        self.python(subject, PYTHON_POOL, "pool-round-trip")
    }

    /// As many at once as there is work for, each a job of its own.
    fn jobs(&mut self) -> Result<()> {
        const CALLERS: u64 = 64;

        let runtime = runtime(Cores::All)?;
        let pool = Ours::start(&runtime)?;
        self.measure(JOBS, OURS, |times| {
            pool.run(move |pool| async move {
                let mut callers = tokio::task::JoinSet::new();
                for caller in 0..CALLERS {
                    let pool = Arc::clone(&pool);
                    let share = times / CALLERS + u64::from(caller < times % CALLERS);
                    callers.spawn(async move {
                        for _ in 0..share {
                            pool.run(Task::Empty).await?;
                        }
                        anyhow::Ok(())
                    });
                }
                callers.join_all().await.into_iter().collect()
            })
        })?;
        drop(pool);

        let pool = procspawn::Pool::new(workers())?;
        self.measure(JOBS, PROCSPAWN, |times| {
            let start = Instant::now();
            let handles: Vec<_> =
                (0..times).map(|_| procspawn::spawn!(in pool, () || ())).collect();
            for handle in handles {
                handle.join()?;
            }
            Ok(start.elapsed())
        })?;
        pool.shutdown();

        self.python(JOBS, EXECUTOR, "executor-jobs")?;
        self.python(JOBS, PYTHON_POOL, "pool-jobs")
    }

    /// Many small jobs by one call.
    fn map(&mut self) -> Result<()> {
        let runtime = runtime(Cores::All)?;
        let pool = Ours::start(&runtime)?;
        self.measure(MAP, OURS, |times| {
            pool.run(move |pool| async move {
                for _ in 0..times {
                    let numbers = 0..MAP_JOBS;
                    let results = pool.map(numbers.clone().map(Task::Number)).await;
                    for (number, result) in numbers.zip(results) {
                        anyhow::ensure!(matches!(result?, Output::Number(it) if it == number));
                    }
                }
                Ok(())
            })
        })?;
        drop(pool);
        self.python(MAP, PYTHON_POOL, "pool-map")
    }

    /// A mebibyte there and back.
    fn echo(&mut self) -> Result<()> {
        let mut pipe = Pipe::start()?;
        let mut bytes = vec![1; MEBIBYTE];
        self.measure(ECHO, PIPE, |times| pipe.ping(&mut bytes, times))?;
        drop(pipe);

        let runtime = runtime(Cores::All)?;
        let pool = Ours::start(&runtime)?;
        self.measure(ECHO, OURS, |times| {
            pool.run(move |pool| async move {
                let mut bytes = ByteBuf::from(vec![1; MEBIBYTE]);
                for _ in 0..times {
                    match pool.run(Task::Echo(bytes)).await? {
                        Output::Bytes(back) => bytes = back,
                        _ => anyhow::bail!("another answer"),
                    }
                }
                Ok(())
            })
        })?;
        drop(pool);
        self.python(ECHO, EXECUTOR, "executor-echo")
    }
}

/// As many as Python's pools take by themselves.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// On one core a second thread of the runtime would only be in the way.
fn runtime(cores: Cores) -> Result<Runtime> {
    let mut builder = match cores {
        Cores::One => tokio::runtime::Builder::new_current_thread(),
        Cores::All => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build().context("starting a runtime")
}

/// Our own pool, and the runtime that it lives in.
struct Ours<'a> {
    runtime: &'a Runtime,
    pool: Arc<Pool<Task>>,
}

impl<'a> Ours<'a> {
    fn start(runtime: &'a Runtime) -> Result<Self> {
        let config = Config { workers: workers(), queue: 1000, ..Config::default() };
        let pool = runtime.block_on(Pool::start(config))?;
        Ok(Self { runtime, pool: Arc::new(pool) })
    }

    /// Runs a task as a service does, which is not in the thread that waits for it.
    fn run<F: Future<Output = Result<()>> + Send + 'static>(
        &self,
        body: impl FnOnce(Arc<Pool<Task>>) -> F,
    ) -> Result<Duration> {
        let body = body(Arc::clone(&self.pool));
        let start = Instant::now();
        self.runtime.block_on(self.runtime.spawn(body))??;
        Ok(start.elapsed())
    }
}

impl Drop for Ours<'_> {
    fn drop(&mut self) {
        self.runtime.block_on(self.pool.shutdown());
    }
}

const PONG: &str = "--pong";

/// The other end of [`Pipe`], if this process was started as one: gives back what it gets.
fn pong() {
    if std::env::args().nth(1).as_deref() != Some(PONG) {
        return;
    }
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout());
    let mut bytes = vec![0; MEBIBYTE];
    while let Ok(count @ 1..) = input.read(&mut bytes) {
        // Through stdout's own buffer and out of it: one write.
        if output.write_all(&bytes[..count]).and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    std::process::exit(0);
}

/// Two pipes to a process, and nothing else: what a round trip costs at the least.
struct Pipe(std::process::Child);

impl Pipe {
    fn start() -> Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let child = Command::new(program)
            .arg(PONG)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the other end of a pipe")?;
        Ok(Self(child))
    }

    fn ping(&mut self, bytes: &mut [u8], times: u64) -> Result<Duration> {
        let stdin = self.0.stdin.as_mut().context("no stdin")?;
        let stdout = self.0.stdout.as_mut().context("no stdout")?;
        let start = Instant::now();
        for _ in 0..times {
            // In pieces that a pipe holds, or both ends would wait for room.
            for piece in bytes.chunks_mut(32 << 10) {
                stdin.write_all(piece)?;
                stdout.read_exact(piece)?;
            }
        }
        Ok(start.elapsed())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}
