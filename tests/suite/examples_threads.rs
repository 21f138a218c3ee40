//! The examples of `examples-threads/`: their output, and the claims that it proves.

mod rayon;
mod sharing;
mod waiting;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use harness::kept::recording::{Recording, Run};
use tests::{LIMIT, WORKSPACE, example, refused, transcript_of};

#[test]
fn create_thread() {
    // The order is fixed: main prints after the join, so after the thread's last line.
    transcript_of("create-thread").check();
}

#[test]
fn detached_thread() {
    // Rust's thread ends with main. Python waits for it.
    transcript_of("detached-thread").python_differs().check();
}

#[test]
fn worker_threads() {
    // All start before any finishes: they wait at the same time.
    let output = transcript_of("worker-threads")
        .any_order(r"^Worker \d starting$")
        .any_order(r"^Worker \d finished$")
        .sampled()
        .check();
    if cfg!(target_os = "linux") {
        assert_eq!(output.costs.threads, Some(6), "five workers and main");
    }
}

#[test]
fn cpu_bound() {
    let output = transcript_of("cpu-bound")
        .mask(r"\d+\.\d+ s$", "<time> s")
        .mask(r"\d+\.\d times", "<factor> times")
        .python_differs()
        .check();
    assert_eq!(output.numbers(r"takes (\d+) steps"), [596, 596, 596]);
}

/// Two threads pass a number back and forth, and spin while they wait: neither ever releases its
/// core. If only one of them could run at a time, each turn would take a whole time slice of the
/// scheduler, and all turns together several minutes. In parallel they take milliseconds.
#[test]
fn two_threads_compute_at_the_same_time() {
    const TURNS: u32 = 100_000;
    /// Set instead of a turn to end a thread that would spin forever.
    const STOP: u32 = u32::MAX;

    if thread::available_parallelism().unwrap().get() < 2 {
        return tests::skip("second core");
    }
    let turn = Arc::new(AtomicU32::new(0));
    let (done, ended) = mpsc::channel();
    for parity in [0, 1] {
        let (turn, done) = (Arc::clone(&turn), done.clone());
        thread::spawn(move || {
            for mine in (parity..TURNS).step_by(2) {
                while turn.load(Ordering::Acquire) != mine {
                    if turn.load(Ordering::Relaxed) == STOP {
                        return;
                    }
                    std::hint::spin_loop();
                }
                // This fails if the test has set STOP meanwhile.
                let next = (mine, mine + 1, Ordering::Release, Ordering::Relaxed);
                if turn.compare_exchange(next.0, next.1, next.2, next.3).is_err() {
                    return;
                }
            }
            done.send(()).ok();
        });
    }
    let both_end = (0..2).all(|_| ended.recv_timeout(LIMIT).is_ok());
    let turns = turn.swap(STOP, Ordering::Relaxed);
    assert!(both_end, "only {turns} of {TURNS} turns: the threads run one at a time");
}

/// The page quotes these factors from the recording. A run in this test would prove nothing on a busy
/// machine.
#[test]
fn the_recording_shows_that_threads_compute_faster_and_pythons_do_not() {
    let recording = Recording::read(&WORKSPACE, example("cpu-bound")).unwrap().unwrap();
    assert!(recording.machine.cores >= 2, "record it on a machine with two cores");
    let factor = |run: &Run, way: &str| -> f64 {
        let line = run.lines.iter().find_map(|line| {
            line.text.strip_prefix(way)?.strip_suffix(" times as fast as in sequence")
        });
        line.expect("it prints the factor").trim().parse().unwrap()
    };
    let python = recording.python.as_ref().unwrap();
    assert!(factor(&recording.rust, "Threads:") > 1.5);
    assert!(factor(&recording.rust, "Pool:") > 1.5);
    assert!(factor(python, "Threads:") < 1.4, "no core more");
    assert!(factor(python, "Pool:") > 1.2);
}

#[test]
fn lost_update() {
    let output = transcript_of("lost-update").check();
    assert_eq!(output.numbers(r"(\d) of 2 updates kept"), [1, 2], "broken, then fixed");
}

#[test]
fn data_race() {
    transcript_of("data-race").check();
}

#[test]
fn data_race_does_not_compile() {
    refused("data-race-broken", "error[E0499]: cannot borrow `hits` as mutable");
}

#[test]
fn deadlock() {
    // The broken order is still stuck at its time limit. The fixed one ends.
    transcript_of("deadlock").check();
}
