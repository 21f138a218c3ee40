//! The examples of `examples-async/`: what they print, and what they prove.

mod cancellation;
mod many_waits;
mod patterns;

use std::path::Path;
use std::process::Command;

use harness::run::{Build, Stream};
use tests::{Output, assert_snapshot, check, has, try_build};

/// Counted from outside: `/proc` on Linux tells it, other systems do not.
fn assert_one_thread(output: &Output) {
    if let Some(threads) = output.costs.threads {
        assert_eq!(threads, 1, "it ran on one OS thread");
    }
}

#[test]
fn gather() {
    // All start before any finishes: the waits overlap on one thread. When all are over at the
    // same time, join! begins with another future than the last time, so as to be fair.
    let output = check("gather").in_order("starting$").any_order("finished$").check();
    assert_one_thread(&output);
}

#[test]
fn worker_tasks() {
    let output = check("worker-tasks")
        .in_order(r"^Worker \d starting$")
        .any_order(r"^Worker \d finished$")
        .check();
    assert_one_thread(&output);
}

#[test]
fn to_thread() {
    let output = check("to-thread").repeated("^tick$").check();
    let ticks = output.of(Stream::Stdout).filter(|line| *line == "tick").count();
    assert!(ticks > 1, "the loop went on during the work: {ticks} ticks");
}

#[test]
fn sync_in_async() {
    let output = check("sync-in-async").check();
    if let Some(threads) = output.costs.threads {
        assert_eq!(threads, 2, "the blocking call had a thread of its own");
    }
}

#[test]
fn create_task() {
    // The task starts while main does something else.
    let output = check("create-task").check();
    assert_one_thread(&output);
}

#[test]
fn blocked_loop() {
    let output = check("blocked-loop")
        .mask(r"[1-9]\d* beats", "<n> beats")
        .mask(r"gap \d+ ms", "gap <time> ms")
        .python_differs()
        .check();
    for (way, beats) in ["inline", "spawn_blocking", "rayon"].into_iter().zip([false, true, true]) {
        let counts = output.numbers(&format!(r", {way}: (\d+) beats"));
        assert_eq!(counts.len(), 2, "{way} on both runtimes");
        assert!(counts.iter().all(|&count| (count > 0) == beats), "{way}: {counts:?}");
    }
}

#[test]
fn unawaited_future() {
    // Both are lazy, but Python warns at run time, and Rust when it compiles.
    check("unawaited-future").python_differs().check();
}

#[test]
fn await_ready() {
    check("await-ready").check();
}

#[test]
fn abort() {
    // The blocking job's line comes, the task's does not.
    check("abort").check();
}

#[test]
fn runtime_threads() {
    check("runtime-threads").check();
}

#[test]
fn block_on_in_async() {
    let output = check("block-on-in-async")
        .mask(r"'main'( \(\d+\))? panicked", "'main'<id> panicked")
        .check();
    let panic = "Cannot start a runtime from within a runtime.";
    assert!(output.of(Stream::Stderr).any(|line| line.starts_with(panic)), "{:#?}", output.lines);
}

#[test]
fn lock_across_await() {
    // The broken way hangs until its time limit, the mended ones do not.
    check("lock-across-await").check();
}

#[test]
fn rc_in_task() {
    check("rc-in-task").check();
}

#[test]
fn rc_in_task_does_not_compile() {
    let (build, lines) = try_build("rc-in-task-broken");
    assert!(matches!(build, Build::Refused));
    let of_interest =
        ["error: future cannot be sent between threads safely", "has type `Rc<String>`"];
    let shown: Vec<_> = lines
        .iter()
        .map(|line| line.trim_start_matches([' ', '|', '^', '0', '1', '2', '3']).trim())
        .filter(|line| of_interest.iter().any(|part| line.contains(part)))
        .collect();
    assert_eq!(shown.len(), 2, "{lines:#?}");
    assert_snapshot("rc-in-task-broken", &format!("on stderr:\n  {}\n", shown.join("\n  ")));
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
