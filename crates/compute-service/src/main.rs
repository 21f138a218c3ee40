//! A service that computes and stays responsive: four ways to offload.
//!
//! ```sh
//! cargo run --release -p compute-service
//! ```
//!
//! Its options choose the way and set the limits:
//!
//! ```sh
//! cargo run --release -p compute-service -- --port 8000 --offload processes
//! curl http://127.0.0.1:8000/compute/10
//! ```
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, io, thread};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use process_pool::{Config, Pool};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::task;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::compute::{SumOfSquares, sum_of_squares};
use crate::jobs::{Jobs, Running, Stop};

mod compute;
mod integer;
mod jobs;
mod routes;
mod server;

// ANCHOR: arguments
/// Computes sums of squares, and answers all the while.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port to listen on; 0 for any that is free
    #[arg(long, env = "PORT", default_value_t = 8000)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    host: IpAddr,
    /// Where a job runs
    #[arg(long, value_enum, default_value_t = Way::Rayon)]
    offload: Way,
    /// The jobs that run at once; as many as cores if left out
    #[arg(long, value_parser = count(1, 1_000))]
    workers: Option<u64>,
    /// The jobs that may wait; one more is answered with 503
    #[arg(long, default_value_t = 100, value_parser = count(0, 1_000_000))]
    queue: u64,
    /// The seconds until a job without an answer is ended, with 504
    #[arg(long, default_value = "10", value_parser = seconds)]
    deadline: Duration,
    /// The largest n; a larger one is answered with 422
    #[arg(
        long,
        default_value_t = 1_000_000_000,
        value_parser = count(0, compute::LARGEST_N)
    )]
    max_n: u64,
    /// The seconds that running requests have after SIGTERM or Ctrl-C
    #[arg(long, default_value = "15", value_parser = seconds)]
    grace: Duration,
    /// How far the work stands back for the service, from 0 to 19 (Linux)
    #[arg(long, default_value_t = 10, value_parser = count(0, 19))]
    nice: u64,
    /// Log each request; RUST_LOG says more exactly what to log
    #[arg(long)]
    verbose: bool,
}
// ANCHOR_END: arguments

#[derive(Clone, Copy, ValueEnum)]
enum Way {
    Processes,
    Rayon,
    SpawnBlocking,
    Inline,
}

fn count(
    least: u64,
    most: u64,
) -> impl clap::builder::TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(least..=most)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Some(seconds)
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "not between 0.001 and 86400".to_owned())
}

