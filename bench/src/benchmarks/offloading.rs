//! The cost of offloading a job that does nothing, to pools of threads and to pools of processes, in
//! Rust and in Python, next to a raw pipe as the lower bound.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use harness::kept::results::Better;
use process_pool::{Config, Job, JobResult, Pool};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn};
use crate::cores::Cores;
use crate::measure;
use crate::parts::pipe::Pipe;
use crate::work::cores;

const JOBS: &str = "empty jobs";
const MAP: &str = "map";
const ECHO: &str = "echo of 1 MiB";

/// The empty jobs that are submitted at once.
const AT_ONCE: u32 = 1_000;
const MAP_JOBS: u32 = 10_000;
const MEBIBYTE: usize = 1 << 20;

const SIZES: &[u64] = &[0];

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "offloading",
        question: "What does it cost to offload a job?",
        method: "The jobs do nothing, in as many threads or processes as there are cores \
                 (spawn_blocking: up to 512). Round trip: each job is sent when the one before it \
                 has been answered. Empty jobs: 1,000 at once, each submitted by itself. Map: \
                 10,000 jobs in one call, in batches (Python: chunksize=100). A raw pipe is the \
                 lower bound for another process; threads need none.",
        measures: &[
            ("round trip, one core", "µs", Better::Less),
            ("round trip, all cores", "µs", Better::Less),
            (JOBS, "jobs/s", Better::More),
            (MAP, "jobs/s", Better::More),
            (ECHO, "ms", Better::Less),
        ],
        implementations: vec![
            Implementation::rust("spawn_blocking", SIZES, offload::<Blocking>),
            Implementation::rust("rayon", SIZES, rayon),
            Implementation::rust("process pool", SIZES, process_pool),
            Implementation::rust("procspawn", SIZES, procspawn),
            Implementation::python("ProcessPoolExecutor", SIZES, "offloading.py", "executor"),
            Implementation::python("multiprocessing.Pool", SIZES, "offloading.py", "pool"),
            Implementation::lower_bound("raw pipe", SIZES, Source::Function(pipe)),
        ],
        ..Benchmark::default()
    }
}

/// Measures for a part of the turn's time, because there are several measures.
fn seconds(turn: &Turn, run: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    measure::seconds(turn.time / 2, run)
}

/// Measures round trips on one core, where a thread can be pinned, and on all cores.
fn round_trips(figures: &mut Figures, seconds: impl Fn(Cores) -> Result<f64> + Sync) -> Result<()> {
    for cores in [Cores::One, Cores::All] {
        if let Some(seconds) = cores.run(|| seconds(cores)) {
            figures.insert(format!("round trip, {}", cores.name()), seconds? * 1e6);
        }
    }
    Ok(())
}

/// Returns a runtime. On one core a second thread would only cost time.
fn runtime(cores: Cores) -> Result<Runtime> {
    let mut builder = match cores {
        Cores::One => Builder::new_current_thread(),
        Cores::All => Builder::new_multi_thread(),
    };
    builder.enable_all().build().context("starting a runtime")
}

/// Runs something in a task, as a service does, and not in the thread that blocks on the runtime.
fn in_task(
    runtime: &Runtime,
    body: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<()> {
    runtime.block_on(runtime.spawn(body))?
}

/// A way to run a job elsewhere while a task waits for it.
trait Offload: Send + Sync + Sized + 'static {
    async fn start() -> Result<Self>;

    /// Offloads an empty job, and waits for it.
    fn job(&self) -> impl Future<Output = Result<()>> + Send;

    async fn end(&self) {}
}

/// Measures what all ways have in common.
fn offload<W: Offload>(turn: &Turn) -> Result<Figures> {
    let mut figures = Figures::new();
    round_trips(&mut figures, |cores| {
        with::<W, _>(cores, |runtime, way| {
            seconds(turn, |times| {
                let way = Arc::clone(way);
                in_task(runtime, async move {
                    for _ in 0..times {
                        way.job().await?;
                    }
                    Ok(())
                })
            })
        })
    })?;
    let at_once = with::<W, _>(Cores::All, |runtime, way| {
        seconds(turn, |times| {
            let way = Arc::clone(way);
            in_task(runtime, async move {
                for _ in 0..times {
                    let mut jobs = JoinSet::new();
                    for _ in 0..AT_ONCE {
                        let way = Arc::clone(&way);
                        jobs.spawn(async move { way.job().await });
                    }
                    while let Some(done) = jobs.join_next().await {
                        done??;
                    }
                }
                Ok(())
            })
        })
    })?;
    figures.insert(JOBS.to_owned(), f64::from(AT_ONCE) / at_once);
    Ok(figures)
}

/// Starts a way in a runtime of its own, and ends both after use.
fn with<W: Offload, T>(
    cores: Cores,
    body: impl FnOnce(&Runtime, &Arc<W>) -> Result<T>,
) -> Result<T> {
    let runtime = runtime(cores)?;
    let way = Arc::new(runtime.block_on(W::start())?);
    let done = body(&runtime, &way);
    runtime.block_on(way.end());
    done
}

/// Does nothing, but in a way that the compiler cannot remove.
#[inline(never)]
fn nothing() {
    black_box(());
}

/// Returns its argument, as the job of a map.
#[inline(never)]
fn identity(number: u32) -> u32 {
    black_box(number)
}

struct Blocking;

impl Offload for Blocking {
    async fn start() -> Result<Self> {
        Ok(Self)
    }

    async fn job(&self) -> Result<()> {
        Ok(tokio::task::spawn_blocking(nothing).await?)
    }
}

