#![doc = include_str!("../README.md")]
//! ## Inside
//!
//! Each client and each worker has a `link` to the server. `stream` creates
//! what the server keeps: the jobs, their results, and the dead letters.
//! `message` is the format of a job, `outcome` that of a result. A `worker` pulls
//! one job at a time for each of its processes and runs it `packed`, so that
//! bytes from the network are only decoded in a process that may crash.

mod cancel;
mod clock;
mod dead_letters;
mod error;
mod link;
mod message;
mod metrics;
mod options;
mod outcome;
mod packed;
mod pull;
mod queue;
mod stream;
mod worker;

pub use async_nats::ConnectOptions;
pub use process_pool::{Config as PoolConfig, Job, JobResult};

pub use crate::dead_letters::{DeadLetter, DeadLetters};
pub use crate::error::Error;
pub use crate::link::without_password;
pub use crate::options::{Call, Options, WorkerConfig};
pub use crate::packed::worker;
pub use crate::queue::Queue;
pub use crate::worker::Worker;
