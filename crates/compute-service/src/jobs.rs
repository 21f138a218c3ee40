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

use crate::offload::Offload;
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

/// Why a job has no answer.
#[derive(Debug)]
pub enum NoAnswer {
    QueueFull,
    DeadlinePassed,
    /// The queue's server is away.
    Unreachable(anyhow::Error),
    Failed(anyhow::Error),
}

impl NoAnswer {
    fn from_error(error: anyhow::Error) -> Self {
        use process_pool::Error as Pool;
        match error.downcast_ref::<job_queue::Error>() {
            Some(job_queue::Error::Pool(Pool::QueueFull)) => Self::QueueFull,
            Some(job_queue::Error::Pool(Pool::DeadlinePassed)) => {
                Self::DeadlinePassed
            }
            Some(job_queue::Error::Unreachable { .. }) => {
                Self::Unreachable(error)
            }
            _ => Self::Failed(error),
        }
    }
}

/// How busy the service is.
#[derive(Serialize, ToSchema)]
pub struct Load {
    /// How many jobs can run at once.
    workers: usize,
    /// How many jobs are running.
    running: usize,
    /// How many jobs are waiting.
    waiting: usize,
    /// How many jobs can wait; the next one is rejected.
    queue: usize,
    /// How many jobs have been answered since the start.
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
            Ok(Err(error)) => Err(NoAnswer::from_error(error)),
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

    /// What the queue of `--offload nats` has counted.
    pub async fn metrics(&self) -> Option<String> {
        self.offload.metrics().await
    }

    /// Ends the workers. Call it when no job is wanted any longer.
    pub async fn shutdown(&self) {
        self.offload.shutdown().await;
    }
}
