//! The process pool: the results of its jobs, the deaths that it survives, its
//! limits, and the processes that it must not leave behind.
#![allow(clippy::unwrap_used)] // here it is an assertion

mod bounds;
#[cfg(target_os = "linux")]
mod deaths;
mod frames;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod limits;
mod results;
mod task;

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

use process_pool::{Config, Pool};
use task::Task;
#[cfg(target_os = "linux")]
use testbed::Child;
use testbed::LIMIT;
#[cfg(target_os = "linux")]
use testbed::processes::{Signal, id};
use tokio::runtime::{Builder, Runtime};

/// Returns the program `examples/pool.rs`, which is a worker for [`Task`] and for
/// [`Trap`](task::Trap).
fn host() -> PathBuf {
    testbed::example("pool")
}

/// Returns the configuration of most pools here: one worker.
fn config() -> Config {
    Config { workers: 1, program: Some(host()), ..Config::default() }
}

async fn start(config: Config) -> Pool<Task> {
    Pool::start(config).await.unwrap()
}

fn echo(text: &str) -> Task {
    Task::Echo(text.to_owned())
}

/// Runs a test in a runtime, with a time limit.
fn test(body: impl Future<Output = ()>) {
    runtime().block_on(async {
        let ended = tokio::time::timeout(LIMIT, body).await;
        ended.expect("the test ends within its limit");
    });
}

/// Counts the starts of a marked job.
fn starts(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[cfg(target_os = "linux")]
fn send_signal(pid: u32, signal: Signal) {
    rustix::process::kill_process(id(pid), signal).unwrap();
}

/// Runs the host to its end, and returns the lines on its stdout and stderr.
#[cfg(target_os = "linux")]
fn output(program: &Path, arguments: &[&str]) -> [Vec<String>; 2] {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Child::start_group(&mut command, LIMIT).unwrap();
    let output = child.output().unwrap();
    let lines = |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let streams = [lines(output.stdout), lines(output.stderr)];
    assert!(output.status.success(), "{}: {streams:?}", output.status);
    streams
}

/// Copies a program by another process. If this one wrote the file, a child
/// that another test starts at that moment would inherit the open file, and a
/// file that is open for writing cannot be executed.
#[cfg(target_os = "linux")]
fn copy_program(from: &Path, to: &Path) {
    let copy = to.with_extension("copy");
    let text = r#"cp "$1" "$2" && chmod 755 "$2" && mv "$2" "$3""#;
    let mut shell = Command::new("sh");
    let status = shell
        .args(["-c", text, "sh"])
        .args([from, &copy, to])
        .status()
        .unwrap();
    assert!(status.success());
}
