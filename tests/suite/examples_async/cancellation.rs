//! What becomes of a future that is dropped.

use tests::transcript_of;

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
