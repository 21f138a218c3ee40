//! Snapshots of threads whose behavior is known.

use super::*;
use crate::activity::Cores;

/// The activity of a thread when a snapshot is taken.
#[derive(Clone, Copy)]
enum Now {
    Runnable,
    Waits(Wait),
    Other(char),
}
use Now::{Other, Runnable, Waits};

const MAIN: i32 = 100;

/// Returns a thread of the process [`MAIN`] that has computed and queued
/// for these times in milliseconds.
fn thread(id: i32, now: Now, computed: f64, queued: f64) -> ThreadSample {
    let time =
        |milliseconds: f64| Duration::from_secs_f64(milliseconds / 1000.0);
    ThreadSample {
        process: MAIN,
        id,
        state: match now {
            Runnable => KernelState::Runnable,
            Waits(_) => KernelState::Sleeping,
            Other(letter) => KernelState::Other(letter),
        },
        times: Some(Times { ran: time(computed), queued: time(queued) }),
        wait: match now {
            Waits(reason) => Some(reason),
            _ => None,
        },
        name: "main".into(),
    }
}

fn add(recorder: &mut Recorder, at: u64, seen: Vec<ThreadSample>) {
    let sample = Snapshot {
        threads: seen.len() as u64,
        seen,
        ..Snapshot::default()
    };
    recorder.add(Duration::from_millis(at), &sample);
}

/// Returns the spans of a thread that is in a futex at the time 0 and has
/// never computed. A sample is the time in milliseconds, the activity of
/// the thread, and the milliseconds that it has computed and queued by
/// then.
fn spans_of(samples: &[(u64, Now, f64, f64)]) -> String {
    let mut recorder = Recorder::default();
    add(&mut recorder, 0, vec![thread(MAIN, Waits(Wait::Lock), 0.0, 0.0)]);
    for (at, now, computed, queued) in samples {
        add(
            &mut recorder,
            *at,
            vec![thread(MAIN, *now, *computed, *queued)],
        );
    }
    spans::rounded(&recorder.followed[0].spans).to_string()
}

#[test]
fn a_waiting_thread_has_the_state_of_what_it_waits_for() {
    for (now, state) in [
        (Waits(Wait::Lock), State::Lock),
        (Waits(Wait::Time), State::Sleeping),
        (Waits(Wait::Io), State::Io),
        (Waits(Wait::Child), State::Child),
        (Waits(Wait::Unknown), State::Waiting),
        (Other('T'), State::Stopped),
        (Other('t'), State::Stopped),
        (Other('I'), State::Waiting),
    ] {
        let expected = format!("{}10", state.letter());
        assert_eq!(
            spans_of(&[(5, now, 0.0, 0.0), (10, now, 0.0, 0.0)]),
            expected,
            "{state:?}"
        );
    }
}

#[test]
fn a_thread_computes_for_as_long_as_the_kernel_counts() {
    assert_eq!(
        spans_of(&[(5, Runnable, 5.0, 0.0), (10, Runnable, 10.0, 0.0)]),
        "c10"
    );
    // It counts in ticks, so the last ones of these 10 ms are still
    // missing.
    assert_eq!(
        spans_of(&[(5, Runnable, 4.0, 0.0), (10, Runnable, 8.0, 0.0)]),
        "c10"
    );
}

#[test]
fn a_runnable_thread_that_queues_is_ready() {
    assert_eq!(
        spans_of(&[(5, Runnable, 0.0, 5.0), (10, Runnable, 0.5, 9.5)]),
        "r10"
    );
    // Half and half: first the queue, then the core.
    assert_eq!(spans_of(&[(10, Runnable, 5.0, 5.0)]), "r5 c5");
}

