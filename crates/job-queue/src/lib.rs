//! The process pool's jobs on many machines, over NATS JetStream.
//!
//! [`Queue`] has the methods of [`process_pool::Pool`]: `run` one job, `map`
//! many. The jobs wait in a stream of a NATS server, and workers on any number
//! of machines take them from there:
//!
//! ```no_run
//! use job_queue::{Options, Queue};
//! # use job_queue::{Job, JobResult};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Square(u64);
//! # impl Job for Square {
//! #     type Output = u64;
//! #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
//! # }
//! # async fn example() -> Result<(), job_queue::Error> {
//! let queue = Queue::connect(Options::default()).await?;
//! assert_eq!(queue.run(Square(12)).await?, 144);
//! # Ok(())
//! # }
//! ```
//!
//! A worker program calls [`worker`] first in `main`, because it runs each job
//! in a process of its own, and then [`Worker::run`]:
//!
//! ```no_run
//! # use job_queue::{Error, Job, JobResult, Options, Worker, WorkerConfig};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Square(u64);
//! # impl Job for Square {
//! #     type Output = u64;
//! #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
//! # }
//! fn main() -> Result<(), Error> {
//!     job_queue::worker::<Square>();
//!     work()
//! }
//!
//! #[tokio::main]
//! async fn work() -> Result<(), Error> {
//!     let options = Options::default();
//!     let worker = Worker::<Square>::connect(options, WorkerConfig::default());
//!     worker.await?.run(std::future::pending()).await;
//!     Ok(())
//! }
//! ```
//!
//! **Delivery is at-least-once.** A job whose worker died, hung or lost its
//! network is delivered to another worker, and sometimes both workers do it. So
//! a job must be idempotent. Its caller gets the first result; later ones are
//! counted and discarded.
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
