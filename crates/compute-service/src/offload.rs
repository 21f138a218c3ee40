//! The ways to run a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use job_queue::{Call, ConnectOptions, Options, Queue};
use process_pool::{Config, Pool};
use tokio::sync::{Semaphore, oneshot};
use tokio::task;
use tokio::time::{Instant, sleep, timeout};

use crate::arguments::{NatsArguments, Way};
use crate::compute::{SumOfSquares, sum_of_squares};
use crate::stop::Stop;

/// Number of jobs that each rayon thread gets: one to run, and a few to find as
/// soon as it is done, before the runtime has woken up.
const AHEAD: usize = 8;

/// The wait at the end for requests whose connections were cut.
const REQUESTS_END: Duration = Duration::from_secs(1);

// ANCHOR: ways
/// A place where jobs run.
pub enum Offload {
    Processes(Pool<SumOfSquares>),
    Nats {
        queue: Queue<SumOfSquares>,
        workers: usize,
    },
    Threads {
        pool: Threads,
        next: Arc<Semaphore>,
        running: Arc<AtomicUsize>,
    },
}

impl Offload {
    /// Returns the sum for n, or none if the job was told to stop.
    pub async fn run(
        &self,
        n: u64,
        stop: Stop,
        trace: String,
    ) -> Result<Option<u128>, Error> {
        match self {
            // The pool has a queue of its own. When this future is dropped, it
            // kills the worker that runs the job.
            Self::Processes(pool) => {
                Ok(Some(pool.run(SumOfSquares { n }).await?))
            }
            // Processes on other machines. The deadline travels with the job, in
            // case this service does not live to cancel it.
            Self::Nats { queue, .. } => {
                let left = stop.deadline - Instant::now();
                let call =
                    Call { deadline: Some(left), trace: Some(trace) };
                Ok(Some(queue.run_with(SumOfSquares { n }, call).await?))
            }
            // Jobs wait here and not in the threads' own queue, because a job
            // cannot be taken out of that queue when its client leaves.
            Self::Threads { pool, next, running } => {
                let next = Arc::clone(next).acquire_owned().await;
                let next = next.expect("the semaphore is never closed");
                let running = Arc::clone(running);
                let job = move || {
                    let _next = next; // released when the job ends or panics
                    let _running = Running::count(&running);
                    sum_of_squares(n, &|| stop.is_set())
                };
                pool.run(job).await
            }
        }
    }
}

/// Threads of this process.
pub enum Threads {
    Rayon(rayon::ThreadPool),
    SpawnBlocking { niceness: i32 },
    Inline,
}

impl Threads {
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            // The mistake: this thread should be answering other requests.
            Self::Inline => Ok(job()),

            // One of up to 512 threads for calls that block. The semaphore
            // above bounds the jobs, so that files and name lookups, which use
            // the same threads, still find one.
            &Self::SpawnBlocking { niceness } => {
                let job = move || {
                    set_niceness(niceness);
                    job()
                };
                task::spawn_blocking(job).await.map_err(|_| Error::Panicked)
            }

            // One of a few threads for CPU work, which can also share one large
            // job. A oneshot channel brings the answer back.
            Self::Rayon(pool) => {
                let (answer, answered) = oneshot::channel();
                pool.spawn(move || {
                    answer.send(job()).ok(); // an error means: no longer wanted
                });
                answered.await.map_err(|_| Error::Panicked)
            }
        }
    }
}
// ANCHOR_END: ways

/// The reason why a job has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Pool(#[from] process_pool::Error),
    #[error(transparent)]
    Queue(#[from] job_queue::Error),
    #[error("the job panicked")]
    Panicked,
}

impl Offload {
    pub async fn start(
        way: Way,
        workers: usize,
        queue: usize,
        nice: i32,
        nats: &NatsArguments,
    ) -> anyhow::Result<Self> {
        let niceness = niceness_plus(nice);
        let (pool, jobs) = match way {
            Way::Processes => {
                let config = Config {
                    workers,
                    // Room also for jobs whose worker is being replaced.
                    queue: workers + queue,
                    niceness: nice,
                    retry: true, // computing a sum twice does no harm
                    grace: Duration::from_secs(1), // by then no job runs
                    ..Config::default()
                };
                return Ok(Self::Processes(Pool::start(config).await?));
            }
            Way::Nats => {
                let queue =
                    Queue::connect(queue_options(nats).await?).await?;
                return Ok(Self::Nats { queue, workers });
            }
            Way::Rayon => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(workers)
                    .start_handler(move |_| set_niceness(niceness))
                    // Without a handler, a panic in `spawn` aborts the process.
                    // Here it has been printed, and the job's channel closed.
                    .panic_handler(|_| ())
                    .build()
                    .context("cannot start rayon's threads")?;
                (Threads::Rayon(pool), workers * AHEAD)
            }
            Way::SpawnBlocking => {
                (Threads::SpawnBlocking { niceness }, workers)
            }
            Way::Inline => (Threads::Inline, workers * AHEAD),
        };
        Ok(Self::Threads {
            pool,
            next: Arc::new(Semaphore::new(jobs)),
            running: Arc::default(),
        })
    }

    /// Returns the number of jobs that are running. Only the workers know if a
    /// job in a queue runs or waits, so as many count as running as could run.
    pub fn running(&self) -> usize {
        match self {
            Self::Nats { queue, workers } => {
                queue.outstanding().min(*workers)
            }
            Self::Processes(pool) => pool.stats().running,
            Self::Threads { running, .. } => {
                running.load(Ordering::Relaxed)
            }
        }
    }

    /// Returns the figures of the queue, in the text format of Prometheus.
    pub async fn metrics(&self) -> Option<String> {
        match self {
            Self::Nats { queue, .. } => Some(queue.metrics().await),
            _ => None,
        }
    }

    pub async fn shutdown(&self) {
        match self {
            Self::Processes(pool) => pool.shutdown().await,
            Self::Nats { queue, .. } => {
                // The connections have just been cut. Their requests must not
                // be answered with an error instead.
                let requests_end = async {
                    while queue.outstanding() > 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                };
                timeout(REQUESTS_END, requests_end).await.ok();
                queue.shutdown().await;
            }
            Self::Threads { .. } => {}
        }
    }
}

/// Returns the options by which services and workers connect to the queue.
pub async fn queue_options(
    nats: &NatsArguments,
) -> anyhow::Result<Options> {
    let mut options = Options {
        url: nats.url.clone(),
        queue: nats.queue_name.clone(),
        ..Options::default()
    };
    if let Some(file) = &nats.credentials {
        options.nats = ConnectOptions::with_credentials_file(file)
            .await
            .with_context(|| format!("cannot read {}", file.display()))?;
    }
    if let Some(file) = &nats.ca {
        // The library reads it at each connection and names no file if it fails.
        std::fs::metadata(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        options.nats = options.nats.add_root_certificates(file.clone());
    }
    Ok(options)
}

/// Counts a job as running for as long as it lives.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn count(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns this process's niceness plus `nice`, at most 19.
fn niceness_plus(nice: i32) -> i32 {
    #[cfg(target_os = "linux")]
    let own = rustix::process::getpriority_process(None).unwrap_or(0);
    #[cfg(not(target_os = "linux"))]
    let own = 0;
    (own + nice).min(19)
}

/// Lowers the priority of this thread, so that an answer that takes
/// microseconds does not wait for a job that takes seconds. Linux only, where
/// each thread has a niceness of its own.
fn set_niceness(niceness: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, niceness)
    {
        tracing::warn!(
            "cannot set a thread's niceness to {niceness}: {error}"
        );
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
