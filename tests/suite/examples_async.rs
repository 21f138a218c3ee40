//! The examples of `examples-async/`: their output, and the claims that it proves.

mod cancellation;
mod client_server;
mod four_ways;
mod hangs;
mod many_waits;
mod patterns;
mod shutdown;
mod time;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};

use harness::run::Stream;
use tests::{LIMIT, Output, has, python, refused, run, runtime, transcript_of};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Compares the number of threads, which is counted from outside and known only on Linux.
fn assert_threads(output: &Output, threads: u64) {
    if cfg!(target_os = "linux") {
        assert_eq!(output.costs.threads, Some(threads), "OS threads");
    }
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn gather() {
    // All start before any finishes: the waits overlap on one thread. When all are ready at the
    // same time, join! polls a different future first each time, so the order is free.
    let output =
        transcript_of("gather").in_order("starting$").any_order("finished$").sampled().check();
    assert_threads(&output, 1);
}

#[test]
fn worker_tasks() {
    let output = transcript_of("worker-tasks")
        .in_order(r"^Worker \d starting$")
        .any_order(r"^Worker \d finished$")
        .sampled()
        .check();
    assert_threads(&output, 1);
}

#[test]
fn to_thread() {
    let output = transcript_of("to-thread").repeated("^tick$").check();
    let python = python("to-thread").map(|program| run(&program));
    for output in [Some(output), python].into_iter().flatten() {
        let ticks = output.of(Stream::Stdout).filter(|line| *line == "tick").count();
        assert!(ticks > 1, "the loop kept running during the work: {:#?}", output.lines);
    }
}

#[test]
fn sync_in_async() {
    let output = transcript_of("sync-in-async").sampled().check();
    assert_threads(&output, 2); // one of them for the blocking call
}

#[test]
fn create_task() {
    // The task starts while main does something else.
    let output = transcript_of("create-task").sampled().check();
    assert_threads(&output, 1);
}

/// On one thread nothing else can run before the caller awaits. So if `spawn` ran the task, or
/// waited for it, the flag would be set when `spawn` returns.
#[test]
fn spawn_returns_before_the_task_runs() {
    runtime().block_on(async {
        let has_run = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn({
            let has_run = Arc::clone(&has_run);
            async move { has_run.store(true, Ordering::Relaxed) }
        });
        assert!(!has_run.load(Ordering::Relaxed));
        task.await.unwrap();
        assert!(has_run.load(Ordering::Relaxed));
    });
}

/// With several threads, the task may run before its spawner continues, or after.
#[test]
fn with_two_threads_a_task_and_its_spawner_run_in_either_order() {
    let runtime = two_threads();

    // The spawner blocks, so the task must run on another thread.
    let (ran, has_run) = mpsc::channel();
    let task = runtime.spawn(async move { ran.send(()) });
    has_run.recv_timeout(LIMIT).expect("the task runs before its spawner continues");
    runtime.block_on(task).unwrap().unwrap();

    // Both threads are busy, so the task cannot run yet.
    let (started, release) = busy(&runtime);
    started.wait();
    let (ran, has_run) = mpsc::channel();
    let task = runtime.spawn(async move { ran.send(()) });
    assert!(has_run.try_recv().is_err(), "the spawner continues before the task runs");
    release.wait();
    runtime.block_on(task).unwrap().unwrap();
}

/// Spawns two tasks that block both threads of a runtime, as computing would. Both reach the first
/// barrier when they run, and end after the second one.
fn busy(runtime: &Runtime) -> (Arc<Barrier>, Arc<Barrier>) {
    let (started, release) = (Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3)));
    for _ in 0..2 {
        let (started, release) = (Arc::clone(&started), Arc::clone(&release));
        runtime.spawn(async move {
            started.wait();
            release.wait();
        });
    }
    (started, release)
}

#[test]
fn blocked_loop() {
    // Inline there is no beat between the two lines of job 1.
    let output = transcript_of("blocked-loop")
        .in_order(r"^Job 1 |^Job 2 .* starting$")
        .repeated("^Heart: beat$")
        .in_order(r"^Job 2 .* finished$|^Job 3 .* starting$")
        .repeated("^Heart: beat$")
        .python_differs()
        .check();
    let lines: Vec<_> = output.of(Stream::Stdout).collect();
    let beats = |job: &str| {
        let at = |what: &str| {
            let line = |line: &&str| line.starts_with(job) && line.ends_with(what);
            lines.iter().position(line).unwrap()
        };
        at("finished") - at("starting") - 1
    };
    assert_eq!(beats("Job 1"), 0, "inline");
    assert!(beats("Job 2") > 0 && beats("Job 3") > 0, "{lines:#?}");
}

