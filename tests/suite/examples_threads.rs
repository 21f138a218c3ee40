//! The examples of `examples-threads/`: what they print, and what they prove.

mod rayon;
mod sharing;
mod waiting;

use harness::recording::{Recording, Run};
use harness::run::Build;
use tests::{WORKSPACE, assert_snapshot, check, example, try_build};

#[test]
fn create_thread() {
    // The order is fixed: main's line comes after the join, so after all of the thread's.
    check("create-thread").check();
}

#[test]
fn detached_thread() {
    // Rust's thread dies with main, Python's is waited for.
    check("detached-thread").python_differs().check();
}

#[test]
fn worker_threads() {
    // All start before any finishes: they wait at the same time.
    let output = check("worker-threads")
        .any_order(r"^Worker \d starting$")
        .any_order(r"^Worker \d finished$")
        .check();
    if let Some(threads) = output.costs.threads {
        assert_eq!(threads, 6, "five workers and main");
    }
}

#[test]
fn cpu_bound() {
    let output = check("cpu-bound")
        .mask(r"\d+\.\d+ s$", "<time> s")
        .mask(r"\d+\.\d times", "<factor> times")
        .python_differs()
        .check();
    assert_eq!(output.numbers(r"takes (\d+) steps"), [596, 596, 596]);
}

/// The page says so, and the recording is its witness. A run of its own would prove nothing on a
/// machine that is busy.
#[test]
fn in_the_recording_threads_computed_faster_and_pythons_did_not() {
    let recording = Recording::read(&WORKSPACE, example("cpu-bound")).unwrap().unwrap();
    assert!(recording.machine.cores >= 2, "record it on a machine with two cores");
    let factor = |run: &Run, way: &str| -> f64 {
        let line = run.lines.iter().find_map(|line| {
            line.text.strip_prefix(way)?.strip_suffix(" times as fast as in sequence")
        });
        line.expect("it tells the factor").trim().parse().unwrap()
    };
    let python = recording.python.as_ref().unwrap();
    assert!(factor(&recording.rust, "Threads:") > 1.5);
    assert!(factor(&recording.rust, "Pool:") > 1.5);
    assert!(factor(python, "Threads:") < 1.4, "no core more");
    assert!(factor(python, "Pool:") > 1.2);
}

#[test]
fn lost_update() {
    let output = check("lost-update").check();
    assert_eq!(output.numbers(r"(\d) of 2 updates kept"), [1, 2], "broken, then mended");
}

#[test]
fn data_race() {
    check("data-race").check();
}

#[test]
fn data_race_does_not_compile() {
    let (build, lines) = try_build("data-race-broken");
    assert!(matches!(build, Build::Refused));
    let errors: Vec<_> = lines.iter().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(errors.len(), 1, "{lines:#?}");
    assert!(errors[0].starts_with("error[E0499]: cannot borrow `hits` as mutable"), "{errors:?}");
    assert_snapshot("data-race-broken", &format!("on stderr:\n  {}\n", errors[0]));
}

#[test]
fn deadlock() {
    // The broken order hangs until its time limit, the mended one does not.
    check("deadlock").check();
}
