//! Futures that are dropped before they are done.

use std::time::Duration;

use tests::{runtime, transcript_of};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The losers print that their connection is closed, before anything of the winner's branch.
#[test]
fn first_wins() {
    transcript_of("first-wins").any_order("asked$").python_differs().check();
}

/// The second server is asked only because the first one is slow, and the first one's connection is
/// closed. The example's own test checks the time on the paused clock.
#[test]
fn hedged_request() {
    transcript_of("hedged-request").check();
}

#[test]
fn cancel_loses_money() {
    let output = transcript_of("cancel-loses-money").check();
    assert_eq!(output.numbers(r"(\d+) of 100 left"), [90, 100], "broken, then fixed");
}

#[test]
fn cancel_safe_read() {
    transcript_of("cancel-safe-read").check();
}

#[test]
fn async_cleanup() {
    transcript_of("async-cleanup").python_differs().check();
}

/// The timeout drops the handle, and the task still receives its message and answers. With `&mut
/// handle` it can be aborted.
#[test]
fn a_timeout_on_a_handle_does_not_cancel_the_task() {
    runtime().block_on(async {
        let (message, received) = oneshot::channel::<()>();
        let (answer, answered) = oneshot::channel();
        let task = tokio::spawn(async move { received.await.map(|()| answer.send(())) });
        timeout(Duration::ZERO, task).await.unwrap_err();
        message.send(()).expect("the task still waits for it");
        answered.await.expect("the task goes on");

        let (message, received) = oneshot::channel::<()>();
        let mut task = tokio::spawn(received);
        timeout(Duration::ZERO, &mut task).await.unwrap_err();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        message.send(()).expect_err("the task is gone");
    });
}
