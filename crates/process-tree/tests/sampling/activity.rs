//! The activity of running programs, as a sampler sees it.

use std::collections::BTreeSet;
use std::time::Instant;

use process_tree::activity::{Activity, State, Thread};
use process_tree::{Monitor, Pace, Sampler, Target};
use testbed::eventually;

use crate::{Host, shows_system_calls};

fn sampler(host: &Host) -> Sampler<Monitor> {
    let target = Target::Process(host.id());
    let monitor = Monitor::new(Instant::now());
    Sampler::start(target, Pace::default(), monitor).unwrap()
}

/// Returns the activity so far as soon as it is as expected.
fn activity_when(
    sampler: &Sampler<Monitor>,
    expected: impl Fn(&Activity) -> bool,
) -> Activity {
    let mut activity = None;
    eventually("the activity is as expected", || {
        activity = sampler.observer().activity();
        activity.as_ref().is_some_and(&expected)
    });
    activity.unwrap()
}

fn last_state(thread: &Thread) -> Option<State> {
    thread.spans.0.last().map(|span| span.state)
}

fn names(activity: &Activity, process: usize) -> BTreeSet<&str> {
    let threads = activity.threads.iter();
    let threads = threads.filter(|thread| thread.process == process);
    threads.map(|thread| &*thread.name).collect()
}

#[test]
fn each_thread_has_the_state_of_what_it_does() {
    for (mode, state) in [
        ("waiting", State::Lock),
        ("asleep", State::Sleeping),
        ("accepting", State::Io),
        ("awaiting", State::Io),
        ("parent", State::Child),
        ("locking-a-file", State::Waiting),
        ("computing", State::Computing),
    ] {
        let host = Host::with(mode, 1);
        if !shows_system_calls(&host) {
            return;
        }
        let sampler = sampler(&host);
        activity_when(&sampler, |activity| {
            let [main, other, ..] = &activity.threads[..] else {
                return false;
            };
            // Main reads its input.
            (last_state(main), last_state(other))
                == (Some(State::Io), Some(state))
        });
    }
}

#[test]
fn computing_threads_use_cores() {
    let host = Host::with("computing", 2);
    let sampler = sampler(&host);
    activity_when(&sampler, |activity| {
        activity.cores.used.iter().any(|used| *used > 0.0)
    });
}

#[test]
fn each_process_has_its_own_threads() {
    let host = Host::in_shell("waiting", 3);
    let sampler = sampler(&host);
    let activity =
        activity_when(&sampler, |activity| activity.threads.len() == 5);
    assert_eq!(names(&activity, 0), BTreeSet::from(["sh"]));
    let expected = BTreeSet::from(["threads", ")) S (worker"]);
    assert_eq!(names(&activity, 1), expected);
    assert!(activity.threads.iter().all(|thread| thread.at_end));
    assert_eq!(activity.more, 0);
}

#[test]
fn the_peaks_and_the_activity_of_a_program_stay_when_it_has_ended() {
    let mut host = Host::with("waiting", 3);
    let sampler = sampler(&host);
    activity_when(&sampler, |activity| activity.threads.len() == 4);
    host.0.stop().unwrap();
    let monitor = sampler.finish();
    let peaks = monitor.peaks().unwrap();
    assert_eq!((peaks.processes, peaks.threads), (1, 4));
    assert!(peaks.memory > 1 << 20, "{peaks:?}");
    assert_eq!(monitor.activity().unwrap().threads.len(), 4);
}
