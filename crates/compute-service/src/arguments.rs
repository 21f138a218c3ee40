//! The command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compute::LARGEST_N;

// ANCHOR: arguments
/// Computes sums of squares, and stays responsive while it does.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub service: ServiceArguments,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run jobs from a queue, for services started with --offload nats
    Worker(WorkerArguments),
    /// Show the jobs of a queue that no worker could finish
    DeadLetters(DeadLetterArguments),
}

/// Settings of the service.
#[derive(Args)]
pub struct ServiceArguments {
    /// The port to listen on; 0 takes any free port
    #[arg(long, env = "PORT", default_value_t = 8000)]
    pub port: u16,
    /// The address to listen on
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub host: IpAddr,
    /// The place where jobs run
    #[arg(long, value_enum, default_value_t = Way::Rayon)]
    pub offload: Way,
    #[command(flatten)]
    pub nats: NatsArguments,
    /// Number of jobs that run at once [default: the number of cores]
    #[arg(long, value_parser = count(1, 1_000))]
    pub workers: Option<u64>,
    /// Number of jobs that may wait; the next one is answered with 503
    #[arg(long, default_value_t = 100, value_parser = count(0, 1_000_000))]
    pub queue: u64,
    /// Seconds from a request to its answer; a later one is a 504
    #[arg(long, default_value = "10", value_parser = positive_seconds)]
    pub deadline: Duration,
    /// The largest n; a larger one is answered with 422
    #[arg(
        long,
        default_value_t = 1_000_000_000,
        value_parser = count(0, LARGEST_N)
    )]
    pub max_n: u64,
    /// Seconds to go on accepting connections after SIGTERM or Ctrl-C, while
    /// /ready answers 503
    #[arg(long, default_value = "0", value_parser = seconds)]
    pub drain: Duration,
    /// Seconds that running requests then have to finish
    #[arg(long, default_value = "15", value_parser = positive_seconds)]
    pub grace: Duration,
    /// Niceness added to the jobs, 0 to 19 (threads: Linux only)
    #[arg(long, default_value_t = 10, value_parser = count(0, 19))]
    pub nice: u64,
    /// Log every request; RUST_LOG selects more precisely
    #[arg(long)]
    pub verbose: bool,
}
// ANCHOR_END: arguments

/// Address of the queue.
#[derive(Args)]
pub struct NatsArguments {
    /// The NATS server, for --offload nats
    #[arg(
        long = "nats",
        env = "NATS_URL",
        value_name = "URL",
        default_value = "nats://127.0.0.1:4222"
    )]
    pub url: String,
    /// A file with credentials for the NATS server
    #[arg(long = "nats-credentials", value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// A file with the certificate to trust, if the system does not trust it
    #[arg(long = "nats-ca", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The name of the queue
    #[arg(
        long = "nats-queue",
        value_name = "NAME",
        default_value = "compute"
    )]
    pub queue_name: String,
}

/// Settings of a worker.
#[derive(Args)]
pub struct WorkerArguments {
    #[command(flatten)]
    pub nats: NatsArguments,
    /// Number of jobs that run at once [default: the number of cores]
    #[arg(long, value_parser = count(1, 1_000))]
    pub workers: Option<u64>,
    /// Number of jobs to take for each that runs
    #[arg(long, default_value_t = 1, value_parser = count(1, 1_000))]
    pub prefetch: u64,
    /// The port on which GET /metrics is answered [default: none]
    #[arg(long, value_name = "PORT")]
    pub metrics: Option<u16>,
    /// Seconds that running jobs have to finish after SIGTERM or Ctrl-C
    #[arg(long, default_value = "15", value_parser = positive_seconds)]
    pub grace: Duration,
    /// Niceness added to the jobs, 0 to 19
    #[arg(long, default_value_t = 10, value_parser = count(0, 19))]
    pub nice: u64,
    /// Log every job; RUST_LOG selects more precisely
    #[arg(long)]
    pub verbose: bool,
}

/// Action on dead letters.
#[derive(Args)]
pub struct DeadLetterArguments {
    #[command(flatten)]
    pub nats: NatsArguments,
    #[command(subcommand)]
    pub action: Option<DeadLetterAction>,
}

#[derive(Subcommand)]
pub enum DeadLetterAction {
    /// List the dead letters, the oldest first. This is the default
    List,
    /// Put a job back into the queue, as a new job
    SendAgain {
        /// The job's id, as `list` shows it
        id: String,
    },
    /// Delete a dead letter
    Delete {
        /// The job's id, as `list` shows it
        id: String,
    },
}

/// A place where jobs run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// In worker processes
    Processes,
    /// On rayon's threads
    Rayon,
    /// On the runtime's threads for blocking calls
    SpawnBlocking,
    /// On other machines, which run `compute-service worker`
    Nats,
    /// In the handler itself, which is a mistake
    Inline,
}

fn count(
    min: u64,
    max: u64,
) -> impl clap::builder::TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(min..=max)
}

fn seconds(text: &str) -> Result<Duration, String> {
    seconds_from(0.0, text)
}

fn positive_seconds(text: &str) -> Result<Duration, String> {
    seconds_from(0.001, text)
}

fn seconds_from(min: f64, text: &str) -> Result<Duration, String> {
    const MAX: f64 = 86_400.0;
    let seconds: f64 =
        text.parse().map_err(|_| "not a number of seconds")?;
    if !(min..=MAX).contains(&seconds) {
        return Err(format!("not between {min} and {MAX}"));
    }
    Ok(Duration::from_secs_f64(seconds))
}
