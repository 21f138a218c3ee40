//! The reasons why threads wait.

use process_tree::{KernelState, ThreadSample, Wait};
use testbed::processes::Signal;

use crate::{Host, shows_system_calls};

#[test]
fn a_thread_waits_for_what_its_system_call_says() {
    for (mode, reason) in [
        ("waiting", Wait::Lock),
        ("asleep", Wait::Time),
        ("accepting", Wait::Io),
        ("awaiting", Wait::Io),
        ("parent", Wait::Child),
        ("locking-a-file", Wait::Unknown),
    ] {
        let host = Host::with(mode, 2);
        if !shows_system_calls(&host) {
            return;
        }
        let id = host.id().cast_signed();
        host.sample_until(|sample| {
            let of_host =
                sample.seen.iter().filter(|thread| thread.process == id);
            let waits: Vec<_> = of_host.map(|thread| thread.wait).collect();
            // Main reads its input.
            waits == [Some(Wait::Io), Some(reason), Some(reason)]
        });
    }
}

#[test]
fn a_computing_thread_waits_for_nothing() {
    let host = Host::with("computing", 1);
    let sample = host.sample_until(|it| it.runnable() == 1);
    assert_eq!(sample.seen[1].wait, None);
}

#[test]
fn a_stopped_thread_is_not_waiting() {
    let host = Host::with("waiting", 1);
    host.0.signal(Signal::STOP).unwrap();
    let stopped = |thread: &ThreadSample| {
        thread.state == KernelState::Other('T') && thread.wait.is_none()
    };
    host.sample_until(|it| it.seen.iter().all(stopped));
}
