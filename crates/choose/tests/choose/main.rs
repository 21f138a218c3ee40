//! The rules at both sides of each limit, the verdicts on real programs,
//! and everything that passes through `choose`. No test asserts a measured
//! time.
#![allow(clippy::unwrap_used)] // here it is an assertion

mod arguments;
#[cfg(unix)]
mod passing_through;
#[cfg(target_os = "linux")]
mod programs;
mod reports;
mod rules;

use std::ffi::{OsStr, OsString};
use std::process::{Command, Output, Stdio};

use choose::machine::{LIMIT_PART, Machine};
use choose::measure::Measurement;
use serde_json::Value;
use testbed::Child;

/// The program under test.
const CHOOSE: &str = env!("CARGO_BIN_EXE_choose");

/// Returns a command that inherits no ignored signals.
fn command(program: &str) -> Command {
    #[cfg(target_os = "linux")]
    testbed::processes::stop_ignoring_signals();
    Command::new(program)
}

/// Starts a command in a process group of its own, which is killed at the
/// time limit.
fn start(command: &mut Command) -> Child {
    #[cfg(unix)]
    let child = Child::start_group(command, testbed::LIMIT);
    #[cfg(not(unix))]
    let child = Child::start(command);
    child.unwrap()
}

/// Runs `choose` with these arguments.
fn choose(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Output {
    let mut command = command(CHOOSE);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    start(&mut command).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the command that runs a demonstration of `choose`.
fn demo(name: &str) -> Vec<OsString> {
    [CHOOSE, "--demo", name].map(OsString::from).into()
}

/// Runs `choose` with these options and a command that succeeds, and
/// returns the report.
fn report(options: &[&str], command: &[OsString]) -> Value {
    let options = ["--json"].iter().chain(options).map(OsString::from);
    let output = choose(options.chain(command.iter().cloned()));
    let text = stderr(&output);
    assert!(output.status.success(), "{command:?}: {text}");
    let last = text.lines().last().expect("it reports");
    serde_json::from_str(last)
        .unwrap_or_else(|error| panic!("{error}: {last}"))
}

fn kind(report: &Value) -> &str {
    report["verdict"]["kind"].as_str().expect("the verdict has a kind")
}

/// Returns a machine on which up to 1,000 waits at once are few, by its
/// limit on threads.
fn machine() -> Machine {
    Machine {
        cores: 4,
        memory_available_bytes: Some(1 << 40),
        thread_limit: Some(1000 * LIMIT_PART),
        thread_limit_set_by: Some("a limit"),
        maps_per_thread: None,
    }
}

/// Returns a run of a second that computed for this share of the time, on
/// this many cores.
fn run(share: f64, cores: f64) -> Measurement {
    Measurement {
        wall_seconds: 1.0,
        computing_share: Some(share),
        cores_wanted: Some(cores),
        max_waits_at_once: Some(1),
        ..Measurement::default()
    }
}
