//! The counts, states, times and names in a snapshot.

use std::collections::HashMap;
use std::thread;

use process_tree::{Detail, KernelState, MAX_THREADS, Snapshot};

use crate::Host;

#[test]
fn waiting_threads_are_counted_and_not_runnable() {
    let host = Host::with("waiting", 20);
    let sample = host.sample_until(|it| it.runnable() == 0);
    assert_eq!(sample.threads, 21, "and main");
    assert_eq!(sample.seen.len(), 21);
    assert!(
        sample
            .seen
            .iter()
            .all(|thread| thread.state == KernelState::Sleeping),
        "{sample:#?}"
    );
    let id = host.id().cast_signed();
    assert_eq!(sample.processes, [id]);
    assert!(sample.seen.iter().all(|thread| thread.process == id));
    assert_eq!(sample.seen[0].id, id, "main is the oldest");
}

#[test]
fn computing_threads_are_runnable_in_every_sample() {
    let host = Host::with("computing", 2);
    // Until main waits for its input.
    host.sample_until(|it| it.runnable() == 2);
    for _ in 0..20 {
        let sample = host.sample(Detail::States);
        assert_eq!(
            (sample.threads, sample.runnable()),
            (3, 2),
            "{sample:#?}"
        );
    }
}

#[test]
fn only_the_time_of_a_computing_thread_grows() {
    let host = Host::with("computing", 1);
    let before = host.sample_until(|it| it.runnable() == 1);
    let main = &before.seen[0];
    let computing =
        before.seen[1].times.expect("this kernel has schedstat");
    host.sample_until(|it| it.seen[1].times.unwrap().ran > computing.ran);
    assert_eq!(
        host.sample(Detail::Waits).seen[0],
        *main,
        "main waited all the time"
    );
}

#[test]
fn threads_queue_if_there_are_more_than_cores() {
    let cores = thread::available_parallelism().unwrap().get();
    let host = Host::with("computing", cores as u64 + 1);
    let queued = |sample: &Snapshot| -> HashMap<_, _> {
        sample
            .seen
            .iter()
            .map(|it| (it.id, it.times.unwrap().queued))
            .collect()
    };
    let before = queued(&host.sample(Detail::Times));
    let main = host.id().cast_signed();
    // Not only once, when it started: each of them has to let others run.
    host.sample_until(|it| {
        queued(it).iter().all(|(id, now)| *id == main || *now > before[id])
    });
}

#[test]
fn each_detail_reads_no_more_than_it_says() {
    let host = Host::with("waiting", 1);
    let totals = host.sample(Detail::Totals);
    assert_eq!((totals.threads, totals.seen.len()), (2, 0));
    let states = host.sample(Detail::States);
    assert_eq!(states.seen.len(), 2);
    assert!(states.seen.iter().all(|thread| thread.times.is_none()));
    let times = host.sample(Detail::Times);
    assert!(times.seen.iter().all(|thread| thread.times.is_some()));
    assert!(
        times
            .seen
            .iter()
            .all(|thread| thread.wait.is_none() && thread.name.is_empty())
    );
}

#[test]
fn threads_have_their_names() {
    let host = Host::with("waiting", 2);
    let names: Vec<_> = host
        .sample(Detail::Waits)
        .seen
        .into_iter()
        .map(|thread| thread.name)
        .collect();
    assert_eq!(names, ["threads", ")) S (worker", ")) S (worker"]);
}

#[test]
fn thousands_of_threads_are_counted_but_not_all_read() {
    let threads = MAX_THREADS as u64 + 100;
    let host = Host::with("waiting", threads);
    let sample = host.sample(Detail::States);
    assert_eq!(sample.threads, threads + 1);
    assert_eq!(sample.seen.len(), MAX_THREADS);
}

#[test]
fn a_tree_has_the_children_after_their_parent() {
    let host = Host::in_shell("waiting", 3);
    let sample = host.sample(Detail::States);
    assert_eq!(sample.processes.len(), 2, "{sample:#?}");
    assert_eq!(sample.processes[0], host.id().cast_signed());
    assert_eq!(
        sample.threads,
        1 + 4,
        "the shell, and three threads and their main"
    );
    let of_child =
        sample.seen.iter().filter(|it| it.process == sample.processes[1]);
    assert_eq!(of_child.count(), 4);
}
