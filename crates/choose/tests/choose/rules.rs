//! The rules, which need no program.

use choose::machine::{LIMIT_PART, MEMORY_PART, Machine, THREAD_BYTES};
use choose::measure::{Measurement, TOO_SHORT};
use choose::rules::{Kind, Wishes, verdict};

use crate::{machine, run};

#[test]
fn each_border_has_two_sides() {
    let none = Wishes::default();
    let isolate = Wishes { isolate: true, at_once: None };
    let at_once = |n| Wishes { at_once: Some(n), ..none };
    let lasting =
        |seconds| Measurement { wall_seconds: seconds, ..run(0.0, 0.0) };
    let waiting =
        |n| Measurement { max_waits_at_once: Some(n), ..run(0.0, 0.0) };
    let mixed =
        |n| Measurement { max_waits_at_once: Some(n), ..run(0.5, 1.0) };
    let handing_over = |runnable, waits, threads| Measurement {
        cpu_seconds: Some(1.0),
        runnable_share: Some(runnable),
        waits: Some(waits),
        max_threads: Some(threads),
        ..run(0.9, 1.0)
    };
    let unknown = Measurement { computing_share: None, ..run(0.0, 0.0) };
    let short = TOO_SHORT.as_secs_f64();
    let cases = [
        ("isolated, whatever else", lasting(0.0), isolate, Kind::Isolated),
        (
            "isolated, not measured",
            unknown.clone(),
            isolate,
            Kind::Isolated,
        ),
        ("just too short", lasting(short - 1e-6), none, Kind::TooShort),
        ("just long enough", lasting(short), none, Kind::FewWaits),
        ("not measured", unknown, none, Kind::NotMeasured),
        ("all computing, one core", run(1.0, 1.0), none, Kind::OneCore),
        ("just computing", run(0.8, 1.0), none, Kind::OneCore),
        (
            "just not only computing",
            run(0.799, 1.0),
            none,
            Kind::MixedFewWaits,
        ),
        ("just one core", run(0.8, 1.499), none, Kind::OneCore),
        ("just more cores", run(0.8, 1.5), none, Kind::ManyCores),
        ("all cores", run(1.0, 4.0), none, Kind::ManyCores),
        (
            "many cores, but mixed",
            run(0.799, 4.0),
            none,
            Kind::MixedFewWaits,
        ),
        ("just mixed", run(0.2, 1.0), none, Kind::MixedFewWaits),
        ("mixed, few seen", mixed(1000), none, Kind::MixedFewWaits),
        ("mixed, many seen", mixed(1001), none, Kind::MixedManyWaits),
        ("just waiting", run(0.199, 1.0), none, Kind::FewWaits),
        ("no computing", run(0.0, 0.0), none, Kind::FewWaits),
        ("few seen", waiting(1000), none, Kind::FewWaits),
        ("many seen", waiting(1001), none, Kind::ManyWaits),
        ("few wanted", waiting(1), at_once(1000), Kind::FewWaits),
        ("many wanted", waiting(1), at_once(1001), Kind::ManyWaits),
        (
            "many seen, few wanted",
            waiting(1001),
            at_once(1000),
            Kind::FewWaits,
        ),
        (
            "many wanted, but computing",
            run(1.0, 1.0),
            at_once(1001),
            Kind::OneCore,
        ),
        (
            "many wanted and mixed",
            mixed(1),
            at_once(1001),
            Kind::MixedManyWaits,
        ),
        (
            "just handing over",
            handing_over(0.8, 30_000, 2),
            none,
            Kind::HandsOver,
        ),
        (
            "just not always runnable",
            handing_over(0.799, 30_000, 2),
            none,
            Kind::OneCore,
        ),
        (
            "just not too often",
            handing_over(0.8, 29_999, 2),
            none,
            Kind::OneCore,
        ),
        (
            "with no other thread",
            handing_over(0.8, 30_000, 1),
            none,
            Kind::OneCore,
        ),
    ];
    for (name, facts, wishes, kind) in cases {
        assert_eq!(
            verdict(&facts, &wishes, &machine()).kind,
            kind,
            "{name}"
        );
    }
}

#[test]
fn the_line_between_few_and_many_is_this_machines() {
    let of = |memory: Option<u64>, threads| Machine {
        memory_available_bytes: memory,
        thread_limit: threads,
        ..machine()
    };
    let for_threads = |n: u64| Some(n * MEMORY_PART * THREAD_BYTES);
    let limit = |n: u64| Some(n * LIMIT_PART);
    assert_eq!(
        of(for_threads(500), limit(1000)).few_waits(),
        Some(500),
        "memory"
    );
    assert_eq!(
        of(for_threads(1000), limit(500)).few_waits(),
        Some(500),
        "threads"
    );
    assert!(
        of(for_threads(500), limit(1000))
            .why_few()
            .contains("KiB per thread")
    );
    assert!(
        of(for_threads(1000), limit(500))
            .why_few()
            .contains("a limit allows")
    );

    // What is not known is not guessed.
    for machine in
        [of(None, limit(1)), of(for_threads(1), None), Machine::default()]
    {
        assert_eq!(machine.few_waits(), None);
        let many = Wishes { at_once: Some(u64::MAX), ..Wishes::default() };
        let verdict = verdict(&run(0.0, 0.0), &many, &machine);
        assert_eq!(verdict.kind, Kind::FewWaits);
        assert!(verdict.reason.contains("not known"), "{}", verdict.reason);
    }
}

#[test]
fn the_gain_is_at_best_that_of_all_cores() {
    let best = |cores, wanted| {
        let machine = Machine { cores, ..machine() };
        let reason =
            verdict(&run(1.0, wanted), &Wishes::default(), &machine).reason;
        let (_, best) =
            reason.split_once("at best ").expect("it names the gain");
        best.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(best(4, 1.0), "4.0");
    assert_eq!(best(4, 2.0), "2.0");
    assert_eq!(best(4, 4.0), "1.0");
    assert_eq!(best(4, 0.9), "4.0", "no more than there are cores");
    assert_eq!(best(1, 1.0), "1.0");
}