#[test]
fn a_runnable_thread_without_updates_is_ready_after_a_while() {
    let without_updates: Vec<_> =
        (1..=4).map(|n| (5 * n, Runnable, 0.0, 0.0)).collect();
    assert_eq!(
        spans_of(&without_updates),
        "",
        "it may have a core: ticks are up to 10 ms apart"
    );
    let more: Vec<_> =
        (1..=6).map(|n| (5 * n, Runnable, 0.0, 0.0)).collect();
    assert_eq!(
        spans_of(&more),
        "r30",
        "the wait before is too small a part"
    );
    // Then the kernel has counted.
    let counted =
        [&without_updates[..], &[(25, Runnable, 20.0, 0.0)]].concat();
    assert_eq!(spans_of(&counted), "c25");
}

#[test]
fn a_thread_that_blocks_has_computed_before() {
    let now = Waits(Wait::Io);
    assert_eq!(
        spans_of(&[(5, Runnable, 5.0, 0.0), (10, now, 7.0, 0.0)]),
        "c7 i3"
    );
    assert_eq!(
        spans_of(&[(5, Runnable, 5.0, 0.0), (10, now, 6.0, 0.0)]),
        "c5 i5",
        "too little"
    );
    assert_eq!(
        spans_of(&[(5, Runnable, 5.0, 0.0), (10, now, 9.0, 0.0)]),
        "c10",
        "nearly all"
    );
    assert_eq!(spans_of(&[(10, now, 3.0, 3.0)]), "r3 c3 i4");
}

#[test]
fn a_thread_that_wakes_up_has_waited_before() {
    assert_eq!(
        spans_of(&[
            (5, Waits(Wait::Lock), 0.0, 0.0),
            (10, Runnable, 2.0, 0.0)
        ]),
        "l8 c2"
    );
    // Runnable since 5, so all that is not counted came after that.
    assert_eq!(
        spans_of(&[(5, Runnable, 0.0, 0.0), (15, Runnable, 4.0, 0.0)]),
        "l5 c10"
    );
}

#[test]
fn time_that_is_not_counted_between_distant_snapshots_was_in_the_queue() {
    let little = [(100, Runnable, 100.0, 0.0), (200, Runnable, 101.0, 1.0)];
    assert_eq!(spans_of(&little), "c100 r100");
    let more = [(100, Runnable, 100.0, 0.0), (200, Runnable, 160.0, 0.0)];
    assert_eq!(
        spans_of(&more),
        "c100 r30 c70",
        "up to a tick was on a core"
    );
}

#[test]
fn without_times_the_state_at_the_end_of_an_interval_counts() {
    let mut recorder = Recorder::default();
    for (at, now) in
        [(0, Waits(Wait::Time)), (5, Runnable), (10, Waits(Wait::Time))]
    {
        let seen =
            ThreadSample { times: None, ..thread(MAIN, now, 0.0, 0.0) };
        add(&mut recorder, at, vec![seen]);
    }
    assert_eq!(recorder.followed[0].spans.to_string(), "c5 s5");
}

#[test]
fn a_thread_begins_before_it_was_seen_and_ends_when_it_is_gone() {
    let waits = |id| thread(id, Waits(Wait::Lock), 0.0, 0.0);
    let mut recorder = Recorder::default();
    add(&mut recorder, 10, vec![waits(MAIN)]);
    // One has computed for longer than since the last sample.
    add(
        &mut recorder,
        20,
        vec![waits(MAIN), thread(101, Runnable, 4.0, 0.0)],
    );
    add(
        &mut recorder,
        30,
        vec![waits(MAIN), waits(101), thread(102, Runnable, 99.0, 0.0)],
    );
    let gone = thread(101, Other('Z'), 4.0, 0.0);
    add(
        &mut recorder,
        40,
        vec![waits(MAIN), gone, thread(102, Runnable, 109.0, 0.0)],
    );

    let activity = recorder.activity().unwrap();
    let threads: Vec<_> = activity
        .threads
        .iter()
        .map(|it| (it.from, it.spans.to_string(), it.at_end))
        .collect();
    let thread =
        |from, spans: &str, at_end| (from, spans.to_owned(), at_end);
    assert_eq!(
        threads,
        [
            thread(0.01, "l30", true),
            thread(0.016, "c4 l10", false),
            thread(0.02, "c20", true),
        ]
    );
    assert_eq!(activity.more, 0);
}

