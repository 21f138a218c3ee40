//! The format of a result.

use std::process::ExitStatus;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::Error;

/// The end of a job, as it travels from the worker to the caller.
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The job's result, encoded.
    Done(ByteBuf),
    DeadlinePassed,
    /// The status as the system encodes it.
    WorkerDied(i64),
    Failed(String),
    Panicked(String),
    TooLarge {
        size: u64,
        limit: u64,
    },
    Broken(String),
    DeadLetter(String),
}

impl Outcome {
    /// Returns the encoded result, or the error for the caller.
    pub fn result(self) -> Result<Vec<u8>, Error> {
        use process_pool::Error as Pool;
        let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        Err(Error::Pool(match self {
            Self::Done(output) => return Ok(output.into_vec()),
            Self::DeadLetter(reason) => {
                return Err(Error::DeadLetter(reason));
            }
            Self::DeadlinePassed => Pool::DeadlinePassed,
            Self::WorkerDied(status) => Pool::WorkerDied(from_raw(status)),
            Self::Failed(message) => Pool::JobFailed(message),
            Self::Panicked(message) => Pool::JobPanicked(message),
            Self::TooLarge { size: bytes, limit } => {
                Pool::TooLarge { size: size(bytes), limit: size(limit) }
            }
            Self::Broken(message) => Pool::Broken(message),
        }))
    }

    /// Returns the name of this outcome in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::DeadlinePassed => "deadline",
            Self::WorkerDied(_) => "died",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
            Self::TooLarge { .. } => "too_large",
            Self::Broken(_) => "broken",
            Self::DeadLetter(_) => "dead_letter",
        }
    }
}

#[cfg(unix)]
pub fn into_raw(status: ExitStatus) -> i64 {
    use std::os::unix::process::ExitStatusExt;
    status.into_raw().into()
}

#[cfg(unix)]
fn from_raw(status: i64) -> ExitStatus {
    use std::os::unix::process::ExitStatusExt;
    ExitStatus::from_raw(status as i32)
}

#[cfg(windows)]
pub fn into_raw(status: ExitStatus) -> i64 {
    status.code().unwrap_or_default().into()
}

#[cfg(windows)]
fn from_raw(status: i64) -> ExitStatus {
    use std::os::windows::process::ExitStatusExt;
    ExitStatus::from_raw((status as i32).cast_unsigned())
}
