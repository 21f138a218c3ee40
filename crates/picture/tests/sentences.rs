//! The description of a picture: a sentence for each fact that is worth one.
use picture::words::ENGLISH;
use picture::{Line, Track, draw};
use process_tree::activity::{Activity, Cores, State, Thread};

/// The threads `main`, `t1`, `t2` and so on with these states, from the start
/// to the end.
fn threads(spans: &[&str]) -> Activity {
    let thread = |(number, spans): (usize, &&str)| Thread {
        process: 0,
        name: match number {
            0 => "main".to_owned(),
            _ => format!("t{number}"),
        },
        from: 0.0,
        spans: spans.parse().expect("well-formed spans"),
        at_end: true,
    };
    let threads = spans.iter().enumerate().map(thread).collect();
    Activity { threads, ..Activity::default() }
}

/// The sentences about a run of `wall` seconds that has ended.
fn sentences(lines: &[Line<'_>], wall: f64, activity: &Activity) -> String {
    let track = Track::new(lines.to_vec(), wall).activity(activity, 2);
    let html = draw("id", &[track], 0.0, &ENGLISH).into_string();
    let (_, rest) =
        html.rsplit_once("id-description\">").expect("a description");
    let text = rest.trim_start_matches("<p>").split('<').next();
    text.unwrap_or_default().to_owned()
}

fn of_threads(spans: &[&str]) -> String {
    sentences(&[], 1.0, &threads(spans))
}

fn with_cores(spans: &[&str], cores: f64) -> String {
    let cores = Cores { step: 0.25, used: vec![cores; 4] };
    sentences(&[], 1.0, &Activity { cores, ..threads(spans) })
}

#[test]
fn threads_that_compute_at_the_same_time_are_told_from_one_alone() {
    assert_eq!(
        of_threads(&["c500 l500", "s500 c500", "s500 c500"]),
        "The main thread computed alone for about 0.50 s. 2 threads computed \
         at the same time for about 0.50 s, while the main thread waited for \
         a lock or another thread."
    );
}

#[test]
fn a_thread_that_computes_for_the_main_thread_is_named() {
    assert_eq!(
        of_threads(&["i1000", "c1000"]),
        "The thread t1 computed alone for about 1.00 s, while the main thread \
         waited for I/O or events."
    );
}

#[test]
fn many_threads_that_compute_one_after_the_other_share_a_sentence() {
    assert_eq!(
        of_threads(&["c300 l700", "l300 c300 l400", "l600 c400"]),
        "The main thread computed alone for about 0.30 s. The thread t1 \
         computed alone for about 0.30 s, while the main thread waited for a \
         lock or another thread. The thread t2 computed alone for about \
         0.40 s, while the main thread waited for a lock or another thread. \
         The main thread waited for a lock or another thread from 0.30 s \
         until the end."
    );
    let four =
        ["c250 l750", "l250 c250 l500", "l500 c250 l250", "l750 c250"];
    let text = of_threads(&four);
    let one = "One thread at a time computed, for about 1.00 s. ";
    assert!(text.starts_with(one), "{text}");
}

#[test]
fn threads_that_share_too_few_cores_contend() {
    let turns = "c10 r10 ".repeat(50);
    let spans = ["l900", &turns, &turns, &turns, &turns];
    let contend = "4 threads wanted to compute at the same time for about \
                   1.00 s, but there were not enough free cores: together \
                   they got";
    let text = of_threads(&spans);
    assert!(
        text.starts_with(&format!("{contend} 2.00 s on a core.")),
        "{text}"
    );
    // The cores in use are known better.
    let text = with_cores(&spans, 1.0);
    assert!(
        text.starts_with(&format!("{contend} 1.00 s on a core.")),
        "{text}"
    );
}

#[test]
fn threads_that_wait_for_each_other_take_turns() {
    // The sampler sees the GIL like this: it doesn't know the order within
    // an interval.
    let turns = "c2.5 l2.5 ".repeat(200);
    let take_turns = "2 threads took turns for about 1.00 s: together they \
                      used 1.0 cores. The main thread";
    let text = of_threads(&["s1000", &turns, &turns]);
    assert!(text.starts_with(take_turns), "{text}");
    // A thread that goes on where another one ends doesn't take turns.
    let text = with_cores(&["l1000", "c485 l515", "l485 c515"], 1.0);
    assert!(!text.contains("turns"), "{text}");
}

#[test]
fn threads_that_wait_for_a_lock_until_the_end_are_stuck() {
    assert_eq!(
        of_threads(&["c3 l997", "l1000", "s20 l980"]),
        "From 0.02 s until the end, all 3 threads waited for a lock or another \
         thread."
    );
    // If the main thread goes on, it is not one of them.
    assert_eq!(
        of_threads(&["s990 c10", "l1000", "l1000"]),
        "The thread t1 and the thread t2 waited for a lock or another thread \
         from the start until the end. The main thread slept most of the time."
    );
}

#[test]
fn each_way_to_wait_has_a_sentence() {
    for state in State::ALL.into_iter().skip(2) {
        let text = of_threads(&[&format!("{}900 c10", state.letter())]);
        let is_named = text.starts_with("The main thread ");
        assert!(is_named && text.ends_with(" most of the time."), "{text}");
    }
}

#[test]
fn a_moment_has_no_sentence() {
    assert_eq!(of_threads(&["s500 c20 l480"]), "");
}

#[test]
fn bars_are_counted() {
    let cases: [(&[(f64, &str)], &str); 4] = [
        (
            &[(0.0, "Task A starting"), (1.0, "Task A finished")],
            "1 task was in progress, from 0.00 s to 1.00 s.",
        ),
        (
            &[
                (0.0, "Task A starting"),
                (0.5, "Task B starting"),
                (1.0, "Task A finished"),
            ],
            "2 tasks were in progress, some of the time all of them at once, \
             from 0.00 s to 2.00 s. 1 of them never finished.",
        ),
        (
            &[
                (0.0, "Task A starting"),
                (0.1, "Task B starting"),
                (2.0, "Task A finished"),
                (2.0, "Task B finished"),
            ],
            "2 tasks were in progress at the same time, from 0.00 s to 2.00 s.",
        ),
        (
            &[
                (0.0, "Main starting"),
                (0.5, "Main finished"),
                (0.5, "Task B starting"),
                (2.0, "Task B finished"),
            ],
            "2 parts of the program were in progress one after the other, \
             from 0.00 s to 2.00 s.",
        ),
    ];
    for (lines, expected) in cases {
        let lines = lines.iter().map(|(at, text)| Line::stdout(*at, text));
        let lines: Vec<_> = lines.collect();
        assert_eq!(sentences(&lines, 2.0, &Activity::default()), expected);
    }
}
