//! The compute service: the real executable, over real sockets.
#![allow(clippy::unwrap_used)] // here it is an assertion

mod answers;
mod bounds;
mod clients;
mod fastapi;
#[cfg(unix)]
mod queue;
mod service;
#[cfg(unix)]
mod shutdown;
mod startup;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use futures::future::join_all;
use testbed::{Child, LIMIT, has};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// The program.
const SERVICE: &str = env!("CARGO_BIN_EXE_compute-service");

/// Returns the ways to offload that are not a mistake. The last one needs a
/// nats-server.
fn ways() -> Vec<&'static str> {
    let mut ways = vec!["rayon", "spawn-blocking", "processes"];
    if has(Path::new("nats-server")) {
        ways.push("nats");
    }
    ways
}

/// Runs a test for all ways at the same time. Most of these tests wait until a time limit of the service
/// has passed, and use all the CPU time that they get until then.
async fn for_each(
    ways: Vec<&'static str>,
    test: impl AsyncFn(&'static str),
) {
    join_all(ways.into_iter().map(|way| test(way))).await;
}

/// The pause between two questions to a service. Without it, they would take the
/// cores from what is awaited.
const PAUSE: Duration = Duration::from_millis(2);

/// Allows a sum that takes hours.
const LARGE: &[&str] = &["--max-n", "10000000000000"];

/// Allows such a sum, with a deadline that no test reaches.
const ENDLESS: &[&str] =
    &["--max-n", "10000000000000", "--deadline", "3600"];

const FOREVER: &str = "/compute/10000000000000";

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("within the limit")
}

/// Runs a command without input to its end.
fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Child::start(command).unwrap().output().unwrap()
}

/// Runs the service to its end.
fn service_output(arguments: &[&str]) -> Output {
    output(Command::new(SERVICE).args(arguments))
}

/// Returns the lines of an output.
fn lines(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).unwrap().lines().collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A process may have 1024 open files on most systems, and more if it asks.
fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .unwrap();
    }
}

/// Returns the sum, by the formula.
fn sum_of_squares(n: u128) -> u128 {
    if n == 0 { 0 } else { (n - 1) * n / 2 * (2 * n - 1) / 3 }
}
