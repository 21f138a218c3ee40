//! The crate `process-tree`: what a sample says about programs whose threads are known.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use process_tree::{
    Detail, MOST_THREADS, Snapshot, State, Thread, Wait, cpu_time, own_cpu_time, peak_memory,
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tests::{LIMIT, skip};

const HOST: &str = env!("CARGO_BIN_EXE_threads-host");

/// A program that has printed `ready`. Dropping it kills the program.
pub(super) struct Host(Child);

impl Host {
    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut host = Self(child.unwrap());
        let mut line = String::new();
        let stdout = host.0.stdout.take().unwrap();
        // It ends when its input does, so the line comes or the output ends.
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        host
    }

    pub(super) fn with(mode: &str, count: u64) -> Self {
        Self::start(Command::new(HOST).args([mode, &count.to_string()]))
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    fn sample(&self, detail: Detail) -> Snapshot {
        Snapshot::of(self.id(), detail).expect("it is running")
    }

    /// Samples it until a sample is as expected, or the limit is over.
    fn sample_until(&self, expected: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let started = Instant::now();
        loop {
            let sample = self.sample(Detail::Waits);
            if expected(&sample) {
                return sample;
            }
            assert!(started.elapsed() < LIMIT, "still {sample:#?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn waiting_threads_are_counted_and_not_runnable() {
    let host = Host::with("waiting", 20);
    let sample = host.sample_until(|it| it.runnable() == 0);
    assert_eq!(sample.threads, 21, "and main");
    assert_eq!(sample.seen.len(), 21);
    assert!(sample.seen.iter().all(|thread| thread.state == State::Sleeping), "{sample:#?}");
    let id = host.id().cast_signed();
    assert_eq!(sample.processes, [id]);
    assert!(sample.seen.iter().all(|thread| thread.process == id));
    assert_eq!(sample.seen[0].id, id, "main is the oldest");
}

#[test]
fn computing_threads_are_runnable_in_every_sample() {
    let host = Host::with("computing", 2);
    host.sample_until(|it| it.runnable() == 2); // until main waits for its input
    for _ in 0..20 {
        let sample = host.sample(Detail::States);
        assert_eq!((sample.threads, sample.runnable()), (3, 2), "{sample:#?}");
    }
}

#[test]
fn only_the_time_of_a_computing_thread_grows() {
    let host = Host::with("computing", 1);
    let before = host.sample_until(|it| it.runnable() == 1);
    let main = &before.seen[0];
    let computing = before.seen[1].times.expect("this kernel has schedstat");
    host.sample_until(|it| it.seen[1].times.unwrap().ran > computing.ran);
    assert_eq!(host.sample(Detail::Waits).seen[0], *main, "main waited all the time");
}

#[test]
fn threads_queue_if_there_are_more_than_cores() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let host = Host::with("computing", cores as u64 + 1);
    let queued = |sample: &Snapshot| -> HashMap<_, _> {
        sample.seen.iter().map(|it| (it.id, it.times.unwrap().queued)).collect()
    };
    let before = queued(&host.sample(Detail::Times));
    let main = host.id().cast_signed();
    // Not only once, when it started: each of them has to let others run.
    host.sample_until(|it| queued(it).iter().all(|(id, now)| *id == main || *now > before[id]));
}

#[test]
fn each_detail_reads_no_more_than_it_says() {
    let host = Host::with("waiting", 1);
    let totals = host.sample(Detail::Totals);
    assert_eq!((totals.threads, totals.seen.len()), (2, 0));
    let states = host.sample(Detail::States);
    assert_eq!(states.seen.len(), 2);
    assert!(states.seen.iter().all(|thread| thread.times.is_none()));
    let times = host.sample(Detail::Times);
    assert!(times.seen.iter().all(|thread| thread.times.is_some()));
    assert!(times.seen.iter().all(|thread| thread.wait.is_none() && thread.name.is_empty()));
}

#[test]
fn a_thread_waits_for_what_its_system_call_says() {
    for (mode, reason) in [
        ("waiting", Wait::Lock),
        ("asleep", Wait::Time),
        ("accepting", Wait::Io),
        ("awaiting", Wait::Io),
        ("parent", Wait::Child),
        ("locking-a-file", Wait::Unknown),
    ] {
        let host = Host::with(mode, 2);
        if std::fs::read(format!("/proc/{}/syscall", host.id())).is_err() {
            return skip("a kernel that shows the system calls of a child process");
        }
        let id = host.id().cast_signed();
        host.sample_until(|sample| {
            let of_host = sample.seen.iter().filter(|thread| thread.process == id);
            let waits: Vec<_> = of_host.map(|thread| thread.wait).collect();
            waits == [Some(Wait::Io), Some(reason), Some(reason)] // main reads its input
        });
    }
}

#[test]
fn a_computing_thread_waits_for_nothing() {
    let host = Host::with("computing", 1);
    let sample = host.sample_until(|it| it.runnable() == 1);
    assert_eq!(sample.seen[1].wait, None);
}

#[test]
fn a_stopped_thread_is_not_waiting() {
    let host = Host::with("waiting", 1);
    let id = Pid::from_child(&host.0);
    kill_process(id, Signal::STOP).unwrap();
    let stopped = |thread: &Thread| thread.state == State::Other('T') && thread.wait.is_none();
    host.sample_until(|it| it.seen.iter().all(stopped));
}

#[test]
fn threads_have_their_names() {
    let host = Host::with("waiting", 2);
    let names: Vec<_> =
        host.sample(Detail::Waits).seen.into_iter().map(|thread| thread.name).collect();
    assert_eq!(names, ["threads-host", ")) S (worker", ")) S (worker"]);
}

#[test]
fn the_time_of_a_thread_that_has_ended_stays_with_its_process() {
    let host = Host::with("computed", 0);
    let own = own_cpu_time(host.id()).unwrap();
    assert!(own >= Duration::from_millis(100), "{own:?}");
    let sample = host.sample(Detail::Times);
    let of_threads: Duration = sample.seen.iter().map(|thread| thread.times.unwrap().ran).sum();
    assert!(of_threads < Duration::from_millis(100), "{of_threads:?}: only main is left");
}

#[test]
fn thousands_of_threads_are_counted_but_not_all_read() {
    let threads = MOST_THREADS as u64 + 100;
    let host = Host::with("waiting", threads);
    let sample = host.sample(Detail::States);
    assert_eq!(sample.threads, threads + 1);
    assert_eq!(sample.seen.len(), MOST_THREADS);
}

#[test]
fn a_tree_has_the_children_after_their_parent() {
    let script = "\"$0\" waiting 3; true"; // true, so that the shell stays
    let host = Host::start(Command::new("sh").args(["-c", script, HOST]));
    let sample = host.sample(Detail::States);
    assert_eq!(sample.processes.len(), 2, "{sample:#?}");
    assert_eq!(sample.processes[0], host.id().cast_signed());
    assert_eq!(sample.threads, 1 + 4, "the shell, and three threads and their main");
    let of_child = sample.seen.iter().filter(|it| it.process == sample.processes[1]);
    assert_eq!(of_child.count(), 4);
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
    waitid(WaitId::Pid(Pid::from_child(&host.0)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        .unwrap();
    assert!(Snapshot::of(id, Detail::Totals).is_none());
    assert_eq!(peak_memory(id), None);
    assert!(cpu_time(id).is_some());
    assert!(own_cpu_time(id).is_some());
    host.0.wait().unwrap();
    assert_eq!(cpu_time(id), None);
    assert_eq!(own_cpu_time(id), None);
}
