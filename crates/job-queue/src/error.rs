//! The errors of clients and workers.

/// The reason why a job has no result, or a client or worker no connection.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An error that a process pool has, too.
    ///
    /// [`QueueFull`](process_pool::Error::QueueFull) means that the stream
    /// holds [`Options::capacity`](crate::Options::capacity) jobs, waiting or
    /// running, of all clients together.
    /// [`WorkerDied`](process_pool::Error::WorkerDied) means that the process
    /// of the job died in the last of
    /// [`Options::deliveries`](crate::Options::deliveries) attempts, and that
    /// the job is now a dead letter.
    /// [`TooLarge`](process_pool::Error::TooLarge) is also returned if a job
    /// or its result is over the server's limit, which is 1 MiB by default:
    /// store larger data elsewhere, and send its name.
    #[error(transparent)]
    Pool(#[from] process_pool::Error),

    /// No worker could finish the job, so it is now a dead letter; see
    /// [`DeadLetters`](crate::DeadLetters).
    #[error("the job is a dead letter: {0}")]
    DeadLetter(String),

    /// The NATS server cannot be reached. If a job had already been sent, it
    /// may still run.
    #[error("the NATS server at {url} cannot be reached: {reason}")]
    Unreachable {
        /// [`Options::url`](crate::Options::url) without passwords.
        url: String,
        /// The error of the last attempt.
        reason: String,
    },

    /// The NATS server refused the connection. Check the credentials and the
    /// TLS settings in [`Options::nats`](crate::Options::nats).
    #[error("the NATS server at {url} refused the connection: {reason}")]
    Refused {
        /// [`Options::url`](crate::Options::url) without passwords.
        url: String,
        /// The server's reason.
        reason: String,
    },

    /// The NATS server, or a stream on it, cannot be used for this queue.
    #[error("the NATS server cannot be used: {0}")]
    Unsuitable(String),
}
