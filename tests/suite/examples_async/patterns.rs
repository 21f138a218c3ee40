//! Async patterns: many at once, errors, streams, shared state, shutdown.

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use futures::{StreamExt, stream};
use harness::run::{End, Program, Stream};
use tests::{WORKSPACE, refused, run, run_within, runtime, transcript_of};
use tokio::task::yield_now;

/// In the loop each page finishes before the next one starts; the tasks all start first.
#[test]
fn await_in_loop() {
    transcript_of("await-in-loop").mask(r": \d+ ms$", ": <time> ms").check();
}

/// Page 2, then 3, then 1, whatever the order in which they started. The example's own tests check the
/// times on the paused clock.
#[test]
fn as_completed() {
    transcript_of("as-completed").check();
}

#[test]
fn semaphore_limit() {
    let output = transcript_of("semaphore-limit").any_order("^Request").check();
    assert_eq!(output.numbers(r"Most at once: (\d)"), [3], "never more, and three do meet");
}

/// The other task prints when it is dropped, which shows if each way stops it.
#[test]
fn one_fails_all_stop() {
    transcript_of("one-fails-all-stop").python_differs().check();
}

#[test]
fn task_panic() {
    transcript_of("task-panic").mask(r"'main' \(\d+\)", "'main' (<id>)").python_differs().check();
}

/// The future is polled once to start and once after its waker was called, and never in between.
#[test]
fn own_executor() {
    transcript_of("own-executor").check();
}

/// Without the line that stores the waker, the program polls the future once, and still runs at its
/// time limit.
#[test]
fn an_executor_hangs_without_the_waker() {
    let source = fs::read_to_string(WORKSPACE.root.join("examples-async/own-executor/src/main.rs"));
    let line = "state.waker = Some(context.waker().clone());";
    let (before, after) = source.as_deref().unwrap().split_once(line).expect("the line is there");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.rs"), format!("{before}{after}")).unwrap();
    let rustc = Program {
        executable: "rustc".into(),
        arguments: ["--edition=2024", "main.rs", "-o", "main.exe"].map(Into::into).to_vec(),
        folder: folder.path().to_owned(),
    };
    assert_eq!(run(&rustc).code(), Some(0), "it compiles");

    let executable = folder.path().join("main.exe");
    let program = Program { executable, arguments: Vec::new(), folder: folder.path().to_owned() };
    let output = run_within(&program, Duration::from_secs(1));
    assert!(matches!(output.end, End::PastLimit), "{output:?}");
    let lines: Vec<_> = output.of(Stream::Stdout).collect();
    assert_eq!(lines, ["Executor: polls", "Future: starts"]);
}

#[test]
fn streams() {
    transcript_of("streams").check();
}

/// The stages print when they end, and only the dropped receiver makes them end.
#[test]
fn pipeline() {
    transcript_of("pipeline").check();
}

#[test]
fn graceful_shutdown() {
    transcript_of("graceful-shutdown").any_order(r"^Main: asks").any_order(r"^Worker \d").check();
}

#[test]
fn actor() {
    transcript_of("actor").check();
}

/// A hundred tasks ask for the value, and the line that reports the fetch is printed once.
#[test]
fn single_flight() {
    transcript_of("single-flight").check();
}

/// Of two calls of `notify_one`, one permit is stored, and of `notify_waiters` none.
#[test]
fn watch_and_broadcast() {
    transcript_of("watch-and-broadcast").check();
}

#[test]
fn task_local() {
    transcript_of("task-local")
        .in_order("starts$")
        // Both requests wait for 20 ms, and the timers may fire one by one.
        .any_order("in a spawned task$|ends$")
        .in_order("outside$")
        .check();
}

#[test]
fn retry_backoff() {
    transcript_of("retry-backoff").check();
}

#[test]
fn sync_core() {
    transcript_of("sync-core").check();
}

#[test]
fn not_send() {
    transcript_of("not-send").check();
}

#[test]
fn a_guard_that_is_dropped_by_hand_still_counts() {
    refused("not-send-broken", "error: future cannot be sent between threads safely");
}

/// The tasks share an `Rc`, and all of them have run on the thread that waits for them.
#[test]
fn local_tasks() {
    transcript_of("local-tasks").check();
}

/// At most three futures are under way at any time, and three do meet.
#[test]
fn buffer_unordered_limits_its_futures() {
    let (running, max) = (Cell::new(0), Cell::new(0));
    let requests = stream::iter(0..9).map(async |_| {
        running.set(running.get() + 1);
        max.set(max.get().max(running.get()));
        yield_now().await;
        running.set(running.get() - 1);
    });
    runtime().block_on(requests.buffer_unordered(3).for_each(async |()| {}));
    assert_eq!(max.get(), 3);
}

/// Four panics that the example catches, in tokio's own words.
#[test]
fn runtime_errors() {
    transcript_of("runtime-errors").check();
}
