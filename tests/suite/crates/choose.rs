//! The program `choose`, the book and the examples: the transcripts that its page shows, the table of
//! its rules, the chooser of the front page, and the verdicts on examples. All else is tested in
//! `crates/choose`.

use std::collections::BTreeSet;

use choose::machine::{LIMIT_PART, Machine, THREAD_BYTES};
use choose::measure::Measurement;
use choose::rules::{If, RULES, Rule, Wishes, verdict};
use guide::book::preprocessor::RESULTS;
use guide::figures::chooser::Chooser;
use harness::kept::results::Results;
use tests::{TranscriptOf, WORKSPACE, transcript_of};

#[test]
fn choose_without_a_command() {
    masked(transcript_of("choose")).check();
}

/// The reports on one command, as the variants of `choose` show them: only the wishes differ.
#[cfg(unix)]
#[test]
fn choose_with_wishes() {
    masked(transcript_of("choose--wait")).check();
    masked(transcript_of("choose--many-waits")).check();
    masked(transcript_of("choose--isolate")).check();
}

/// Masks everything that was measured.
fn masked(transcript: TranscriptOf) -> TranscriptOf {
    transcript
        .mask(r"^  wall time   .*", "  wall time   <time>")
        .mask(r"^  CPU time    .*", "  CPU time    <time>, <n> of <n> cores on average")
        .mask(r"^  computed    .*", "  computed    <share>")
        .mask(r"^  slowed down .*", "  slowed down <effect>")
        .mask(r"^  waited      .*", "  waited      <waits>")
        .mask(r"[\d.]+ MiB$", "<memory>")
        .mask(r"\d+ % of the time", "<share> % of the time")
        .mask(r"machine \(\d+\)", "machine (<n>)")
        .mask(r"at best [\d.]+ times", "at best <n> times")
        .mask(r"good for \d+ here, .*", "good for <n> here, <reason>.")
}

/// A machine on which up to 1,000 waits at once are few.
fn machine() -> Machine {
    Machine {
        memory_available_bytes: Some(1 << 40),
        thread_limit: Some(1000 * LIMIT_PART),
        ..Machine::default()
    }
}

/// A run of a second that computed for this share of the time, on this many cores.
fn run_of(share: f64, cores: f64) -> Measurement {
    Measurement {
        wall_seconds: 1.0,
        computing_share: Some(share),
        cores_wanted: Some(cores),
        ..Measurement::default()
    }
}

/// The questions of the chooser on the front page, as facts and wishes, lead to the same verdict and
/// the same example to start from.
#[test]
fn the_chooser_of_the_book_gives_the_same_answers() {
    let results = Results::read(&WORKSPACE.root.join(RESULTS)).unwrap();
    let chooser = Chooser::read(&WORKSPACE.root.join("guide/en"), &results).unwrap();
    let answers: Vec<_> = chooser.answers().collect();
    let [isolated, computes, many, cancel, otherwise] = answers[..] else {
        panic!("it asks {} questions", chooser.questions.len())
    };
    let isolate = Wishes { isolate: true, at_once: None };
    let at_once = |n| Wishes { isolate: false, at_once: Some(n) };
    // The page says "ten thousand or more", and "up to a thousand".
    let (thousands, few) = (at_once(10_000), at_once(1_000));
    let mut seen = Vec::new();
    for (answer, wishes, facts) in [
        (isolated, isolate, run_of(0.0, 0.0)),
        (isolated, isolate, run_of(1.0, 4.0)),
        (computes, few, run_of(1.0, 1.0)),
        (computes, few, run_of(1.0, 4.0)),
        (computes, thousands, run_of(1.0, 1.0)),
        (many, thousands, run_of(0.0, 0.0)),
        (many, thousands, run_of(0.5, 1.0)),
        (otherwise, few, run_of(0.0, 0.0)),
        (otherwise, few, run_of(0.5, 1.0)),
    ] {
        let verdict = verdict(&facts, &wishes, &machine());
        let kind = serde_json::to_value(verdict.kind).unwrap();
        let kind = kind.as_str().unwrap().to_owned();
        assert!(answer.rules.contains(&kind), "{:?} lacks the rule {kind}", answer.model);
        // A program that only waits doesn't need what the model says about computing.
        let (model, take) = (&answer.model, verdict.take);
        assert!(model == take || model.starts_with(&format!("{take},")), "{model}, not {take}");
        let starts = answer.start.iter().map(|start| &WORKSPACE.examples[&start.example].folder);
        let starts: Vec<_> = starts.collect();
        assert!(starts.iter().any(|it| *it == verdict.example), "{starts:?}: {verdict:?}");
        seen.push(kind);
    }
    // No measurement says whether waits must be canceled, so no rule does.
    assert!(cancel.rules.is_empty() && cancel.model == many.model, "{cancel:?}");

    // Each rule is the chooser's too, except for those about the measurement itself.
    let measuring = ["too-short", "not-measured", "hands-over"].map(str::to_owned);
    let kinds: BTreeSet<_> = RULES
        .iter()
        .map(|rule| serde_json::to_value(rule.kind).unwrap().as_str().unwrap().to_owned())
        .filter(|kind| !measuring.contains(kind))
        .collect();
    let named: BTreeSet<_> = answers.iter().flat_map(|answer| answer.rules.clone()).collect();
    assert_eq!(named, kinds);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), kinds, "all of them were tried");
}