struct Rayon(ThreadPool);

impl Offload for Rayon {
    async fn start() -> Result<Self> {
        Ok(Self(ThreadPoolBuilder::new().num_threads(cores()).build()?))
    }

    async fn job(&self) -> Result<()> {
        let (sender, answer) = oneshot::channel();
        self.0.spawn(move || {
            nothing();
            sender.send(()).ok(); // fails if the caller no longer waits
        });
        Ok(answer.await?)
    }
}

fn rayon(turn: &Turn) -> Result<Figures> {
    let mut figures = offload::<Rayon>(turn)?;
    let pool = ThreadPoolBuilder::new().num_threads(cores()).build()?;
    let map = seconds(turn, |times| {
        for _ in 0..times {
            let results: Vec<_> =
                pool.install(|| (0..MAP_JOBS).into_par_iter().map(identity).collect());
            ensure!(results.into_iter().eq(0..MAP_JOBS), "other answers");
        }
        Ok(())
    })?;
    figures.insert(MAP.to_owned(), f64::from(MAP_JOBS) / map);
    Ok(figures)
}

/// The jobs of the process pool.
#[derive(Serialize, Deserialize)]
pub(super) enum Task {
    Nothing,
    Number(u32),
    Echo(ByteBuf),
}

/// The results of these jobs.
#[derive(Serialize, Deserialize)]
pub(super) enum Output {
    Nothing,
    Number(u32),
    Bytes(ByteBuf),
}

impl Job for Task {
    type Output = Output;

    fn run(self) -> JobResult<Output> {
        Ok(match self {
            Self::Nothing => {
                nothing();
                Output::Nothing
            }
            Self::Number(number) => Output::Number(identity(number)),
            Self::Echo(bytes) => Output::Bytes(bytes),
        })
    }
}

struct Processes(Pool<Task>);

impl Offload for Processes {
    async fn start() -> Result<Self> {
        let queue = usize::try_from(AT_ONCE)?;
        let config = Config { workers: cores(), queue, ..Config::default() };
        Ok(Self(Pool::start(config).await?))
    }

    async fn job(&self) -> Result<()> {
        self.0.run(Task::Nothing).await?;
        Ok(())
    }

    async fn end(&self) {
        self.0.shutdown().await;
    }
}

fn process_pool(turn: &Turn) -> Result<Figures> {
    let mut figures = offload::<Processes>(turn)?;
    let map = with::<Processes, _>(Cores::All, |runtime, way| {
        seconds(turn, |times| {
            let way = Arc::clone(way);
            in_task(runtime, async move {
                for _ in 0..times {
                    let results = way.0.map((0..MAP_JOBS).map(Task::Number)).await;
                    ensure!(results.len() == usize::try_from(MAP_JOBS)?, "too few answers");
                    for (number, result) in (0..).zip(results) {
                        ensure!(matches!(result?, Output::Number(it) if it == number));
                    }
                }
                Ok(())
            })
        })
    })?;
    figures.insert(MAP.to_owned(), f64::from(MAP_JOBS) / map);
    let echo = with::<Processes, _>(Cores::All, |runtime, way| {
        seconds(turn, |times| {
            let way = Arc::clone(way);
            in_task(runtime, async move {
                let mut bytes = ByteBuf::from(vec![1; MEBIBYTE]);
                for _ in 0..times {
                    match way.0.run(Task::Echo(bytes)).await? {
                        Output::Bytes(back) if back.len() == MEBIBYTE => bytes = back,
                        _ => bail!("another answer"),
                    }
                }
                Ok(())
            })
        })
    })?;
    figures.insert(ECHO.to_owned(), echo * 1e3);
    Ok(figures)
}

/// Measures procspawn. Its caller blocks, because it has no future to await.
fn procspawn(turn: &Turn) -> Result<Figures> {
    let mut figures = Figures::new();
    round_trips(&mut figures, |_| {
        let pool = procspawn::Pool::new(cores())?;
        let round_trip = seconds(turn, |times| {
            for _ in 0..times {
                procspawn::spawn!(in pool, () || nothing()).join()?;
            }
            Ok(())
        });
        pool.shutdown();
        round_trip
    })?;
    let pool = procspawn::Pool::new(cores())?;
    let at_once = seconds(turn, |times| {
        for _ in 0..times {
            let jobs: Vec<_> =
                (0..AT_ONCE).map(|_| procspawn::spawn!(in pool, () || nothing())).collect();
            for job in jobs {
                job.join()?; // in order: in another order, it stalls
            }
        }
        Ok(())
    })?;
    figures.insert(JOBS.to_owned(), f64::from(AT_ONCE) / at_once);
    let echo = seconds(turn, |times| {
        let mut bytes = ByteBuf::from(vec![1; MEBIBYTE]);
        for _ in 0..times {
            bytes = procspawn::spawn!(in pool, (bytes) || bytes).join()?;
            ensure!(bytes.len() == MEBIBYTE, "another answer");
        }
        Ok(())
    })?;
    figures.insert(ECHO.to_owned(), echo * 1e3);
    pool.shutdown();
    Ok(figures)
}

/// Measures the lower bound for another process: a number there and back, and no job. It has no echo of a
/// mebibyte, because a pipe is no lower bound for that: a socket is faster, and shared memory copies
/// nothing.
fn pipe(turn: &Turn) -> Result<Figures> {
    let mut figures = Figures::new();
    round_trips(&mut figures, |_| {
        let mut pipe = Pipe::start()?;
        seconds(turn, |times| pipe.ping(times))
    })?;
    Ok(figures)
}
