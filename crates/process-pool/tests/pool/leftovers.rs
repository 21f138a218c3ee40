//! No process outlives the pool: neither a worker nor what its jobs have started.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

use process_pool::wire::{self, Setup};
use process_pool::{Config, Error};
use testbed::processes::{Signal, alive};
use testbed::{Child, LIMIT, eventually, soon};

use crate::task::{Task, Unknown};
use crate::{config, host, output, send_signal, start, test};

/// Processes that should end by themselves. Any that have not are killed when the test is
/// over, so that a failed test leaves nothing behind.
struct Pids(Vec<u32>);

impl Pids {
    fn of(line: &str) -> Self {
        Self(line.split(' ').map(|pid| pid.parse().unwrap()).collect())
    }

    fn assert_they_end(self) {
        for pid in &self.0 {
            eventually("the process ends", || !alive(*pid));
        }
    }
}

impl Drop for Pids {
    fn drop(&mut self) {
        for pid in self.0.iter().filter(|pid| alive(**pid)) {
            send_signal(*pid, Signal::KILL);
        }
    }
}

#[test]
fn what_a_job_has_started_is_killed_with_its_worker() {
    test(async {
        let pool = start(config()).await;
        let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
        let child = children.0[0];
        assert!(alive(child));
        tokio::select! {
            _ = pool.run(Task::Loop) => panic!("it does not end"),
            () = soon("it runs", || pool.stats().running == 1) => {}
        }
        soon("it is killed", || !alive(child)).await;

        // The same if a worker dies by itself.
        let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
        assert!(matches!(
            pool.run(Task::Abort).await,
            Err(Error::WorkerDied(_))
        ));
        children.assert_they_end();
        pool.shutdown().await;
    });
}

/// As the documentation of the pool says. A container of processes would not have this hole.
#[test]
fn a_process_that_has_left_the_group_outlives_its_worker() {
    test(async {
        let pool = start(config()).await;
        let children = Pids::of(&pool.run(Task::SpawnApart).await.unwrap());
        assert!(matches!(
            pool.run(Task::Abort).await,
            Err(Error::WorkerDied(_))
        ));
        pool.shutdown().await;
        assert!(alive(children.0[0]));
    });
}

#[test]
fn a_main_without_the_line_starts_no_endless_chain() {
    let [_, errors] = output(&host(), &["unknown"]);
    let name = std::any::type_name::<Unknown>();
    let reason =
        format!("main does not call process_pool::worker::<{name}>()");
    // One line of the worker, and one of its parent.
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].ends_with(&reason), "{errors:?}");
    assert!(errors[1].contains("before it was ready"), "{errors:?}");
}

#[test]
fn no_orphan_is_left_when_the_parent_is_killed() {
    // Two workers in an endless loop, or an idle one; and what a job has started. Two threads of
    // the idle worker notice it, and either can be the first.
    for (workers, processes) in [("busy", 3), ("idle", 2)].repeat(5) {
        let mut child = start_host(workers);
        let pids = Pids::of(&child.line().unwrap());
        assert_eq!(pids.0.len(), processes);
        assert!(pids.0.iter().all(|pid| alive(*pid)));
        child.kill().unwrap();
        pids.assert_they_end();
    }
}

#[test]
fn no_orphan_is_left_when_the_program_just_ends() {
    let mut child = start_host("dropped");
    let pids = Pids::of(&child.line().unwrap());
    assert!(child.wait().unwrap().success());
    assert_eq!(
        pids.0.len(),
        3,
        "a busy worker, an idle one, and what a job has started"
    );
    pids.assert_they_end();
}

#[test]
fn no_zombie_is_left_when_the_runtime_ends() {
    output(&host(), &["runtime-ends"]);
}

#[test]
fn a_dropped_pool_leaves_no_process() {
    test(async {
        let pool = start(Config { workers: 3, ..config() }).await;
        let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
        let pids = pool.stats().pids;
        assert_eq!(pids.len(), 3);
        drop(pool);
        // They are reaped as well: the process table has no entry for them.
        let gone =
            |pid| !Path::new("/proc").join(format!("{pid}")).exists();
        soon("all are reaped", || pids.iter().all(gone)).await;
        children.assert_they_end();
    });
}

#[test]
fn ctrl_c_does_not_reach_the_workers() {
    let mut command = Command::new(host());
    command.arg("interrupted").stdout(Stdio::piped());
    let mut child = Child::start_group(&mut command, LIMIT).unwrap();
    child.ready().unwrap();
    child.signal(Signal::INT).unwrap();
    assert_eq!(child.line().unwrap(), "the same worker");
    assert!(child.wait().unwrap().success());
}

/// Starts the host alone, so that its end does not end what it leaves behind.
fn start_host(argument: &str) -> Child {
    let mut command = Command::new(host());
    Child::start(command.arg(argument).stdout(Stdio::piped())).unwrap()
}

/// A worker that the test talks to by itself.
fn worker_without_a_pool() -> Command {
    let mut worker = Command::new(host());
    worker.args(["--process-pool-worker", std::any::type_name::<Task>()]);
    worker.process_group(0).stdin(Stdio::piped());
    worker
}

/// A worker that receives nonsense ends with an error, and does not hang or loop.
#[test]
fn a_worker_refuses_nonsense() {
    for input in
        [&b""[..], b"x", b"\0\0\0\x01", b"\0\0\0\x01\xff", &[0xff; 100_000]]
    {
        let mut worker = worker_without_a_pool();
        let mut child = worker
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // This fails if it ends before it has read everything.
        child.stdin.take().unwrap().write_all(input).ok();
        let status = child.wait().unwrap();
        assert_eq!(status.success(), input.is_empty(), "{status}");
    }
}

/// The watch on the parent would kill it too, but perhaps only after it has printed an error.
#[test]
fn a_worker_whose_answer_nobody_reads_ends_silently() {
    let setup =
        Setup { memory_limit: None, niceness: 0, message_limit: 4096 };
    let mut frame = Vec::new();
    wire::append(&setup, 4096, &mut frame).unwrap();
    let mut worker = worker_without_a_pool();
    let mut child = worker
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // It stays open, so the worker's parent is there.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&frame).unwrap();
    let output = child.wait_with_output().unwrap();
    // With its process group, in which a job could have left a process.
    assert_eq!(output.status.signal(), Some(Signal::KILL.as_raw()));
    assert!(output.stderr.is_empty(), "{output:?}");
}
