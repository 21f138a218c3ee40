//! The price of a job that does nothing: through pools of threads, through pools of processes, in
//! Rust and in Python, and beside raw pipe.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use harness::results::Better;
use process_pool::{Config, Job, JobResult, Pool};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::child::Pipe;
use crate::cores::Cores;
use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way};
use crate::measure;
use crate::work::cores;

const JOBS: &str = "empty jobs";
const MAP: &str = "map";
const ECHO: &str = "echo of 1 MiB";

/// How many empty jobs there are at once.
const AT_ONCE: u32 = 1_000;
const MAP_JOBS: u32 = 10_000;
const MEBIBYTE: usize = 1 << 20;

const SIZES: &[u64] = &[0];

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "offloading",
        question: "What does it cost to hand over a job?",
        method: "The jobs do nothing, in as many threads or processes as there are cores \
                 (spawn_blocking: up to 512). Round trip: each job waits for the answer of the one \
                 before. Empty jobs: 1,000 at once, each handed over by itself. Map: 10,000 jobs \
                 by one call, in batches (Python: chunksize=100). A raw pipe is the least for another \
                 process; threads do without.",
        sizes: None,
        quick_most: 0,
        programs: &[],
        python_packages: false,
        measures: &[
            ("round trip, one core", "µs", Better::Less),
            ("round trip, all cores", "µs", Better::Less),
            (JOBS, "jobs/s", Better::More),
            (MAP, "jobs/s", Better::More),
            (ECHO, "ms", Better::Less),
        ],
        implementations: vec![
            Implementation::rust("spawn_blocking", SIZES, off_load::<Blocking>),
            Implementation::rust("rayon", SIZES, rayon),
            Implementation::rust("process pool", SIZES, process_pool),
            Implementation::rust("procspawn", SIZES, procspawn),
            Implementation::python("ProcessPoolExecutor", SIZES, "offloading.py", "executor"),
            Implementation::python("multiprocessing.Pool", SIZES, "offloading.py", "pool"),
            Implementation::lower_bound("raw pipe", SIZES, Way::Here(pipe)),
        ],
    }
}

/// Stays in here if this process was started as a worker.
pub(super) fn play_part() {
    process_pool::worker::<Task>();
    procspawn::init();
}

/// Measures for a part of the turn's time, since there are several measures.
fn seconds(turn: &Turn, run: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    measure::seconds(turn.time / 2, run)
}

/// The round trips on one core, where a thread can be kept to one, and on all.
fn round_trips(figures: &mut Figures, seconds: impl Fn(Cores) -> Result<f64> + Sync) -> Result<()> {
    for cores in [Cores::One, Cores::All] {
        if let Some(seconds) = cores.run(|| seconds(cores)) {
            figures.insert(format!("round trip, {}", cores.name()), seconds? * 1e6);
        }
    }
    Ok(())
}

/// On one core a second thread of the runtime would only be in the way.
fn runtime(cores: Cores) -> Result<Runtime> {
    let mut builder = match cores {
        Cores::One => Builder::new_current_thread(),
        Cores::All => Builder::new_multi_thread(),
    };
    builder.enable_all().build().context("starting a runtime")
}

/// Runs something as a service does, which is not in the thread that waits for it.
fn in_task(
    runtime: &Runtime,
    body: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<()> {
    runtime.block_on(runtime.spawn(body))?
}

/// A way to have a job run elsewhere while a task waits for it.
trait OffLoad: Send + Sync + Sized + 'static {
    async fn start() -> Result<Self>;

    /// Has an empty job run, and waits for it.
    fn job(&self) -> impl Future<Output = Result<()>> + Send;

    async fn end(&self) {}
}

/// The figures that all of them have.
fn off_load<W: OffLoad>(turn: &Turn) -> Result<Figures> {
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

/// Starts a way with a runtime of its own, and ends both after use.
fn with<W: OffLoad, T>(
    cores: Cores,
    body: impl FnOnce(&Runtime, &Arc<W>) -> Result<T>,
) -> Result<T> {
    let runtime = runtime(cores)?;
    let way = Arc::new(runtime.block_on(W::start())?);
    let done = body(&runtime, &way);
    runtime.block_on(way.end());
    done
}

/// The job: nothing that the compiler could leave out.
#[inline(never)]
fn nothing() {
    black_box(());
}

/// The job of a map: gives back what it got.
#[inline(never)]
fn identity(number: u32) -> u32 {
    black_box(number)
}

struct Blocking;

impl OffLoad for Blocking {
    async fn start() -> Result<Self> {
        Ok(Self)
    }

    async fn job(&self) -> Result<()> {
        Ok(tokio::task::spawn_blocking(nothing).await?)
    }
}

struct Rayon(ThreadPool);

impl OffLoad for Rayon {
    async fn start() -> Result<Self> {
        Ok(Self(ThreadPoolBuilder::new().num_threads(cores()).build()?))
    }

    async fn job(&self) -> Result<()> {
        let (sender, answer) = oneshot::channel();
        self.0.spawn(move || {
            nothing();
            sender.send(()).ok(); // whoever has stopped waiting needs no answer
        });
        Ok(answer.await?)
    }
}

fn rayon(turn: &Turn) -> Result<Figures> {
    let mut figures = off_load::<Rayon>(turn)?;
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
enum Task {
    Nothing,
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

impl OffLoad for Processes {
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
    let mut figures = off_load::<Processes>(turn)?;
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

/// Its caller blocks; there is no way to wait for it in a task.
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
                job.join()?; // in order: others stall
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

/// What a job costs at the least in another process: a number there and back, and no job. How
/// fast a mebibyte can be is not for a pipe to say: it goes faster through a socket, and through
/// shared memory without any copy.
fn pipe(turn: &Turn) -> Result<Figures> {
    let mut figures = Figures::new();
    round_trips(&mut figures, |_| {
        let mut pipe = Pipe::start()?;
        seconds(turn, |times| pipe.ping(times))
    })?;
    Ok(figures)
}
