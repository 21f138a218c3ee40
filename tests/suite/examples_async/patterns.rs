//! Async patterns: many at once, errors, streams, shared state, shutdown.

use tests::{refused, transcript_of};

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

/// What each way does to the other task is printed when the task is dropped.
#[test]
fn one_fails_all_stop() {
    transcript_of("one-fails-all-stop").python_differs().check();
}

#[test]
fn task_panic() {
    transcript_of("task-panic").mask(r"'main' \(\d+\)", "'main' (<id>)").python_differs().check();
}

/// Polled once to start and once when it was woken: never in between.
#[test]
fn own_executor() {
    transcript_of("own-executor").check();
}

#[test]
fn streams() {
    transcript_of("streams").check();
}

/// The stages print when they end, which nothing but the dropped receiver tells them to.
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

/// A hundred ask, and the line that says it fetches is printed once.
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
    transcript_of("task-local").check();
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

/// Three panics that the example catches, in tokio's own words.
#[test]
fn runtime_errors() {
    transcript_of("runtime-errors").check();
}
