//! The pool for its callers: run a job, map many, shut down.

use std::iter;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use futures::StreamExt;
use tokio::sync::oneshot;
use tokio::time;
use tokio_util::task::TaskTracker;

use crate::batch::{Batch, BatchSize};
use crate::config::{Config, Stats};
use crate::error::Error;
use crate::job::Job;
use crate::queue::{Answer, Request};
use crate::supervisor::{self, Shared};
use crate::wire::{self, Outcome};
use crate::worker;

/// Worker processes that run jobs of one type.
///
/// To share a pool between tasks, put it in an `Arc`. Dropping it kills the
/// workers, whereas [`Pool::shutdown`] lets them finish.
///
/// Whenever a worker is killed or dies, the processes that its jobs have started
/// are killed with it, because they are in its process group. A process that
/// has left the group, for example by `setsid`, keeps running (Unix).
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
    /// ```standalone_crate
    /// # use process_pool::{Config, Error, Job, JobResult, Pool};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> {
    /// #         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// #     process_pool::worker::<Square>();
    /// #     example()
    /// # }
    /// # #[tokio::main]
    /// # async fn example() -> Result<(), Error> {
    /// let config = Config { workers: 2, ..Config::default() };
    /// let pool = Pool::<Square>::start(config).await?;
    /// assert_eq!(pool.stats().pids.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::CannotStart`] with the reason, as soon as one of them fails to
    /// start or if the configuration cannot work.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O and time enabled.
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

    /// Runs a job and waits for its result. Dropping the future cancels the
    /// job: if it still waits, it never starts; if it runs, its worker is
    /// killed.
    ///
    /// ```standalone_crate
    /// # use process_pool::{Config, Error, Job, JobResult, Pool};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> {
    /// #         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// #     process_pool::worker::<Square>();
    /// #     example()
    /// # }
    /// # #[tokio::main]
    /// # async fn example() -> Result<(), Error> {
    /// let pool = Pool::start(Config::default()).await?;
    /// assert_eq!(pool.run(Square(12)).await, Ok(144));
    /// let error = pool.run(Square(u64::MAX)).await.unwrap_err();
    /// assert_eq!(error.to_string(), "the job failed: too large");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Any [`Error`] that kept the job from having a result. If the queue is
    /// full, that is [`Error::QueueFull`] immediately.
    pub async fn run(&self, job: J) -> Result<J::Output, Error> {
        let mut frame = Vec::new();
        wire::append(&job, self.shared.config.message_limit, &mut frame)?;
        drop(job);
        let place = self.shared.queue.push(Request::new(frame, 1));
        let place = place.map_err(|(error, _)| error)?;
        let answers = match self.shared.config.deadline {
            Some(deadline) => time::timeout(deadline, place.answers())
                .await
                .map_err(|_| Error::DeadlinePassed)?,
            None => place.answers().await,
        };
        self.outcome(answers?.pop())
    }

    /// Runs many jobs and returns their results in the order of the jobs. While
    /// the queue is full, it waits. Dropping the future cancels the jobs that
    /// have no result yet.
    ///
    /// Short jobs are sent to the workers in batches of about a millisecond.
    /// The jobs of a batch share their fate: if the worker dies or the deadline
    /// passes, all jobs of the batch without an answer get the error. With
    /// [`Config::retry`] they are run once more after a death, each by itself.
    ///
    /// ```standalone_crate
    /// # use process_pool::{Config, Error, Job, JobResult, Pool};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> {
    /// #         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// #     process_pool::worker::<Square>();
    /// #     example()
    /// # }
    /// # #[tokio::main]
    /// # async fn example() -> Result<(), Error> {
    /// let pool = Pool::start(Config::default()).await?;
    /// let results = pool.map((1..=3).map(Square)).await;
    /// assert_eq!(results, [Ok(1), Ok(4), Ok(9)]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn map(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Vec<Result<J::Output, Error>> {
        let limit = self.shared.config.message_limit;
        let size = BatchSize::default();
        let mut jobs = jobs.into_iter();
        let next = || Batch::take(&mut jobs, size.get(), limit);
        // Two for each worker: one that it runs, and one ready in the queue.
        let in_flight = 2 * self.shared.config.workers;
        futures::stream::iter(iter::from_fn(next))
            .map(|batch| self.run_batch(batch, &size))
            .buffered(in_flight)
            .flat_map(futures::stream::iter)
            .collect()
            .await
    }

    /// Accepts no more jobs, lets the accepted ones finish within
    /// [`Config::grace`], and then kills the workers. When it returns, no worker
    /// is left, except one that the kernel could not end within
    /// [`Config::kill_limit`].
    ///
    /// ```standalone_crate
    /// # use process_pool::{Config, Error, Job, JobResult, Pool};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> {
    /// #         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// #     process_pool::worker::<Square>();
    /// #     example()
    /// # }
    /// # #[tokio::main]
    /// # async fn example() -> Result<(), Error> {
    /// let pool = Pool::start(Config::default()).await?;
    /// pool.shutdown().await;
    /// assert!(pool.stats().pids.is_empty());
    /// assert_eq!(pool.run(Square(12)).await, Err(Error::Closed));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self) {
        self.shared.close();
        self.supervisors.close();
        let grace = self.shared.config.grace;
        if time::timeout(grace, self.supervisors.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Returns the state of the pool, without waiting for a worker or a job.
    ///
    /// ```standalone_crate
    /// # use process_pool::{Config, Error, Job, JobResult, Pool};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> {
    /// #         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// #     process_pool::worker::<Square>();
    /// #     example()
    /// # }
    /// # #[tokio::main]
    /// # async fn example() -> Result<(), Error> {
    /// let pool = Pool::start(Config::default()).await?;
    /// pool.run(Square(12)).await?;
    /// assert_eq!((pool.stats().done, pool.stats().restarts), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
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
        let mut request = Request::new(batch.frames, batch.jobs);
        request.limit = self.shared.config.deadline;
        let answers = match self.shared.queue.push_when_room(request).await
        {
            Ok(place) => place.answers().await,
            Err(error) => Err(error),
        };
        size.adapt(batch.jobs, started.elapsed());

        let mut answers =
            answers.unwrap_or_else(|error| vec![Err(error); batch.jobs]);
        // The error of a job that could not be sent goes to the job's position
        // among the answers.
        for (position, error) in batch.faults {
            answers.insert(position, Err(error));
        }
        answers.into_iter().map(|a| self.outcome(Some(a))).collect()
    }

    /// Turns the worker's answer into the caller's result.
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
        // The supervisors kill and reap the workers. If the runtime ends before
        // that, the workers are killed as it drops the supervisors.
        self.shared.close();
        self.shared.kill.cancel();
    }
}
