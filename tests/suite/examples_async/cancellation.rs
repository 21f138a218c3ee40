//! What becomes of a future that is dropped.

use tests::check;

/// The losers print that their connection is closed, before anything of the winner's branch.
#[test]
fn first_wins() {
    check("first-wins").any_order("asked$").python_differs().check();
}

#[test]
fn cancel_loses_money() {
    let output = check("cancel-loses-money").check();
    assert_eq!(output.numbers(r"(\d+) of 100 left"), [90, 100], "broken, then fixed");
}

#[test]
fn cancel_safe_read() {
    check("cancel-safe-read").check();
}

#[test]
fn async_cleanup() {
    check("async-cleanup").python_differs().check();
}
