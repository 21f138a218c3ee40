//! What a program implements to have its work run in a worker.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What [`Job::run`] returns: `?` works on any error, and `"text"?` does too.
pub type JobResult<T> = Result<T, Box<dyn std::error::Error>>;

/// A piece of work that can be sent to another process.
///
/// A program with several kinds of jobs either makes them the variants of one
/// enum, or starts one pool for each kind.
pub trait Job: Serialize + DeserializeOwned {
    /// The result, which is sent back to the caller.
    type Output: Serialize + DeserializeOwned;

    /// Does the work, in the worker process.
    ///
    /// # Errors
    ///
    /// The caller gets the error, with its sources, as the text of
    /// [`Error::JobFailed`](crate::Error::JobFailed).
    fn run(self) -> JobResult<Self::Output>;
}
