//! Async patterns: many at once, errors, streams, shared state, shutdown.

use tests::{check, refused};

/// In the loop each page finishes before the next one starts; the tasks all start first.
#[test]
fn await_in_loop() {
    check("await-in-loop").mask(r": \d+ ms$", ": <time> ms").check();
}

#[test]
fn semaphore_limit() {
    let output = check("semaphore-limit").any_order("^Request").check();
    assert_eq!(output.numbers(r"Most at once: (\d)"), [3], "never more, and three do meet");
}

/// What each way does to the other task is printed when the task is dropped.
#[test]
fn one_fails_all_stop() {
    check("one-fails-all-stop").python_differs().check();
}

#[test]
fn task_panic() {
    check("task-panic").mask(r"'main' \(\d+\)", "'main' (<id>)").python_differs().check();
}

/// Polled once to start and once when it was woken: never in between.
#[test]
fn own_executor() {
    check("own-executor").check();
}

#[test]
fn streams() {
    check("streams").check();
}

/// The stages print when they end, which nothing but the dropped receiver tells them to.
#[test]
fn pipeline() {
    check("pipeline").check();
}

#[test]
fn graceful_shutdown() {
    check("graceful-shutdown").any_order(r"^Main: asks").any_order(r"^Worker \d").check();
}

#[test]
fn actor() {
    check("actor").check();
}

/// A hundred ask, and the line that says it fetches is printed once.
#[test]
fn single_flight() {
    check("single-flight").check();
}

#[test]
fn watch_and_broadcast() {
    check("watch-and-broadcast").check();
}

#[test]
fn task_local() {
    check("task-local").check();
}

#[test]
fn retry_backoff() {
    check("retry-backoff").check();
}

#[test]
fn sync_core() {
    check("sync-core").check();
}

#[test]
fn not_send() {
    check("not-send").check();
}

#[test]
fn a_guard_that_is_dropped_by_hand_still_counts() {
    refused("not-send-broken", "error: future cannot be sent between threads safely");
}

/// Three panics that the example catches, in tokio's own words.
#[test]
fn runtime_errors() {
    check("runtime-errors").check();
}
