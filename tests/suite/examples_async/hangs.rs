//! Programs that hang, and programs that detect a hang.

use tests::transcript_of;

/// Each of the three still runs at its time limit.
#[test]
fn hung() {
    transcript_of("hung").mask(r"process \d+", "process <pid>").check();
}

/// The runtime is blocked for twice the watchdog's limit, and waits before and after that.
#[test]
fn watchdog() {
    transcript_of("watchdog").check();
}

/// The spans that are closed after the time limit are those of the request that hangs.
#[test]
fn open_spans() {
    transcript_of("open-spans").check();
}
