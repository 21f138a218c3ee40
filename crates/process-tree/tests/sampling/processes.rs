//! The CPU time and the memory of one process.

use std::process::Command;
use std::time::Duration;

use process_tree::{
    Detail, Snapshot, cpu_time, ignored_signals, own_cpu_time, peak_memory,
};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::Host;

#[test]
fn the_time_of_a_thread_that_has_ended_stays_with_its_process() {
    let host = Host::with("computed", 0);
    let own = own_cpu_time(host.id()).unwrap();
    assert!(own >= Duration::from_millis(100), "{own:?}");
    let sample = host.sample(Detail::Times);
    let of_threads: Duration =
        sample.seen.iter().map(|thread| thread.times.unwrap().ran).sum();
    assert!(
        of_threads < Duration::from_millis(100),
        "{of_threads:?}: only main is left"
    );
}

#[test]
fn peak_memory_stays_when_the_memory_is_free_again() {
    const MEBIBYTES: u64 = 64;
    let host = Host::with("memory", MEBIBYTES);
    let peak = peak_memory(host.id()).expect("it is running");
    assert!(peak >= MEBIBYTES << 20, "{peak}");
    assert_eq!(host.sample(Detail::Totals).memory, peak);
    let small = Host::with("memory", 0);
    assert!(small.sample(Detail::Totals).memory < MEBIBYTES << 20);
}

#[test]
fn a_zombie_has_cpu_time_but_no_memory() {
    let mut host = Host::with("waiting", 1);
    let id = host.id();
    drop(host.0.stdin.take());
    // Until it has ended, and without reaping it.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(testbed::processes::id(id)), options).unwrap();
    assert!(Snapshot::of(id, Detail::Totals).is_none());
    assert_eq!(peak_memory(id), None);
    assert!(cpu_time(id).is_some());
    assert!(own_cpu_time(id).is_some());
    host.0.wait().unwrap();
    assert_eq!(cpu_time(id), None);
    assert_eq!(own_cpu_time(id), None);
}

#[test]
fn a_signal_that_was_ignored_before_the_start_stays_ignored() {
    const SIGUSR2: i32 = 12;
    assert!(!ignored_signals().contains(&SIGUSR2));
    // The shell ignores it, and so does the program that replaces it.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' USR2; exec \"$0\" ignored-signals"]);
    let output = shell.arg(testbed::example("threads")).output().unwrap();
    let ignored = String::from_utf8(output.stdout).unwrap();
    assert!(ignored.lines().any(|it| it == "12"), "{ignored}");
}
