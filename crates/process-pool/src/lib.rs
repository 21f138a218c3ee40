//! Python's ProcessPoolExecutor for tokio: jobs run in worker processes.
//!
//! A job is a serde type that knows how to run. The workers are this same
//! program, started again; one line in `main` makes them so:
//!
//! ```no_run
//! use process_pool::{Config, Job, JobResult, Pool};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Square(u64);
//!
//! impl Job for Square {
//!     type Output = u64;
//!
//!     fn run(self) -> JobResult<u64> {
//!         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
//!     }
//! }
//!
//! fn main() {
//!     process_pool::worker::<Square>(); // a worker process stays in here
//!     serve();
//! }
//!
//! #[tokio::main]
//! async fn serve() {
//!     let pool = Pool::start(Config::default()).await.expect("workers start");
//!     assert_eq!(pool.run(Square(12)).await, Ok(144));
//!     pool.shutdown().await;
//! }
//! ```
//!
//! How it is made: `queue` holds the jobs that wait. Each worker has a task in
//! `supervisor` that starts it, hands it jobs and mends it. `worker` is what
//! runs in the process. [`wire`] is what they say to each other.
//!
//! On Unix all of it works, the memory limit on Linux only. On Windows there
//! are no niceness and no memory limit, a job must not print to stdout, and a
//! worker notices that its parent is gone only between jobs.

mod batch;
mod error;
mod queue;
mod supervisor;
pub mod wire;
mod worker;

use std::iter;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time;
use tokio_util::task::TaskTracker;

use crate::batch::{Batch, BatchSize};
pub use crate::error::Error;
use crate::queue::{Answer, Work};
use crate::supervisor::Shared;
use crate::wire::Outcome;
pub use crate::worker::worker;

/// What [`Job::run`] returns: `?` works on any error, and `"text"?` does too.
pub type JobResult<T> = Result<T, Box<dyn std::error::Error>>;

/// A piece of work that can be sent to another process.
///
/// A program with several kinds of jobs makes one enum of them, or one pool
/// for each.
pub trait Job: Serialize + DeserializeOwned {
    /// What comes back.
    type Output: Serialize + DeserializeOwned;

    /// Does the work, in the worker process.
    ///
    /// # Errors
    ///
    /// What the caller is to get as [`Error::JobFailed`].
    fn run(self) -> JobResult<Self::Output>;
}

/// How a pool works.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many worker processes, one at least. As many as cores.
    pub workers: usize,
    /// How many jobs may wait while all workers are busy; a batch of a `map`
    /// counts as one. 100.
    pub queue: usize,
    /// The longest from `run` to its answer, waiting included; then the worker
    /// that holds the job is killed. In a `map` it holds for each small batch,
    /// from when a worker gets it. None.
    pub deadline: Option<Duration>,
    /// The most bytes of private memory (heap and the like, `RLIMIT_DATA`) that
    /// a worker may take; the allocation beyond it fails, which ends most
    /// programs. Linux only. None.
    pub memory_limit: Option<u64>,
    /// How much nicer than this process the workers are, 0 to 19: with 10 they
    /// leave the cores to whoever answers requests. Unix only. 0.
    pub niceness: i32,
    /// Whether a job whose worker died is run once more. Such a job may have
    /// had its effects already. No.
    pub retry: bool,
    /// How long `shutdown` lets jobs run before it kills them. 10 s.
    pub grace: Duration,
    /// The most bytes of a job or of a result, 1 KiB at least. 16 MiB.
    pub message_limit: usize,
    /// The program to start as a worker; it must call [`worker`]. This one.
    pub program: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism()
                .map_or(1, usize::from),
            queue: 100,
            deadline: None,
            memory_limit: None,
            niceness: 0,
            retry: false,
            grace: Duration::from_secs(10),
            message_limit: 16 << 20,
            program: None,
        }
    }
}

/// What a pool is doing; see [`Pool::stats`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// How many workers it should have.
    pub workers: usize,
    /// The process ids of those it has.
    pub pids: Vec<u32>,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// Jobs handed to workers and not answered yet.
    pub running: usize,
    /// Jobs that workers have answered, well or badly.
    pub done: u64,
    /// Workers that were replaced, whether they died or were killed.
    pub restarts: u64,
}

/// Worker processes that run jobs of one type.
///
/// To share it between tasks put it in an `Arc`. Dropping it kills the workers;
/// [`Pool::shutdown`] lets them finish.
#[derive(Debug)]
pub struct Pool<J> {
    shared: Arc<Shared>,
    supervisors: TaskTracker,
    /// The pool sends jobs and gets results, but owns none of them.
    jobs: PhantomData<fn(J)>,
}