/// Runs each variant, which is one way to do the work: the heart beats only while another thread does it.
#[test]
fn blocked_loop_in_one_way() {
    let beats =
        |output: &Output| output.of(Stream::Stdout).filter(|it| *it == "Heart: beat").count();
    let inline = transcript_of("blocked-loop--inline").check();
    assert_eq!(beats(&inline), 0, "{:#?}", inline.lines);
    for offloaded in
        [transcript_of("blocked-loop--spawn-blocking"), transcript_of("blocked-loop--rayon")]
    {
        let output = offloaded.in_order(" starting$").repeated("^Heart: beat$").check();
        assert!(beats(&output) > 0, "{:#?}", output.lines);
    }
}

/// Two tasks block the two threads of a runtime, so a third task does not run before one of them ends.
#[test]
fn a_runtime_whose_threads_are_all_busy_runs_no_other_task() {
    let runtime = two_threads();
    let (started, release) = busy(&runtime);
    started.wait();
    let (beat, beats) = mpsc::channel();
    let heart = runtime.spawn(async move { beat.send(()) });
    // A free thread would have enough time to run the task: another runtime runs a thousand tasks.
    let others = two_threads();
    for _ in 0..1_000 {
        others.block_on(others.spawn(async {})).unwrap();
    }
    assert!(beats.try_recv().is_err(), "no thread is free");
    release.wait();
    runtime.block_on(heart).unwrap().unwrap();
}

#[test]
fn unawaited_future() {
    // Both are lazy, but Python warns at run time, and Rust when it compiles.
    transcript_of("unawaited-future").python_differs().check();
}

#[test]
fn await_ready() {
    transcript_of("await-ready").check();
}

#[test]
fn abort() {
    // The blocking job prints its line, the task does not.
    transcript_of("abort").check();
}

#[test]
fn runtime_threads() {
    // One worker finishes before the next one starts. Only the two that are spawned on two threads
    // overlap: both start before either finishes.
    transcript_of("runtime-threads")
        .in_order("^(One|Two) thread|^Worker [1-6] ")
        .any_order("^Worker [78] starting$")
        .any_order("^Worker [78] finished$")
        .check();
}

/// Each task blocks its thread until the other task reaches the barrier, too.
#[test]
fn two_spawned_tasks_meet_without_an_await() {
    let runtime = two_threads();
    let meeting = Arc::new(Barrier::new(2));
    let (done, ended) = mpsc::channel();
    for _ in 0..2 {
        let (meeting, done) = (Arc::clone(&meeting), done.clone());
        runtime.spawn(async move {
            meeting.wait();
            done.send(())
        });
    }
    let both_end = (0..2).all(|_| ended.recv_timeout(LIMIT).is_ok());
    runtime.shutdown_background(); // does not wait for a task that is stuck
    assert!(both_end, "the tasks run one after the other");
}

#[test]
fn block_on_in_async() {
    let output = transcript_of("block-on-in-async")
        .mask(r"'main'( \(\d+\))? panicked", "'main'<id> panicked")
        .check();
    let panic = "Cannot start a runtime from within a runtime.";
    assert!(output.of(Stream::Stderr).any(|line| line.starts_with(panic)), "{:#?}", output.lines);
}

#[test]
fn lock_across_await() {
    // The broken way is still stuck at its time limit. The fixed ways end.
    transcript_of("lock-across-await").check();
}

/// An update that two tasks make at the same time on two threads is not lost.
#[test]
fn tasks_share_a_std_mutex() {
    const TASKS: usize = 8;
    const UPDATES: usize = 10_000;
    let runtime = two_threads();
    let total = Arc::new(Mutex::new(0));
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let total = Arc::clone(&total);
            tasks.spawn(async move {
                for _ in 0..UPDATES {
                    *total.lock().unwrap() += 1; // unlocked before the await
                    tokio::task::yield_now().await;
                }
            });
        }
        tasks.join_all().await;
    });
    assert_eq!(*total.lock().unwrap(), TASKS * UPDATES);
}

#[test]
fn rc_in_task() {
    transcript_of("rc-in-task").check();
}

#[test]
fn rc_in_task_does_not_compile() {
    refused("rc-in-task-broken", "error: future cannot be sent between threads safely");
}

#[test]
fn borrow_in_task() {
    transcript_of("borrow-in-task").check();
}

#[test]
fn borrow_in_task_does_not_compile() {
    refused("borrow-in-task-broken", "error[E0373]: async block may outlive");
}

#[test]
fn the_articles_run_in_executor_is_a_method_of_the_loop() {
    let python = Path::new(if cfg!(windows) { "python" } else { "python3" });
    if !has(python) {
        return;
    }
    let program = "import asyncio\n\
        assert not hasattr(asyncio, 'run_in_executor')\n\
        assert hasattr(asyncio.AbstractEventLoop, 'run_in_executor')";
    let status = Command::new(python).args(["-c", program]).status().unwrap();
    assert!(status.success());
}
