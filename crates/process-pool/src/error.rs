//! The errors that a job or a pool can end with.

use std::process::ExitStatus;

/// The reason why a job has no result, or a pool no workers.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The queue is full: as many jobs wait as
    /// [`Config::queue`](crate::Config::queue) allows. The caller gets this error
    /// immediately, and the job has not been started.
    #[error("the queue is full")]
    QueueFull,

    /// The deadline passed. If a worker was running the job, the worker was
    /// killed.
    #[error("the deadline passed")]
    DeadlinePassed,

    /// The worker that had the job died. The status holds its exit code, or
    /// the signal that ended it (`ExitStatusExt::signal`).
    #[error("the worker died: {0}")]
    WorkerDied(ExitStatus),

    /// The job ran and returned this error.
    #[error("the job failed: {0}")]
    JobFailed(String),

    /// The job panicked with this message, or decoding the job or encoding its
    /// result in the worker did. The worker continues.
    #[error("the job panicked: {0}")]
    JobPanicked(String),

    /// The job or its result is larger than
    /// [`Config::message_limit`](crate::Config::message_limit).
    #[error("a message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The largest size allowed, in bytes.
        limit: usize,
    },

    /// The job or its result was lost on the way to the other process: postcard
    /// cannot encode or decode it, something other than a message came out of
    /// the pipe, or the worker closed the pipe and kept running.
    #[error("the message is broken: {0}")]
    Broken(String),

    /// No worker can be started, for this reason. The pool keeps trying, with
    /// exponential backoff; until it succeeds, every job gets this error.
    #[error("a worker cannot start: {0}")]
    CannotStart(String),

    /// The pool has been shut down, or its runtime has ended.
    #[error("the pool is closed")]
    Closed,
}
