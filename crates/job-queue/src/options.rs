//! The settings of clients and workers.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_nats::ConnectOptions;

/// Settings of a client or a worker.
///
/// A later version may add a field. So name the settings that you change, and
/// take the others from the default:
///
/// ```
/// use job_queue::Options;
///
/// let options = Options { capacity: 500, ..Options::default() };
/// assert_eq!(options.queue, "jobs");
/// ```
///
/// `capacity`, `ack_wait`, `result_age` and `replicas` are properties of the
/// streams on the server. The first client or worker creates the streams;
/// after that, the existing streams are used as they are.
#[derive(Clone)]
pub struct Options {
    /// Address of the NATS server; several servers are separated by commas.
    /// The first one may have a name and a password, which are for all of them,
    /// or a token: `nats://name:password@host` or `nats://token@host`.
    /// Default: `nats://127.0.0.1:4222`.
    pub url: String,
    /// Credentials and TLS settings. A password or a token in `url` replaces
    /// the one here. The event callback and the interval of pings are set by
    /// this crate. Default: neither credentials nor TLS.
    pub nats: ConnectOptions,
    /// The name of the queue: letters, digits, hyphens and underscores. Queues
    /// with different names share a server and nothing else. Default: `jobs`.
    pub queue: String,
    /// The name of the job's type. A worker runs only jobs of its own type.
    /// Default: the path of the Rust type.
    pub job_type: Option<String>,
    /// Number of jobs that may wait or run, of all clients together. Default: 10,000.
    pub capacity: u32,
    /// After this time without a sign of life from its worker, a job is
    /// delivered again. Workers send one every third of it. Default: 30 s.
    pub ack_wait: Duration,
    /// Number of times that a job is delivered before it becomes a dead letter.
    /// Default: 5.
    pub deliveries: u32,
    /// Time for which the server keeps a result, for a client that has lost its
    /// connection. Default: 10 minutes.
    pub result_age: Duration,
    /// Number of servers of a cluster that store each job. Default: 1.
    pub replicas: usize,
    /// Time limit for a call, including the time in the queue, unless the
    /// [`Call`] has its own limit. Default: none.
    pub deadline: Option<Duration>,
    /// Time for which a call waits for a server that is away, at most until its
    /// deadline. Default: 30 s.
    pub away_limit: Duration,
    /// Time limit for connecting at the start. Default: 10 s.
    pub connect_limit: Duration,
    /// The interval at which a client asks for the results of jobs that take
    /// long, in case it missed one, and if the server still has these jobs. After a
    /// reconnect it asks immediately and then more often. At least 200 ms.
    /// Default: 30 s.
    pub check_interval: Duration,
    /// Number of jobs of one [`Queue::map`](crate::Queue::map) that are under way
    /// at the same time. Default: 500.
    pub in_flight: usize,
    /// The clock of this machine. It may be wrong by any amount, because
    /// deadlines are measured by the server's clock. Default:
    /// [`SystemTime::now`].
    pub clock: fn() -> SystemTime,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "nats://127.0.0.1:4222".to_owned(),
            nats: ConnectOptions::new(),
            queue: "jobs".to_owned(),
            job_type: None,
            capacity: 10_000,
            ack_wait: Duration::from_secs(30),
            deliveries: 5,
            result_age: Duration::from_secs(600),
            replicas: 1,
            deadline: None,
            away_limit: Duration::from_secs(30),
            connect_limit: Duration::from_secs(10),
            check_interval: Duration::from_secs(30),
            in_flight: 500,
            clock: SystemTime::now,
        }
    }
}

impl fmt::Debug for Options {
    /// Prints the options without the credentials.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("url", &self.url)
            .field("queue", &self.queue)
            .field("job_type", &self.job_type)
            .field("capacity", &self.capacity)
            .field("ack_wait", &self.ack_wait)
            .field("deliveries", &self.deliveries)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Returns the name of this type of job in messages.
    pub(crate) fn type_of<J>(&self) -> String {
        let path = std::any::type_name::<J>();
        self.job_type.clone().unwrap_or_else(|| path.to_owned())
    }
}

/// Settings of a single call of [`Queue::run_with`](crate::Queue::run_with). Take
/// those that you do not change from `Call::default()`.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Time limit for the call. Default: [`Options::deadline`].
    pub deadline: Option<Duration>,
    /// A name that appears in the log lines of client and worker, for example
    /// the id of a request. Default: the job's id.
    pub trace: Option<String>,
}

/// Settings of a worker. Take those that you do not change from
/// `WorkerConfig::default()`.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The processes that run the jobs. `queue`, `retry` and `program` are set
    /// by the worker or left to the pool. Default: one process per core.
    pub pool: process_pool::Config,
    /// Number of jobs that the worker takes from the server for each of its
    /// processes. With more than 1, a process that has finished a short job
    /// need not wait for the next one to arrive. With long jobs, it makes a job
    /// wait here while another worker is idle. Default: 1.
    pub prefetch: usize,
    /// Time for which [`Worker::run`](crate::Worker::run) lets jobs finish after it
    /// was told to stop. The others are handed back to the server. Default:
    /// 10 s.
    pub grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            pool: process_pool::Config::default(),
            prefetch: 1,
            grace: Duration::from_secs(10),
        }
    }
}
