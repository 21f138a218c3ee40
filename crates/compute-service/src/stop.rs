//! The sign for a job that runs on a thread to stop.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Tells a job that its answer is no longer wanted.
pub struct Stop {
    pub canceled: CancellationToken,
    /// The job compares it with the clock itself: an inline job blocks the very
    /// thread that would cancel it.
    pub deadline: Instant,
}

impl Stop {
    pub fn is_set(&self) -> bool {
        self.canceled.is_cancelled() || Instant::now() >= self.deadline
    }
}