fn main() -> ExitCode {
    // A worker process of --offload processes stays in here.
    process_pool::worker::<SumOfSquares>();

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
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let filter = match env::var("RUST_LOG") {
        Ok(filter) => filter.parse().context("reading RUST_LOG")?,
        Err(_) if arguments.verbose => Targets::new().with_default(Level::INFO),
        Err(_) => Targets::new().with_default(Level::WARN),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(filter).init();

    let workers = match arguments.workers {
        Some(workers) => usize::try_from(workers)?,
        None => thread::available_parallelism()?.get(),
    };
    // Blocking threads serve --offload spawn-blocking, and nobody else.
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(workers)
        .build()
        .context("starting the runtime")?;
    let served = runtime.block_on(serve(arguments, workers));
    // Dropping it would wait for jobs that were given up.
    runtime.shutdown_background();
    served
}

async fn serve(arguments: &Arguments, workers: usize) -> anyhow::Result<()> {
    let queue = usize::try_from(arguments.queue)?;
    let offload = Offload::start(arguments, workers, queue).await?;
    let jobs = Jobs::new(offload, workers, queue, arguments.deadline);
    let router = routes::router(Arc::clone(&jobs), arguments.max_n);

    // Before the line that says we are there: who reads it may send a signal.
    let signals = server::Signals::listen()?;
    let address = SocketAddr::new(arguments.host, arguments.port);
    let listener = server::listen(address).with_context(|| {
        format!("cannot listen on {address}; --port takes another port")
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    // Nobody may be there to read it, and println! would panic.
    writeln!(io::stdout(), "Listening on {url}").ok();

    server::serve(listener, router, signals, arguments.grace).await?;
    jobs.shutdown().await;
    Ok(())
}

/// The jobs handed to each thread: the one it runs, and some that it finds as
/// soon as it is done, without waiting for us to wake.
const AHEAD: usize = 8;

// ANCHOR: ways
/// Where the jobs run.
enum Offload {
    Processes(Pool<SumOfSquares>),
    Threads { pool: Threads, next: Arc<Semaphore>, running: Arc<AtomicUsize> },
}

impl Offload {
    /// The sum for n, or none if the job was told to stop.
    async fn run(&self, n: u64, stop: Stop) -> anyhow::Result<Option<u128>> {
        match self {
            // It has a queue of its own, and kills the worker of a job that
            // nobody waits for.
            Self::Processes(pool) => {
                Ok(Some(pool.run(SumOfSquares { n }).await?))
            }
            // The jobs wait here, and not in a queue of the threads: from
            // that one a job whose client has left could not be taken out.
            Self::Threads { pool, next, running } => {
                let next = Arc::clone(next).acquire_owned().await?;
                let running = Arc::clone(running);
                let job = move || {
                    let _next = next; // until the job ends, well or badly
                    let _running = Running::count(&running);
                    sum_of_squares(n, &|| stop.is_set())
                };
                pool.run(job).await
            }
        }
    }
}

/// Threads of this process.
enum Threads {
    Rayon(rayon::ThreadPool),
    SpawnBlocking { nice: i32 },
    Inline,
}

impl Threads {
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        match self {
            // The mistake: the thread that should answer others computes.
            Self::Inline => Ok(job()),

            // One of many threads that are there for calls that block.
            &Self::SpawnBlocking { nice } => {
                let job = move || {
                    stand_back(nice);
                    job()
                };
                Ok(task::spawn_blocking(job).await?)
            }

            // One of a few threads that are there for CPU work, and that can
            // share one large job. A oneshot brings the answer back.
            Self::Rayon(pool) => {
                let (answer, answered) = oneshot::channel();
                pool.spawn(move || {
                    answer.send(job()).ok(); // or nobody waits any more
                });
                answered.await.context("the job panicked")
            }
        }
    }
}
// ANCHOR_END: ways

impl Offload {
    async fn start(
        arguments: &Arguments,
        workers: usize,
        queue: usize,
    ) -> anyhow::Result<Self> {
        let nice = i32::try_from(arguments.nice)?;
        let pool = match arguments.offload {
            Way::Processes => {
                let config = Config {
                    workers,
                    // Also for those whose worker is being replaced.
                    queue: workers + queue,
                    niceness: nice,
                    retry: true, // to compute twice does no harm
                    grace: Duration::from_secs(1), // by then nothing runs
                    ..Config::default()
                };
                return Ok(Self::Processes(Pool::start(config).await?));
            }
            Way::Rayon => Threads::Rayon(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(workers)
                    .start_handler(move |_| stand_back(nice))
                    // Instead of ending the process. The panic has been
                    // printed, and its job's channel is closed.
                    .panic_handler(|_| ())
                    .build()
                    .context("starting rayon's threads")?,
            ),
            Way::SpawnBlocking => Threads::SpawnBlocking { nice },
            Way::Inline => Threads::Inline,
        };
        Ok(Self::Threads {
            pool,
            next: Arc::new(Semaphore::new(workers * AHEAD)),
            running: Arc::default(),
        })
    }

    /// The jobs that run now.
    fn running(&self) -> usize {
        match self {
            Self::Processes(pool) => pool.stats().running,
            Self::Threads { running, .. } => running.load(Ordering::Relaxed),
        }
    }

    async fn shutdown(&self) {
        if let Self::Processes(pool) = self {
            pool.shutdown().await;
        }
    }
}

/// Lets other threads go first: an answer that takes microseconds does not
/// wait for a job that takes seconds. On Linux niceness is a thread's own.
fn stand_back(nice: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::warn!("cannot set the niceness of a worker: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}
