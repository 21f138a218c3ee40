//! Threads that wait for each other: channels, conditions, barriers.

use tests::transcript_of;

#[test]
fn channels() {
    // The loop ended, so the last sender was dropped: the end of the program proves it.
    transcript_of("channels").any_order(r"^Worker \d: page \d$").check();
}

/// The broken one still waits at its time limit, although the thread has sent and ended.
#[test]
fn forgotten_sender() {
    transcript_of("forgotten-sender").check();
}

#[test]
fn bounded_channel() {
    transcript_of("bounded-channel").check();
}

/// No send returns before its message is received; `schedules/tests/examples.rs` tries a thousand
/// schedules. A Python queue of size 0 has no limit.
#[test]
fn rendezvous() {
    let output = transcript_of("rendezvous").python_differs().check();
    assert_eq!(output.numbers(r"(\d) messages ahead"), [0]);
}

/// One channel after the other is still stuck at the time limit, because neither source goes on
/// until both have been heard. With one channel for both, all events arrive.
#[test]
fn select_channels() {
    transcript_of("select-channels")
        .in_order("^One after the other")
        .any_order("^(Key a|Packet 1)$")
        .any_order("^(Key b|Packet 2)$")
        .python_differs()
        .check();
}

/// The high-water marks: one at a time while the lock is held, all three otherwise.
#[test]
fn work_queue() {
    let output = transcript_of("work-queue").python_differs().check();
    assert_eq!(output.numbers(r"(\d) at once"), [1, 3], "broken, then fixed");
}

/// Both are stuck at the time limit; the fixed ones end.
#[test]
fn channel_cycle() {
    transcript_of("channel-cycle").check();
}

#[test]
fn condvar() {
    // Which worker gets which job is free.
    transcript_of("condvar")
        .mask(r"Worker \d: job \d", "Worker <id>: job <job>")
        .repeated("^Worker <id>")
        .check();
}

/// No worker computes before all parts are loaded.
#[test]
fn barrier() {
    transcript_of("barrier")
        .any_order(r"^Worker \d: loaded")
        .in_order("^Leader")
        .any_order("computes$")
        .check();
}
