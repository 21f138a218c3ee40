#![doc = include_str!("../README.md")]
//! ## Inside
//!
//! `queue` holds the jobs that wait. Each worker has a task in `supervisor`,
//! which starts its `process`, sends it jobs and replaces it when it dies.
//! `worker` is the program of that process, and `wire` the format in which the
//! two talk. `pool` is for callers.

mod batch;
mod config;
mod error;
mod job;
mod pool;
mod process;
mod queue;
mod supervisor;
#[doc(hidden)] // for job-queue and the tests; it may change in any version
pub mod wire;
mod worker;

pub use crate::config::{Config, Stats};
pub use crate::error::Error;
pub use crate::job::{Job, JobResult};
pub use crate::pool::Pool;
pub use crate::worker::worker;