#[test]
fn each_rule_has_a_kind_a_page_and_an_example() {
    let mut kinds = Vec::new();
    for Rule { kind, page, example, .. } in &RULES {
        assert!(!kinds.contains(kind), "{kind:?} twice");
        kinds.push(*kind);
        assert!(WORKSPACE.root.join(page).is_file(), "{page}");
        let known = WORKSPACE.examples.values().any(|it| it.folder == *example);
        assert!(known, "{example}");
    }
    let last = RULES.last().unwrap();
    assert!(matches!(last.when, [If::Otherwise]), "the last rule holds always");
}

#[test]
fn the_pages_of_choose_name_its_rules_and_its_figures() {
    let read = |page| std::fs::read_to_string(WORKSPACE.root.join(page)).unwrap();
    let page = read("guide/en/choose-reference.md");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" "); // its lines are shorter
    for rule in &RULES {
        let text = rule.to_string();
        assert!(page.contains(&text), "guide/en/choose-reference.md lacks {text}");
    }
    let fields = serde_json::to_value(Measurement::default()).unwrap();
    for field in fields.as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{field}`")), "guide/en/choose-reference.md lacks {field}");
    }
    let thread = format!("{} KiB for each thread", THREAD_BYTES >> 10);
    assert!(read("guide/en/choose.md").contains(&thread), "guide/en/choose.md lacks {thread}");
}

/// The verdicts on examples. Other systems show less of a process tree.
#[cfg(target_os = "linux")]
mod examples {
    use std::ffi::OsString;

    use harness::run::{Program, Stream};
    use serde_json::Value;
    use tests::{build, python, run};

    /// A program as a command.
    fn words(program: &Program) -> Vec<OsString> {
        let executable = program.executable.clone().into();
        [executable].into_iter().chain(program.arguments.iter().cloned()).collect()
    }

    /// Runs `choose` with a command that succeeds, and returns the kind of its verdict and its report.
    fn kind_of(command: &[OsString]) -> (String, Value) {
        let arguments = [OsString::from("--json")].into_iter().chain(command.iter().cloned());
        let output = run(&Program { arguments: arguments.collect(), ..build("choose") });
        assert_eq!(output.code(), Some(0), "{command:?}: {:#?}", output.lines);
        let last = output.of(Stream::Stderr).last().expect("it reports");
        let report: Value = serde_json::from_str(last).unwrap();
        let kind = report["verdict"]["kind"].as_str().expect("the verdict has a kind");
        (kind.to_owned(), report)
    }

    /// Runs several commands at once, so that each of them also competes with the others.
    fn kinds_at_once<const N: usize>(commands: [Vec<OsString>; N]) -> [(String, Value); N] {
        let threads = commands.map(|command| std::thread::spawn(move || kind_of(&command)));
        threads.map(|thread| thread.join().expect("the command succeeds"))
    }

    #[test]
    fn threads_and_tasks_that_sleep_wait() {
        let commands = ["worker-threads", "gather"].map(|name| words(&build(name)));
        for (kind, report) in kinds_at_once(commands) {
            assert_eq!(kind, "few-waits", "{report:#}");
        }
    }

    #[test]
    fn pythons_programs_are_judged_alike() {
        // It computes for a fixed CPU time, which is as much work on any machine.
        let computing = "import time\nwhile time.process_time() < 0.5: pass";
        let Some(program) = python("gather") else { return };
        let mut compute = vec![program.executable.into()];
        compute.extend(["-c", computing].map(OsString::from));
        let [threads, processes, gather] = ["worker-threads", "worker-processes", "gather"]
            .map(|name| words(&python(name).expect("it was there before")));
        let reports = kinds_at_once([compute, threads, processes, gather]);
        let expected = [
            &["one-core"] as &[_],
            &["few-waits"],
            // To start five interpreters is a good part of it, where that takes long.
            &["few-waits", "mixed-few-waits"],
            &["few-waits"],
        ];
        for ((kind, report), expected) in reports.iter().zip(expected) {
            assert!(expected.contains(&kind.as_str()), "{report:#}");
        }
    }
}
