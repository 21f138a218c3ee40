//! How a pool is set up, and what it is doing.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::wire::LEAST_LIMIT;

/// How a pool works.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many worker processes to run; 0 counts as 1. Default: the number of
    /// cores that this process may use.
    pub workers: usize,
    /// How many jobs may wait while all workers are busy. A batch of
    /// [`Pool::map`](crate::Pool::map) counts as one job. Default: 100.
    pub queue: usize,
    /// How long a call of [`Pool::run`](crate::Pool::run) may take, including
    /// the time in the queue. After that the job fails with
    /// [`Error::DeadlinePassed`], and the worker that runs it is killed. In a
    /// [`Pool::map`](crate::Pool::map) the deadline applies to each batch, from
    /// the moment a worker gets it. Default: none.
    pub deadline: Option<Duration>,
    /// How many bytes of private memory one worker may have. An allocation
    /// beyond the limit fails, which ends most programs.
    ///
    /// This is `RLIMIT_DATA`. It counts the heap, and the stack of every thread
    /// in full (2 MiB each unless a job asks for another size), whether or not
    /// it is used. It does not count shared memory (`MAP_SHARED`, `memfd`,
    /// tmpfs) or the page cache, and each program that a job starts has the
    /// whole limit to itself. To bound a job together with everything it uses
    /// and starts, put it in a cgroup with `memory.max`. Linux only. Default:
    /// none.
    pub memory_limit: Option<u64>,
    /// Niceness added to each worker, 0 to 19. At 10, workers hardly slow down
    /// a process that answers requests on the same cores. Unix only.
    /// Default: 0.
    pub niceness: i32,
    /// Whether to run a job once more if its worker dies. Such a job may
    /// already have had some of its effects. Default: false.
    pub retry: bool,
    /// How long [`Pool::shutdown`](crate::Pool::shutdown) waits for jobs before
    /// it kills the workers. Default: 10 s.
    pub grace: Duration,
    /// How long a worker may take to start. Default: 10 s.
    pub start_limit: Duration,
    /// How long to wait for a worker to end after it was killed. A process that
    /// hangs in the kernel, for example on a network file system that does not
    /// answer, ends only when the kernel lets go of it; the pool then continues
    /// without waiting for it. Default: 5 s.
    pub kill_limit: Duration,
    /// How many bytes a job or a result may have, at least 1 KiB and less than
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
        self.message_limit = self.message_limit.max(LEAST_LIMIT);
        Ok(self)
    }
}

/// What a pool is doing; see [`Pool::stats`](crate::Pool::stats).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// How many workers the pool is configured to have.
    pub workers: usize,
    /// The process ids of the workers that are running.
    pub pids: Vec<u32>,
    /// Jobs that wait for a worker.
    pub queued: usize,
    /// Jobs that a worker has and has not answered yet.
    pub running: usize,
    /// Jobs that workers have answered, successfully or not.
    pub done: u64,
    /// Workers that were replaced, whether they died or were killed.
    pub restarts: u64,
}
