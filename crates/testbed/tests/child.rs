//! Children that print, read and end, and what is left of them.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::processes::{Signal, alive};
use testbed::{Child, LIMIT, eventually};

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    shell
}

#[test]
fn a_child_is_killed_and_reaped_when_it_is_dropped() {
    let child =
        Child::start_ready(&mut shell("echo ready; exec sleep 100"));
    let child = child.unwrap();
    let id = child.id();
    assert!(alive(id));
    drop(child);
    assert!(!alive(id));
}

#[test]
fn a_child_that_is_not_ready_is_an_error() {
    for (script, error) in [
        ("echo no", "it printed \"no\" instead of \"ready\""),
        ("exit 0", "its stdout has ended"),
    ] {
        let refused = Child::start_ready(&mut shell(script)).unwrap_err();
        assert_eq!(refused.to_string(), error);
    }
}

#[test]
fn lines_and_the_rest_are_read_in_order() {
    let script = "echo one; echo port 80; echo three; echo four";
    let mut child = Child::start(&mut shell(script)).unwrap();
    let port =
        child.wait_for(|it| it.strip_prefix("port ")?.parse::<u16>().ok());
    assert_eq!(port.unwrap(), 80);
    assert_eq!(child.line().unwrap(), "three");
    assert_eq!(child.rest().unwrap(), "four\n");
    assert!(child.line().is_err());
    assert!(child.wait().unwrap().success());
}

#[test]
fn both_streams_are_read_although_nothing_receives_their_lines() {
    let script = "echo one >&2; echo two; head -c 1000000 /dev/zero >&2";
    let mut child =
        Child::start(shell(script).stderr(Stdio::piped())).unwrap();
    let lines = child.lines();
    let mut first = [lines.recv().unwrap(), lines.recv().unwrap()];
    first.sort();
    assert_eq!(first, ["one", "two"]);
    drop(lines);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_signal_ends_a_child_and_what_it_has_started() {
    let script = "sleep 100 & echo $!; wait";
    let mut child = Child::start_group(&mut shell(script), LIMIT).unwrap();
    let started = child.line().unwrap().parse().unwrap();
    assert!(alive(started));
    child.signal(Signal::TERM).unwrap();
    assert!(child.wait_within(LIMIT).unwrap().is_some());
    eventually("the other process ends", || !alive(started));
}

#[test]
fn a_group_is_killed_at_its_limit() {
    let script = "sleep 100 & wait";
    let limit = Duration::from_millis(50);
    let mut child = Child::start_group(&mut shell(script), limit).unwrap();
    assert_eq!(child.rest().unwrap(), "");
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_child_without_pipes_has_no_lines() {
    let mut child = Child::start(shell("exit 1").stdout(Stdio::null()));
    let error = child.as_mut().unwrap().line().unwrap_err();
    assert_eq!(error.to_string(), "its stdout is not piped");
    assert_eq!(child.unwrap().stop().unwrap().code(), Some(1));
}
