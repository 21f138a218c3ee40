//! Jobs under way: their number is bounded, none runs past its deadline, and
//! none runs on after its client has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::offload::{self, Offload};
use crate::stop::Stop;

pub struct Jobs {
    offload: Offload,
    workers: usize,
    queue: usize,
    deadline: Duration,
    /// A permit for each job that may run, and for each that may wait.
    permits: Semaphore,
    done: AtomicU64,
}

/// The reason why a job has no answer.
#[derive(Debug)]
pub enum NoAnswer {
    QueueFull,
    DeadlinePassed,
    /// The queue's server is away.
    Unreachable(offload::Error),
    Failed(offload::Error),
}

impl From<offload::Error> for NoAnswer {
    fn from(error: offload::Error) -> Self {
        use job_queue::Error as Queue;
        use offload::Error::{self, Pool};
        use process_pool::Error::{DeadlinePassed, QueueFull};

        match error {
            Pool(QueueFull) | Error::Queue(Queue::Pool(QueueFull)) => {
                Self::QueueFull
            }
            Pool(DeadlinePassed)
            | Error::Queue(Queue::Pool(DeadlinePassed)) => {
                Self::DeadlinePassed
            }
            Error::Queue(Queue::Unreachable { .. }) => {
                Self::Unreachable(error)
            }
            error => Self::Failed(error),
        }
    }
}

/// The load of the service.
#[derive(Serialize, ToSchema)]
pub struct Load {
    /// Number of jobs that can run at once.
    workers: usize,
    /// Number of jobs that are running.
    running: usize,
    /// Number of jobs that are waiting.
    waiting: usize,
    /// Number of jobs that can wait; the next one is rejected.
    queue: usize,
    /// Number of jobs that have been answered since the start.
    done: u64,
}

impl Jobs {
    pub fn new(
        offload: Offload,
        workers: usize,
        queue: usize,
        deadline: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            offload,
            workers,
            queue,
            deadline,
            permits: Semaphore::new(workers + queue),
            done: AtomicU64::new(0),
        })
    }

    /// Computes the sum. Dropping the future stops the job.
    /// `trace` names the request in the log.
    pub async fn sum_of_squares(
        &self,
        n: u64,
        trace: String,
    ) -> Result<u128, NoAnswer> {
        // ANCHOR: queue
        // `try_acquire`, not `acquire`: requests that wait for a permit are a
        // queue too, and that queue would be unbounded.
        let _permit =
            self.permits.try_acquire().map_err(|_| NoAnswer::QueueFull)?;
        // ANCHOR_END: queue

        // ANCHOR: deadline
        let deadline = Instant::now() + self.deadline;
        let canceled = CancellationToken::new();
        // Cancels when this future is dropped, because its client has left.
        let _cancel_on_drop = canceled.clone().drop_guard();
        let stop = Stop { canceled, deadline };

        match timeout_at(deadline, self.offload.run(n, stop, trace)).await {
            Ok(Ok(Some(sum))) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Ok(sum)
            }
            Ok(Ok(None)) | Err(_) => Err(NoAnswer::DeadlinePassed),
            Ok(Err(error)) => Err(error.into()),
        }
        // ANCHOR_END: deadline
    }

    pub fn load(&self) -> Load {
        let all = self.workers + self.queue;
        let taken = all - self.permits.available_permits();
        let running = self.offload.running();
        Load {
            workers: self.workers,
            running,
            // Saturating, because the two were not read at the same moment.
            waiting: taken.saturating_sub(running),
            queue: self.queue,
            done: self.done.load(Ordering::Relaxed),
        }
    }

    /// Returns the figures of the queue of `--offload nats`.
    pub async fn metrics(&self) -> Option<String> {
        self.offload.metrics().await
    }

    /// Ends the workers. Call it when no job is wanted any longer.
    pub async fn shutdown(&self) {
        self.offload.shutdown().await;
    }
}
