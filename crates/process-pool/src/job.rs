//! The trait by which a program has its work run in a worker.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The result of [`Job::run`]: `?` works on any error, and `"text"?` does too.
pub type JobResult<T> = Result<T, Box<dyn std::error::Error>>;

/// A piece of work that can be sent to another process.
///
/// A program with several kinds of jobs either makes them the variants of one
/// enum, or starts one pool for each kind.
///
/// ```
/// use process_pool::{Job, JobResult};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// enum Task {
///     Count(String),
///     Parse(String),
/// }
///
/// impl Job for Task {
///     type Output = usize;
///
///     fn run(self) -> JobResult<usize> {
///         Ok(match self {
///             Self::Count(text) => text.chars().count(),
///             Self::Parse(text) => text.parse()?,
///         })
///     }
/// }
///
/// assert_eq!(Task::Count("four".into()).run().unwrap(), 4);
/// assert!(Task::Parse("four".into()).run().is_err());
/// ```
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
