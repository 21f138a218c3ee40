//! What can become of a job other than its result.

use std::process::ExitStatus;

/// Why a job has no result, or a pool no workers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// As many jobs wait as may wait. Said at once; the job has not been
    /// started.
    #[error("the queue is full")]
    QueueFull,

    /// The time limit passed. If a worker held the job, it was killed.
    #[error("the deadline passed")]
    DeadlinePassed,

    /// The worker that held the job died; the status holds its exit code, or
    /// the signal that ended it (`ExitStatusExt::signal`).
    #[error("the worker died: {0}")]
    WorkerDied(ExitStatus),

    /// The job ran and returned this error.
    #[error("the job failed: {0}")]
    JobFailed(String),

    /// The job panicked, with this message. The worker goes on.
    #[error("the job panicked: {0}")]
    JobPanicked(String),

    /// The job or its result is larger than
    /// [`Config::message_limit`](crate::Config::message_limit).
    #[error("a message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that is allowed.
        limit: usize,
    },

    /// The job or its result does not survive the way to the other process:
    /// postcard refused it, or something else came out of the pipe.
    #[error("the message is broken: {0}")]
    Broken(String),

    /// No worker can be started, and why. The pool tries again from time to
    /// time; until it succeeds, every job gets this error.
    #[error("a worker cannot start: {0}")]
    CannotStart(String),

    /// The pool has been shut down.
    #[error("the pool is closed")]
    Closed,
}
