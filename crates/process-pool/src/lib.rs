//! Python's ProcessPoolExecutor for tokio: jobs run in worker processes.
//!
//! A job is a serde type that knows how to run. The workers are the same
//! program, started again, and one line in `main` turns such a process into a
//! worker:
//!
//! ```no_run
//! use process_pool::{Config, Job, JobResult, Pool};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Square(u64);
//!
//! impl Job for Square {
//!     type Output = u64;
//!
//!     fn run(self) -> JobResult<u64> {
//!         Ok(self.0.checked_mul(self.0).ok_or("too large")?)
//!     }
//! }
//!
//! fn main() {
//!     process_pool::worker::<Square>(); // does not return in a worker
//!     serve();
//! }
//!
//! #[tokio::main]
//! async fn serve() {
//!     let pool = Pool::start(Config::default()).await.expect("workers start");
//!     assert_eq!(pool.run(Square(12)).await, Ok(144));
//!     pool.shutdown().await;
//! }
//! ```
//!
//! `queue` holds the jobs that wait. Each worker has a task in `supervisor`,
//! which starts its `process`, sends it jobs and replaces it when it dies.
//! `worker` is what runs in that process, and [`wire`] is the format in which
//! the two talk. `pool` is what callers use.
//!
//! The pool is made for Unix; the memory limit works on Linux only. On Windows
//! niceness and a memory limit are refused, a job must not print to stdout, and
//! a worker notices only between jobs that its parent has ended.

mod batch;
mod config;
mod error;
mod job;
mod pool;
mod process;
mod queue;
mod supervisor;
pub mod wire;
mod worker;

pub use crate::config::{Config, Stats};
pub use crate::error::Error;
pub use crate::job::{Job, JobResult};
pub use crate::pool::Pool;
pub use crate::worker::worker;