#[test]
fn the_threads_of_a_process_that_ends_are_there_at_the_end() {
    let waits = |id| thread(id, Waits(Wait::Lock), 0.0, 0.0);
    let mut recorder = Recorder::default();
    add(&mut recorder, 10, vec![waits(MAIN), waits(101), waits(102)]);
    add(&mut recorder, 20, vec![waits(MAIN), waits(101), waits(102)]);
    add(&mut recorder, 30, vec![waits(MAIN), waits(102)]);
    add(&mut recorder, 40, vec![thread(MAIN, Other('X'), 0.0, 0.0)]);
    let activity = recorder.activity().unwrap();
    let at_end: Vec<_> =
        activity.threads.iter().map(|thread| thread.at_end).collect();
    assert_eq!(at_end, [true, false, true]);
}

#[test]
fn a_thread_has_the_name_that_it_had_last() {
    let mut recorder = Recorder::default();
    for (at, name) in [(0, "harness"), (10, "program"), (20, "program")] {
        let seen = thread(MAIN, Waits(Wait::Io), 0.0, 0.0);
        add(
            &mut recorder,
            at,
            vec![ThreadSample { name: name.into(), ..seen }],
        );
    }
    assert_eq!(recorder.activity().unwrap().threads[0].name, "program");
}

#[test]
fn the_most_important_threads_are_kept_and_the_others_counted() {
    let seen = |others: i32| {
        let mut seen = vec![thread(MAIN, Waits(Wait::Lock), 0.0, 0.0)];
        seen.extend((1..=others).map(|number| ThreadSample {
            // Two that stand out: the last but one has a name, the last is
            // a process.
            name: if number == 99 { "named".into() } else { "main".into() },
            process: if number == 100 { MAIN + 100 } else { MAIN },
            ..thread(MAIN + number, Waits(Wait::Time), 0.0, 0.0)
        }));
        seen
    };
    let mut recorder = Recorder::default();
    // The first 60 are there for longer, and one of them for a short time
    // only.
    add(&mut recorder, 10, seen(60));
    add(&mut recorder, 20, seen(100));
    add(&mut recorder, 30, seen(100));
    let activity = recorder.activity().unwrap();
    assert_eq!((activity.threads.len(), activity.more), (MAX_KEPT, 61));
    assert!(
        activity.threads.is_sorted_by_key(|thread| thread.from.to_bits())
    );
    let [.., named, process] = &activity.threads[..] else {
        panic!("{activity:#?}")
    };
    assert_eq!((&*named.name, named.process), ("named", 0));
    assert_eq!((&*process.name, process.process), ("main", 1));
    assert!(
        activity.threads[..38].iter().all(|thread| thread.from == 0.01)
    );
}

#[test]
fn threads_that_are_not_followed_are_counted() {
    let mut recorder = Recorder::default();
    for at in [10, 20, 30] {
        let seen: Vec<_> = (0..500)
            .map(|id| thread(MAIN + id, Waits(Wait::Lock), 0.0, 0.0))
            .collect();
        let sample =
            Snapshot { threads: 5000, seen, ..Snapshot::default() };
        recorder.add(Duration::from_millis(at), &sample);
    }
    let activity = recorder.activity().unwrap();
    assert_eq!(activity.threads.len() as u64 + activity.more, 5000);
}

#[test]
fn a_short_run_has_no_activity() {
    let mut recorder = Recorder::default();
    add(&mut recorder, 5, vec![thread(MAIN, Runnable, 5.0, 0.0)]);
    add(&mut recorder, 19, vec![thread(MAIN, Runnable, 19.0, 0.0)]);
    assert_eq!(recorder.activity(), None);
    add(&mut recorder, 20, vec![thread(MAIN, Runnable, 20.0, 0.0)]);
    assert_eq!(
        recorder.activity().unwrap().threads[0].spans.to_string(),
        "c20"
    );
}