impl<J: Job> Pool<J> {
    /// Starts the workers and waits until each is ready.
    ///
    /// # Errors
    ///
    /// [`Error::CannotStart`] with the reason, as soon as one of them fails.
    pub async fn start(config: Config) -> Result<Self, Error> {
        worker::refuse_nesting::<J>()?;
        let name = std::any::type_name::<J>();
        let shared = Arc::new(Shared::new(config, name)?);
        let supervisors = TaskTracker::new();
        let mut ready = Vec::new();
        for slot in 0..shared.config.workers {
            let (started, when_started) = oneshot::channel();
            let shared = Arc::clone(&shared);
            supervisors.spawn(supervisor::supervise(shared, slot, started));
            ready.push(async {
                when_started.await.unwrap_or(Err(Error::Closed))
            });
        }
        let pool = Self { shared, supervisors, jobs: PhantomData };
        if let Err(error) = futures::future::try_join_all(ready).await {
            pool.kill().await;
            return Err(error);
        }
        Ok(pool)
    }

    /// Runs a job and waits for its result. Dropping this future gives the job
    /// up: it is not started any more, or its worker is killed.
    ///
    /// # Errors
    ///
    /// Whatever kept the job from its result; [`Error::QueueFull`] at once.
    pub async fn run(&self, job: J) -> Result<J::Output, Error> {
        let mut frame = Vec::new();
        wire::append(&job, self.shared.config.message_limit, &mut frame)?;
        drop(job);
        let place = self.shared.queue.push(Work::new(frame, 1));
        let place = place.map_err(|(error, _)| error)?;
        let answers = match self.shared.config.deadline {
            Some(deadline) => time::timeout(deadline, place.answers())
                .await
                .map_err(|_| Error::DeadlinePassed)?,
            None => place.answers().await,
        };
        self.outcome(answers?.pop())
    }

    /// Runs many jobs and gives their results in the order of the jobs. It
    /// waits while the queue is full.
    ///
    /// Short jobs go to the workers in batches of about a millisecond. The jobs
    /// of a batch share their fate: if the worker dies or the deadline passes,
    /// those that have no answer get the error. With [`Config::retry`] they
    /// are run once more after a death, each by itself.
    pub async fn map(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Vec<Result<J::Output, Error>> {
        let limit = self.shared.config.message_limit;
        let size = BatchSize::default();
        let mut jobs = jobs.into_iter();
        let next = || Batch::take(&mut jobs, size.get(), limit);
        // Two for each worker: one it works on, and one it finds in the queue.
        let in_flight = 2 * self.shared.config.workers;
        futures::stream::iter(iter::from_fn(next))
            .map(|batch| self.run_batch(batch, &size))
            .buffered(in_flight)
            .flat_map(futures::stream::iter)
            .collect()
            .await
    }

    /// Accepts no more jobs, lets those accepted finish within the grace time,
    /// then kills the workers. When it returns, no worker is left.
    pub async fn shutdown(&self) {
        self.shared.close();
        self.supervisors.close();
        let grace = self.shared.config.grace;
        if time::timeout(grace, self.supervisors.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// What the pool is doing now. Never waits for a worker or a job.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let pids = shared.pids.iter().map(|pid| pid.load(Relaxed));
        Stats {
            workers: shared.config.workers,
            pids: pids.filter(|pid| *pid != 0).collect(),
            queued: shared.queue.len(),
            running: shared.running.load(Relaxed),
            done: shared.done.load(Relaxed),
            restarts: shared.restarts.load(Relaxed),
        }
    }

    async fn run_batch(
        &self,
        batch: Batch,
        size: &BatchSize,
    ) -> Vec<Result<J::Output, Error>> {
        let started = Instant::now();
        let mut work = Work::new(batch.frames, batch.jobs);
        work.limit = self.shared.config.deadline;
        let answers = match self.shared.queue.push_when_room(work).await {
            Ok(place) => place.answers().await,
            Err(error) => Err(error),
        };
        size.adapt(batch.jobs, started.elapsed());

        let mut answers =
            answers.unwrap_or_else(|error| vec![Err(error); batch.jobs]);
        // A job that could not be sent has its error where the others have
        // their answers.
        for (place, error) in batch.faults {
            answers.insert(place, Err(error));
        }
        answers.into_iter().map(|a| self.outcome(Some(a))).collect()
    }

    /// What the worker's answer means to the caller.
    fn outcome(&self, answer: Option<Answer>) -> Result<J::Output, Error> {
        let limit = self.shared.config.message_limit;
        match wire::decode(&answer.unwrap_or(Err(Error::Closed))?)? {
            Outcome::Done(output) => Ok(output),
            Outcome::Failed(message) => Err(Error::JobFailed(message)),
            Outcome::Panicked(message) => Err(Error::JobPanicked(message)),
            Outcome::TooLarge(size) => Err(Error::TooLarge { size, limit }),
            Outcome::Broken(message) => Err(Error::Broken(message)),
        }
    }
}

impl<J> Pool<J> {
    async fn kill(&self) {
        self.shared.close();
        self.shared.kill.cancel();
        self.supervisors.close();
        self.supervisors.wait().await;
    }
}

impl<J> Drop for Pool<J> {
    fn drop(&mut self) {
        // The supervisors see to it that the workers are killed and reaped; if
        // the runtime ends before, it kills them as it drops the supervisors.
        self.shared.close();
        self.shared.kill.cancel();
    }
}
