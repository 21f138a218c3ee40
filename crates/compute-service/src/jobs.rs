//! The jobs under way: so many and no more, none past its deadline, and none
//! that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::Offload;

pub struct Jobs {
    offload: Offload,
    workers: usize,
    queue: usize,
    deadline: Duration,
    /// One permit for each job that runs, and for each that waits.
    places: Semaphore,
    done: AtomicU64,
}

/// Why a job has no answer.
#[derive(Debug)]
pub enum NoAnswer {
    QueueFull,
    Deadline,
    Failed(anyhow::Error),
}

/// How much there is to do.
#[derive(Serialize, ToSchema)]
pub struct Load {
    /// The jobs that can run at once.
    workers: usize,
    /// The jobs that run.
    running: usize,
    /// The jobs that wait.
    waiting: usize,
    /// The jobs that can wait; one more is refused.
    queue: usize,
    /// The jobs that were answered since the start.
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
            places: Semaphore::new(workers + queue),
            done: AtomicU64::new(0),
        })
    }

    /// Has the sum computed. Dropping the future stops the job.
    pub async fn sum_of_squares(&self, n: u64) -> Result<u128, NoAnswer> {
        // At once, not `acquire`: whoever waits for a place is in a queue too,
        // and that one would have no end.
        let _place =
            self.places.try_acquire().map_err(|_| NoAnswer::QueueFull)?;

        let deadline = Instant::now() + self.deadline;
        let dropped = CancellationToken::new();
        let _drop_guard = dropped.clone().drop_guard();
        let stop = Stop { dropped, deadline };

        match timeout_at(deadline, self.offload.run(n, stop)).await {
            Ok(Ok(Some(sum))) => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Ok(sum)
            }
            Ok(Ok(None)) | Err(_) => Err(NoAnswer::Deadline),
            Ok(Err(error)) => Err(NoAnswer::Failed(error)),
        }
    }

    pub fn load(&self) -> Load {
        let taken = self.workers + self.queue - self.places.available_permits();
        let running = self.offload.running();
        Load {
            workers: self.workers,
            running,
            // The two were not read at the same moment.
            waiting: taken.saturating_sub(running),
            queue: self.queue,
            done: self.done.load(Ordering::Relaxed),
        }
    }

    /// Ends the workers. Nobody may wait for a job any more.
    pub async fn shutdown(&self) {
        self.offload.shutdown().await;
    }
}

/// Tells a job that runs on a thread that nobody wants its answer any more.
pub struct Stop {
    dropped: CancellationToken,
    /// Its own look at the clock: a job that runs inline keeps the thread on
    /// which somebody else would look.
    deadline: Instant,
}

impl Stop {
    pub fn is_set(&self) -> bool {
        self.dropped.is_cancelled() || Instant::now() >= self.deadline
    }
}

/// Counts a job as running for as long as this lives.
pub struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    pub fn count(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
