//! The settings of a pool, and its state.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::wire::MIN_LIMIT;

/// Settings of a pool.
///
/// A later version may add a field. So name the settings that you change, and
/// take the others from the default:
///
/// ```
/// use process_pool::Config;
///
/// let config = Config { workers: 2, retry: true, ..Config::default() };
/// assert_eq!(config.queue, 100);
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// Number of worker processes; 0 counts as 1. Default: the number of
    /// cores that this process may use.
    pub workers: usize,
    /// Number of jobs that may wait while all workers are busy. A batch of
    /// [`Pool::map`](crate::Pool::map) counts as one job. Default: 100.
    pub queue: usize,
    /// Time limit for a call of [`Pool::run`](crate::Pool::run), including
    /// the time in the queue. After that the job fails with
    /// [`Error::DeadlinePassed`], and the worker that runs it is killed. In a
    /// [`Pool::map`](crate::Pool::map) the deadline applies to each batch, from
    /// the moment a worker gets it. Default: none.
    pub deadline: Option<Duration>,
    /// Limit on the private memory of one worker, in bytes. An allocation
    /// beyond the limit fails, which ends most programs.
    ///
    /// This is `RLIMIT_DATA`. It counts the heap, and the stack of every thread
    /// in full (2 MiB each unless a job asks for another size), used or not. It does not count shared memory (`MAP_SHARED`, `memfd`,
    /// tmpfs) or the page cache, and each program that a job starts has the
    /// whole limit to itself. To bound a job together with everything it uses
    /// and starts, put it in a cgroup with `memory.max`. Linux only. Default:
    /// none.
    pub memory_limit: Option<u64>,
    /// Niceness added to each worker, 0 to 19. At 10, workers hardly slow down
    /// a process that answers requests on the same cores. Unix only.
    /// Default: 0.
    pub niceness: i32,
    /// Runs a job once more if its worker dies. Such a job may
    /// already have had some of its effects. Default: false.
    pub retry: bool,
    /// Time for which [`Pool::shutdown`](crate::Pool::shutdown) waits for jobs before
    /// it kills the workers. Default: 10 s.
    pub grace: Duration,
    /// Time limit for the start of a worker. Default: 10 s.
    pub start_limit: Duration,
    /// Time limit for the end of a worker after it was killed. A process that
    /// hangs in the kernel, for example on a network file system that does not
    /// answer, ends only when the kernel lets go of it; the pool then continues
    /// without waiting for it. Default: 5 s.
    pub kill_limit: Duration,
    /// Limit on the size of a job or a result, in bytes: at least 1 KiB and less than
    /// 4 GiB. The text of an error or a panic that is longer is cut off.
    /// Default: 16 MiB.
    pub message_limit: usize,
    /// The program to start as a worker. It must call
    /// [`worker`](crate::worker()). Default: this program.
    pub program: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism()
                .map_or(1, usize::from),
            queue: 100,
            deadline: None,
            memory_limit: None,
            niceness: 0,
            retry: false,
            grace: Duration::from_secs(10),
            start_limit: Duration::from_secs(10),
            kill_limit: Duration::from_secs(5),
            message_limit: 16 << 20,
            program: None,
        }
    }
}

impl Config {
    /// Refuses what cannot work, and raises what is too small to work.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        if !(0..=19).contains(&self.niceness) {
            return Err(Error::CannotStart(format!(
                "niceness {} is not between 0 and 19",
                self.niceness
            )));
        }
        self.workers = self.workers.max(1);
        // A worker must be able to say why it cannot start.
        self.message_limit = self.message_limit.max(MIN_LIMIT);
        Ok(self)
    }
}

/// The state of a pool; see [`Pool::stats`](crate::Pool::stats).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Number of workers that the pool is configured to have.
    pub workers: usize,
    /// Process ids of the workers that are running.
    pub pids: Vec<u32>,
    /// Number of jobs that wait for a worker.
    pub queued: usize,
    /// Number of jobs that a worker has and has not answered yet.
    pub running: usize,
    /// Number of jobs that workers have answered, successfully or not.
    pub done: u64,
    /// Number of workers that died or were killed, and were replaced.
    pub restarts: u64,
}