#[test]
fn short_spans_become_fewer_and_keep_their_shares() {
    let mut spans = Spans::default();
    spans.push(State::Sleeping, 1000.0);
    for number in 0..1000 {
        let (state, ms) = match number % 2 {
            0 => (State::Computing, 5.0 + f64::from(number % 7) / 10.0),
            _ => (State::Lock, 2.5),
        };
        spans.push(state, ms);
    }
    spans.push(State::Io, 1000.0);
    let of = |spans: &Spans, state| -> f64 {
        spans
            .0
            .iter()
            .filter(|span| span.state == state)
            .map(|span| span.ms)
            .sum()
    };
    let result = spans::reduce(&spans, 400);
    assert!((200..=400).contains(&result.0.len()), "{}", result.0.len());
    for state in State::ALL {
        let (before, after) = (of(&spans, state), of(&result, state));
        assert!(
            (before - after).abs() < 20.0,
            "{state:?}: {before} and {after}"
        );
    }
    assert_eq!(result.0.first(), spans.0.first());
    assert_eq!(result.0.last(), spans.0.last());
    assert_eq!(spans::reduce(&result, 400), result);
}

#[test]
fn a_long_run_does_not_need_much_memory() {
    let mut recorder = Recorder::default();
    for number in 0..10_000_u32 {
        let now =
            if number % 2 == 0 { Waits(Wait::Lock) } else { Runnable };
        let computed = f64::from(number.div_ceil(2)) * 5.0;
        add(
            &mut recorder,
            5 * u64::from(number),
            vec![thread(MAIN, now, computed, 0.0)],
        );
        assert!(recorder.followed[0].spans.0.len() <= 4 * MAX_SPANS);
    }
    let spans = &recorder.activity().unwrap().threads[0].spans;
    assert!(
        (200..=MAX_SPANS).contains(&spans.0.len()),
        "{}",
        spans.0.len()
    );
}

#[test]
fn rounding_does_not_move_the_end() {
    let mut spans = Spans::default();
    for _ in 0..100 {
        spans.push(State::Lock, 1.04);
        spans.push(State::Computing, 0.52);
    }
    let total: f64 =
        spans::rounded(&spans).0.iter().map(|span| span.ms).sum();
    assert!((total - 156.0).abs() < 0.06, "{total}");
}

fn cores_of(points: &[(u64, u64, u64)]) -> Cores {
    let mut recorder = Recorder::default();
    for (at, used, cores) in points {
        recorder.add_cpu(
            Duration::from_millis(*at),
            Duration::from_millis(*used),
            *cores,
        );
    }
    cores::in_use(&recorder.cpu)
}

#[test]
fn cores_are_cpu_time_per_step() {
    let two =
        cores_of(&[(10, 0, 0), (20, 20, 2), (30, 30, 1), (32, 31, 0)]);
    assert_eq!(
        (two.step, two.used),
        (0.005, vec![0.0, 0.0, 2.0, 2.0, 1.0, 1.0, 0.5])
    );
    let long = cores_of(&[(0, 0, 1), (60_000, 30_000, 1)]);
    assert_eq!((long.step, long.used), (0.5, vec![0.5; 120]));
    assert_eq!(cores_of(&[]), Cores::default());
}

#[test]
fn cpu_time_that_the_kernel_counts_late_is_moved_to_where_it_was_used() {
    // One computing thread, which the kernel counts every 10 ms.
    let late = [(5, 0, 1), (10, 10, 1), (15, 10, 1), (20, 20, 1)];
    assert_eq!(cores_of(&late).used, [1.0; 4]);
    // But not to times long ago, and time that has no room stays.
    assert_eq!(
        cores_of(&[(5, 0, 1), (10, 5, 1), (60, 55, 1), (65, 70, 1)]).used
            [11..],
        [1.0, 3.0]
    );
}
