//! Async code and time. The exact virtual times are checked by the examples' own tests on the paused
//! clock, which `cargo test` runs too.

use tests::{refused, transcript_of};

#[test]
fn paused_clock() {
    transcript_of("paused-clock").check();
}

#[test]
fn overlap_test() {
    transcript_of("overlap-test")
        .in_order(r"^Page [123] starting$")
        .any_order(r"^Page [123] finished$")
        .check();
}

/// The client gets the first bytes and then nothing, and prints the byte at which the server stalls.
#[test]
fn stalled_proxy() {
    transcript_of("stalled-proxy").check();
}

#[test]
fn buffered_starves() {
    transcript_of("buffered-starves")
        .in_order("^(Futures|Page|Handler)")
        .in_order(r"^Tasks|^Page \d starting$|^Page 1 finished$")
        // The handler waits for the first page, and the second one needs as much time as the first.
        .any_order("^Page 2 finished$|^Handler of page 1 starting$")
        .check();
}

#[test]
fn interval_missed_ticks() {
    transcript_of("interval-missed-ticks").mask(r"\d+", "<time>").check();
}

#[test]
fn rate_limiter() {
    transcript_of("rate-limiter").mask(r": \d+ ms$", ": <time> ms").check();
}

#[test]
fn deadline() {
    transcript_of("deadline").check();
}

/// The payment in the handler says that it was canceled. The shielded one delivers after its client
/// is gone.
#[test]
fn shield() {
    transcript_of("shield").check();
}

/// A thousand requests before the stop message, none, and by chance a few: more than 100 in a row
/// have a probability of 1 to 2^100.
#[test]
fn select_fairness() {
    let output = transcript_of("select-fairness").mask(r"^random: \d+", "random: <number>").check();
    let handled = output.numbers(r": (\d+) handled$");
    assert_eq!((handled[0], handled[2]), (1000, 0));
    assert!(handled[1] < 100, "{handled:?}");
}

#[test]
fn async_recursion() {
    transcript_of("async-recursion").check();
}

#[test]
fn a_future_that_contains_itself_does_not_compile() {
    refused("async-recursion-broken", "error[E0733]: recursion in an async fn requires boxing");
}

#[test]
fn dyn_async_trait() {
    transcript_of("dyn-async-trait").check();
}

#[test]
fn a_trait_with_an_async_fn_behind_dyn_does_not_compile() {
    refused("dyn-async-trait-broken", "error[E0038]: the trait `Store` is not dyn compatible");
}

#[test]
fn pin_in_select() {
    transcript_of("pin-in-select").check();
}

#[test]
fn a_reference_to_a_timer_that_is_not_pinned_does_not_compile() {
    refused("pin-in-select-broken", "error[E0277]: `PhantomPinned` cannot be unpinned");
}
