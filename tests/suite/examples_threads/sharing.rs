//! Threads that borrow and share: scopes, locks, poisoning, atomics.

use tests::{refused, transcript_of};

#[test]
fn scoped_threads() {
    transcript_of("scoped-threads").check();
}

#[test]
fn a_thread_from_spawn_may_not_borrow() {
    refused("scoped-threads-broken", "error[E0597]: `orders` does not live long enough");
}

#[test]
fn thread_panic() {
    // The line on stderr names the thread.
    transcript_of("thread-panic")
        .mask(r"'parser' \(\d+\)", "'parser' (<id>)")
        .python_differs()
        .check();
}

#[test]
fn poisoned_lock() {
    transcript_of("poisoned-lock")
        .mask(r"'<unnamed>' \(\d+\)", "'<unnamed>' (<id>)")
        .python_differs()
        .check();
}

#[test]
fn check_then_act() {
    let output = transcript_of("check-then-act").check();
    assert_eq!(output.numbers(r"lock.?: (\d) guest"), [2, 1], "broken, then fixed");
}

/// The broken one is still stuck at its time limit; the fixed one ends.
#[test]
fn guard_lifetime() {
    transcript_of("guard-lifetime").check();
}

#[test]
fn a_lock_that_is_not_bound_is_refused() {
    refused("guard-lifetime-broken", "error: non-binding let on a synchronization lock");
}

/// All five are stuck at the time limit; with an order of the forks all five eat.
#[test]
fn dining_philosophers() {
    transcript_of("dining-philosophers").check();
}

/// The three readers meet at a barrier while each of them holds the lock, or the program hangs.
#[test]
fn read_write_lock() {
    transcript_of("read-write-lock").check();
}

/// Two threads meet while each holds the lock of its shard, or the program hangs. The nested call is
/// still stuck at its time limit if both accounts are in the same shard, and only then.
#[test]
fn sharded_map() {
    transcript_of("sharded-map").check();
}

/// The configuration is replaced while a request still uses the old one, which is dropped after its
/// last use. `schedules/tests/examples.rs` tries a thousand schedules.
#[test]
fn snapshot_config() {
    transcript_of("snapshot-config").check();
}

/// The line that says that it computes is printed once, although five threads ask.
#[test]
fn once() {
    transcript_of("once").check();
}

#[test]
fn thread_local() {
    transcript_of("thread-local").check();
}

/// The worker stops only after main has asked it to, and main waits for it.
#[test]
fn stop_flag() {
    transcript_of("stop-flag").check();
}

#[test]
fn compare_exchange() {
    let output = transcript_of("compare-exchange").check();
    assert_eq!(output.numbers(r"(\d+) of 100 seats sold"), [100, 100], "none twice, none lost");
}

/// That Relaxed would not be enough can't be seen here: x86 does not reorder the two writes.
#[test]
fn publish() {
    transcript_of("publish").check();
}
