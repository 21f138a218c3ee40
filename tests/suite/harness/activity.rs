//! The states of threads in the examples, which must be there on a machine that is busy with other
//! work, too.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::time::Duration;

use harness::run::{Limits, Running};
use process_tree::activity::{Activity, State, Thread};
use tests::{LIMIT, Output, build, run_sampled, runtime, skip};

/// Runs an example. None if the kernel does not show what a thread waits for.
fn run_of(name: &str) -> Option<(Output, Activity)> {
    if std::fs::read("/proc/self/syscall").is_err() {
        skip("a kernel that shows the system calls of a child process");
        return None;
    }
    let mut output = run_sampled(&build(name));
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let activity = output.costs.activity.take().expect("it runs for long enough");
    Some((output, activity))
}

/// The state of a thread at a time in seconds. None if it did not exist.
fn state(thread: &Thread, at: f64) -> Option<State> {
    let mut end = thread.from;
    let span = thread.spans.0.iter().find(|span| {
        end += span.ms / 1000.0;
        at < end
    });
    span.filter(|_| at >= thread.from).map(|span| span.state)
}

/// True if there is a moment at which the states of all threads are as expected.
fn at_once(activity: &Activity, expected: impl Fn(&[Option<State>]) -> bool) -> bool {
    let mut times = Vec::new();
    for thread in &activity.threads {
        let mut at = thread.from;
        times.push(at);
        for span in &thread.spans.0 {
            at += span.ms / 1000.0;
            times.push(at);
        }
    }
    times.sort_by(f64::total_cmp);
    times.windows(2).any(|pair| {
        let between = f64::midpoint(pair[0], pair[1]);
        let states: Vec<_> = activity.threads.iter().map(|it| state(it, between)).collect();
        expected(&states)
    })
}

/// The number of threads in this state.
fn count(states: &[Option<State>], state: State) -> usize {
    states.iter().filter(|it| **it == Some(state)).count()
}

#[test]
fn in_deadlock_three_threads_wait_for_locks_and_two_of_them_forever() {
    let Some((output, mut activity)) = run_of("deadlock") else { return };
    assert_eq!(activity.threads[0].name, "deadlock");
    let stuck = |thread: &&Thread| {
        thread.at_end && thread.spans.0.last().is_some_and(|span| span.state == State::Lock)
    };
    assert!(activity.threads[1..3].iter().all(|thread| stuck(&thread)), "{activity:#?}");

    // Before the program says that they are stuck, main waits for them.
    let stuck_at = output.lines[0].at.as_secs_f64();
    assert!(output.lines[0].text.ends_with("stuck"));
    activity.threads.retain(|thread| thread.from < stuck_at - 0.1);
    assert_eq!(activity.threads.len(), 3, "{activity:#?}");
    assert!(at_once(&activity, |states| count(states, State::Lock) == 3), "{activity:#?}");
}

#[test]
fn in_to_thread_main_waits_for_events_while_another_thread_computes() {
    let Some((_, activity)) = run_of("to-thread") else { return };
    let expected = |states: &[Option<State>]| {
        states[0] == Some(State::Io) && count(states, State::Computing) == 1
    };
    assert!(at_once(&activity, expected), "{activity:#?}");
    let names: BTreeSet<_> = activity.threads.iter().map(|thread| &*thread.name).collect();
    assert_eq!(names, BTreeSet::from(["to-thread", "tokio-rt-worker"]));
}

#[test]
fn in_worker_threads_five_sleep_while_main_joins() {
    let Some((_, activity)) = run_of("worker-threads") else { return };
    let expected = |states: &[Option<State>]| {
        states[0] == Some(State::Lock) && count(states, State::Sleeping) == 5
    };
    assert!(at_once(&activity, expected), "{activity:#?}");
    assert_eq!((activity.threads.len(), activity.more), (6, 0));
}

#[test]
fn in_cpu_bound_two_threads_compute_at_once() {
    let Some((_, activity)) = run_of("cpu-bound") else { return };
    let cores = std::thread::available_parallelism().unwrap().get();
    let at_least = cores.min(2);
    let expected = |states: &[Option<State>]| {
        states[0] == Some(State::Lock) && count(states, State::Computing) >= at_least
    };
    assert!(at_once(&activity, expected), "{activity:#?}");
    assert!(activity.cores.used.iter().any(|used| *used > 0.0));
}

/// The activity of a program so far, as soon as this holds for it.
async fn activity_when(running: &Running, holds: impl Fn(&Activity) -> bool) -> Activity {
    let activity = async {
        loop {
            match running.activity().await {
                Some(activity) if holds(&activity) => return activity,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(LIMIT, activity).await.expect("in time")
}

#[test]
fn a_program_that_runs_shows_what_it_has_done_so_far() {
    let program = build("worker-threads");
    runtime().block_on(async {
        let limits = Limits { time: LIMIT, ..Limits::default() };
        let running = Running::start(&program, limits).unwrap();
        let so_far = activity_when(&running, |so_far| so_far.threads.len() == 6).await;
        assert!(so_far.threads.iter().all(|thread| thread.at_end));

        let unwatched = Running::start_unwatched(&program, limits).unwrap();
        assert_eq!(unwatched.activity().await, None);
        let (_, costs) = unwatched.end().await.unwrap();
        assert_eq!(costs.activity, None);
        let (_, costs) = running.end().await.unwrap();
        assert!(costs.activity.is_some());
    });
}
