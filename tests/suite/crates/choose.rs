//! The program `choose`: both sides of every border in its rules, and its verdicts on real programs.
//! No test asserts a measured time, only the kind of verdict.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::process::ExitStatus;
use std::sync::LazyLock;

use choose::machine::{LIMIT_PART, MEMORY_PART, Machine, THREAD_BYTES};
use choose::measure::{Measured, TOO_SHORT};
use choose::report::Report;
use choose::rules::{If, Kind, RULES, Rule, Wishes, terms, verdict};
use guide::book::preprocessor::RESULTS;
use guide::figures::chooser::Chooser;
use harness::kept::results::Results;
use harness::run::{Program, Stream};
use serde_json::Value;
use tests::{Output, TranscriptOf, WORKSPACE, build, run, transcript_of};

/// The program under test.
static CHOOSE: LazyLock<Program> = LazyLock::new(|| build("choose"));

/// Runs it with these arguments.
fn choose(arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Output {
    let arguments = arguments.into_iter().map(|it| it.as_ref().to_owned()).collect();
    run(&Program { arguments, ..CHOOSE.clone() })
}

/// A program with further arguments, as a command.
fn words(program: &Program, arguments: &[&str]) -> Vec<OsString> {
    let mut words = vec![program.executable.clone().into()];
    words.extend(program.arguments.iter().cloned());
    words.extend(arguments.iter().map(OsString::from));
    words
}

/// Runs it with these options and a command that succeeds, and returns its report.
fn report(options: &[&str], command: &[OsString]) -> Value {
    let options = ["--json"].iter().chain(options).map(OsString::from);
    let output = choose(options.chain(command.iter().cloned()));
    assert_eq!(output.code(), Some(0), "{command:?}: {:#?}", output.lines);
    let last = output.of(Stream::Stderr).last().expect("it reports");
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

fn kind(report: &Value) -> &str {
    report["verdict"]["kind"].as_str().expect("the verdict has a kind")
}

#[test]
fn choose_without_a_command() {
    masked(transcript_of("choose")).check();
}

/// What it prints about one command, as its variants show: only the wishes differ.
#[cfg(unix)]
#[test]
fn choose_with_wishes() {
    masked(transcript_of("choose--wait")).check();
    masked(transcript_of("choose--many-waits")).check();
    masked(transcript_of("choose--isolate")).check();
}

/// With everything masked that was measured.
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

/// A machine on which up to 1,000 waits at once are few, by its limit on threads.
fn machine() -> Machine {
    Machine {
        cores: 4,
        memory_available_bytes: Some(1 << 40),
        thread_limit: Some(1000 * LIMIT_PART),
        thread_limit_set_by: Some("a limit"),
        maps_per_thread: None,
    }
}

/// A run of a second that computed for this share of the time, on this many cores.
fn measured(share: f64, cores: f64) -> Measured {
    Measured {
        wall_seconds: 1.0,
        computing_share: Some(share),
        cores_wanted: Some(cores),
        most_waits_at_once: Some(1),
        ..Measured::default()
    }
}

#[test]
fn each_border_has_two_sides() {
    let none = Wishes::default();
    let isolate = Wishes { isolate: true, at_once: None };
    let at_once = |n| Wishes { at_once: Some(n), ..none };
    let lasting = |seconds| Measured { wall_seconds: seconds, ..measured(0.0, 0.0) };
    let waiting = |n| Measured { most_waits_at_once: Some(n), ..measured(0.0, 0.0) };
    let mixed = |n| Measured { most_waits_at_once: Some(n), ..measured(0.5, 1.0) };
    let handing_over = |runnable, waits, threads| Measured {
        cpu_seconds: Some(1.0),
        runnable_share: Some(runnable),
        waits: Some(waits),
        most_threads: Some(threads),
        ..measured(0.9, 1.0)
    };
    let unknown = Measured { computing_share: None, ..measured(0.0, 0.0) };
    let short = TOO_SHORT.as_secs_f64();
    let cases = [
        ("isolated, whatever else", lasting(0.0), isolate, Kind::Isolated),
        ("isolated, not measured", unknown.clone(), isolate, Kind::Isolated),
        ("just too short", lasting(short - 1e-6), none, Kind::TooShort),
        ("just long enough", lasting(short), none, Kind::FewWaits),
        ("not measured", unknown, none, Kind::NotMeasured),
        ("all computing, one core", measured(1.0, 1.0), none, Kind::OneCore),
        ("just computing", measured(0.8, 1.0), none, Kind::OneCore),
        ("just not only computing", measured(0.799, 1.0), none, Kind::MixedFewWaits),
        ("just one core", measured(0.8, 1.499), none, Kind::OneCore),
        ("just more cores", measured(0.8, 1.5), none, Kind::ManyCores),
        ("all cores", measured(1.0, 4.0), none, Kind::ManyCores),
        ("many cores, but mixed", measured(0.799, 4.0), none, Kind::MixedFewWaits),
        ("just mixed", measured(0.2, 1.0), none, Kind::MixedFewWaits),
        ("mixed, few seen", mixed(1000), none, Kind::MixedFewWaits),
        ("mixed, many seen", mixed(1001), none, Kind::MixedManyWaits),
        ("just waiting", measured(0.199, 1.0), none, Kind::FewWaits),
        ("no computing", measured(0.0, 0.0), none, Kind::FewWaits),
        ("few seen", waiting(1000), none, Kind::FewWaits),
        ("many seen", waiting(1001), none, Kind::ManyWaits),
        ("few wanted", waiting(1), at_once(1000), Kind::FewWaits),
        ("many wanted", waiting(1), at_once(1001), Kind::ManyWaits),
        ("many seen, few wanted", waiting(1001), at_once(1000), Kind::FewWaits),
        ("many wanted, but computing", measured(1.0, 1.0), at_once(1001), Kind::OneCore),
        ("many wanted and mixed", mixed(1), at_once(1001), Kind::MixedManyWaits),
        ("just handing over", handing_over(0.8, 30_000, 2), none, Kind::HandsOver),
        ("just not always runnable", handing_over(0.799, 30_000, 2), none, Kind::OneCore),
        ("just not too often", handing_over(0.8, 29_999, 2), none, Kind::OneCore),
        ("with no other thread", handing_over(0.8, 30_000, 1), none, Kind::OneCore),
    ];
    for (name, facts, wishes, kind) in cases {
        assert_eq!(verdict(&facts, &wishes, &machine()).kind, kind, "{name}");
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
    assert_eq!(of(for_threads(500), limit(1000)).few_waits(), Some(500), "memory");
    assert_eq!(of(for_threads(1000), limit(500)).few_waits(), Some(500), "threads");
    assert!(of(for_threads(500), limit(1000)).why_few().contains("KiB per thread"));
    assert!(of(for_threads(1000), limit(500)).why_few().contains("a limit allows"));

    // What is not known is not guessed.
    for machine in [of(None, limit(1)), of(for_threads(1), None), Machine::default()] {
        assert_eq!(machine.few_waits(), None);
        let many = Wishes { at_once: Some(u64::MAX), ..Wishes::default() };
        let verdict = verdict(&measured(0.0, 0.0), &many, &machine);
        assert_eq!(verdict.kind, Kind::FewWaits);
        assert!(verdict.reason.contains("not known"), "{}", verdict.reason);
    }
}

#[test]
fn the_gain_is_at_best_that_of_all_cores() {
    let best = |cores, wanted| {
        let machine = Machine { cores, ..machine() };
        let reason = verdict(&measured(1.0, wanted), &Wishes::default(), &machine).reason;
        let (_, best) = reason.split_once("at best ").expect("it names the gain");
        best.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(best(4, 1.0), "4.0");
    assert_eq!(best(4, 2.0), "2.0");
    assert_eq!(best(4, 4.0), "1.0");
    assert_eq!(best(4, 0.9), "4.0", "no more than there are cores");
    assert_eq!(best(1, 1.0), "1.0");
}

/// What the chooser of the book's front page asks, as facts and wishes: the same verdict, and the
/// same example to start from.
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
        (isolated, isolate, measured(0.0, 0.0)),
        (isolated, isolate, measured(1.0, 4.0)),
        (computes, few, measured(1.0, 1.0)),
        (computes, few, measured(1.0, 4.0)),
        (computes, thousands, measured(1.0, 1.0)),
        (many, thousands, measured(0.0, 0.0)),
        (many, thousands, measured(0.5, 1.0)),
        (otherwise, few, measured(0.0, 0.0)),
        (otherwise, few, measured(0.5, 1.0)),
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
fn explain_prints_every_rule_and_so_does_the_page() {
    let output = choose(["--explain"]);
    assert_eq!(output.code(), Some(0));
    let printed: Vec<_> = output.of(Stream::Stdout).collect();
    let page = WORKSPACE.root.join("guide/en/choose-reference.md");
    let page = std::fs::read_to_string(page).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" "); // its lines are shorter
    for rule in &RULES {
        let text = rule.to_string();
        assert!(printed.iter().any(|line| line.ends_with(&text)), "--explain lacks {text}");
        assert!(page.contains(&text), "guide/en/choose-reference.md lacks {text}");
        let next = format!("   read {}, start from {}", rule.page, rule.example);
        assert!(printed.contains(&next.as_str()), "--explain lacks {next}");
    }
    for (term, meaning) in terms() {
        assert!(printed.contains(&format!("{term}: {meaning}").as_str()), "{term}");
    }
    let page = std::fs::read_to_string(WORKSPACE.root.join("guide/en/choose.md")).unwrap();
    let thread = format!("{} KiB for each thread", THREAD_BYTES >> 10);
    assert!(page.contains(&thread), "guide/en/choose.md lacks {thread}");
    // Nothing runs, whatever the other arguments are.
    let output = choose(["--explain", "--isolate", "echo", "ran"]);
    assert!(!output.of(Stream::Stdout).any(|line| line == "ran"));
}

#[test]
fn bad_usage_is_refused_before_anything_runs() {
    let cases: [&[&str]; 8] = [
        &["--nonsense", "true"],
        &["--at-once", "0", "true"],
        &["--at-once", "many", "true"],
        &["--at-once"],
        &["--json"],
        &["--isolate"],
        &["--demo", "nonsense"],
        &["--demo", "wait", "true"],
    ];
    for arguments in cases {
        let output = choose(arguments);
        assert_eq!(output.code(), Some(2), "{arguments:?}: {:#?}", output.lines);
        let first = output.of(Stream::Stderr).next().unwrap_or_default();
        assert!(first.starts_with("error: "), "{arguments:?}: {:#?}", output.lines);
        assert_eq!(output.of(Stream::Stdout).count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_command_that_cannot_be_run_is_named_in_one_line() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let file = format!("{folder}/Cargo.toml");
    let cases = [("no-such-command", 127), ("", 127), (&file, 126), (folder, 126)];
    for (command, code) in cases {
        let output = choose(["--json", command]);
        if cfg!(unix) {
            assert_eq!(output.code(), Some(code), "{command}: {:#?}", output.lines);
        }
        let lines: Vec<_> = output.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with("choose: cannot run \"")),
            "{command}: {lines:?}"
        );
    }
}

#[test]
fn the_report_as_json_has_these_fields() {
    let report = report(&["--at-once", "7"], &words(&CHOOSE, &["--demo", "wait"]));
    let fields: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "command",
        "exit_code",
        "failure",
        "wall_seconds",
        "cpu_seconds",
        "cores_used",
        "cores_wanted",
        "runnable_share",
        "computing_share",
        "slowed_down_times",
        "waits",
        "average_wait_seconds",
        "most_waits_at_once",
        "peak_memory_bytes",
        "most_threads",
        "most_processes",
        "samples",
        "left_running",
        "machine",
        "wishes",
        "verdict",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["failure"], Value::Null);
    assert_eq!(report["wishes"]["at_once"], 7);
    if cfg!(target_os = "linux") {
        assert_eq!(report["most_threads"], 6, "five wait, and main for them");
        assert_eq!(report["most_waits_at_once"], 6);
        assert_eq!(report["most_processes"], 1);
        assert_eq!(report["left_running"], Value::Array(Vec::new()));
    }
}

#[test]
fn what_ends_at_once_is_too_short_to_tell() {
    let report = report(&[], &words(&CHOOSE, &["--version"]));
    // On a machine that is busy enough, nothing is short.
    if report["wall_seconds"].as_f64() < Some(TOO_SHORT.as_secs_f64()) {
        assert_eq!(kind(&report), "too-short");
        for unknown in [
            "computing_share",
            "runnable_share",
            "peak_memory_bytes",
            "most_threads",
            "most_processes",
        ] {
            assert_eq!(report[unknown], Value::Null, "{unknown}");
        }
    }
}

#[test]
fn what_could_not_be_measured_is_listed() {
    let status = ExitStatus::default();
    let told = |measured| {
        let (wishes, machine) = (Wishes::default(), machine());
        Report::new(&["x".into()], status, measured, wishes, &machine).to_string()
    };
    let text = told(Measured { wall_seconds: 1.0, ..Measured::default() });
    let unknown = "not known   CPU time, computed, slowed down, waited, memory";
    assert!(text.contains(unknown), "{text}");
    assert!(text.contains("verdict     not known"), "{text}");
    let text = told(measured(1.0, 1.0));
    assert!(!text.contains("CPU time   "), "{text}");
    assert!(!text.contains("verdict     not known"), "{text}");
}

#[test]
fn the_commands_own_options_are_its_own() {
    let output = choose(words(&CHOOSE, &["--explain"]));
    assert_eq!(output.code(), Some(0));
    let mut lines = output.of(Stream::Stdout);
    assert_eq!(lines.next(), Some("The first rule that holds decides. If"));
    let report = output.of(Stream::Stderr).last().unwrap();
    assert!(report.starts_with("  start from"), "it was measured too: {report}");
}

/// The verdicts on real programs. Other systems show less of a process tree.
#[cfg(target_os = "linux")]
mod real_programs {
    use tests::python;

    use crate::crates::process_tree::Host;

    use super::*;

    /// Runs several commands at once, so that each of them also competes with the others.
    fn kinds_at_once<const N: usize>(commands: [Vec<OsString>; N]) -> [(String, Value); N] {
        let threads = commands.map(|command| {
            std::thread::spawn(move || {
                let report = report(&[], &command);
                (kind(&report).to_owned(), report)
            })
        });
        threads.map(|thread| thread.join().expect("the command succeeds"))
    }

    #[test]
    fn sleepers_wait() {
        let commands = [
            vec!["sleep".into(), "0.5".into()],
            words(&CHOOSE, &["--demo", "wait"]),
            words(&build("worker-threads"), &[]),
            words(&build("gather"), &[]),
        ];
        for (kind, report) in kinds_at_once(commands) {
            assert_eq!(kind, "few-waits", "{report:#}");
        }
    }

    #[test]
    fn at_once_and_isolate_decide_what_cannot_be_measured() {
        let sleep = ["sleep".into(), "0.2".into()];
        assert_eq!(kind(&report(&["--at-once", "10000000"], &sleep)), "many-waits");
        assert_eq!(kind(&report(&["--at-once", "1"], &sleep)), "few-waits");
        assert_eq!(kind(&report(&["--isolate"], &sleep)), "isolated");
    }

    #[test]
    fn a_burner_is_bound_by_one_core() {
        let report = report(&[], &words(&CHOOSE, &["--demo", "compute"]));
        assert_eq!(kind(&report), "one-core", "{report:#}");
    }

    /// A burner that has ended goes on computing in its shell until all have ended. Otherwise, on a busy
    /// machine, the last one might compute alone for a long time.
    #[test]
    fn a_burner_for_each_core_is_bound_by_many() {
        let cores = Machine::this().cores;
        if cores == 1 {
            return tests::skip("second core");
        }
        let folder = tempfile::tempdir().unwrap();
        let burner = "\"$1\" --demo compute; : > \"$2/$burner\"; \
            for other in $(seq \"$3\"); do until [ -e \"$2/$other\" ]; do :; done; done";
        let burners = format!("for burner in $(seq \"$3\"); do {{ {burner}; }} & done; wait");
        let mut command: Vec<_> = ["sh", "-c", &burners, "sh"].map(OsString::from).into();
        command.push(CHOOSE.executable.clone().into());
        command.push(folder.path().into());
        command.push(cores.to_string().into());
        let report = report(&[], &command);
        assert_eq!(kind(&report), "many-cores", "{report:#}");
        let processes = 2 * u64::from(cores) + 1;
        assert_eq!(report["most_processes"], processes, "the shell, its children and theirs");
    }

    #[test]
    fn a_mix_is_mixed() {
        let report = report(&[], &words(&CHOOSE, &["--demo", "both"]));
        assert_eq!(kind(&report), "mixed-few-waits", "{report:#}");
    }

    /// Each of its threads computes for some microseconds and then waits for the other. More cores
    /// cannot help, though one of them is always runnable.
    #[test]
    fn a_channel_without_a_buffer_is_no_work_for_more_cores() {
        let host = env!("CARGO_BIN_EXE_threads-host");
        let report = report(&[], &[host.into(), "handing-over".into()]);
        assert_eq!(kind(&report), "hands-over", "{report:#}");
    }

    /// The start of so many threads is work, but the rest of the time all of them wait.
    #[test]
    fn thousands_of_short_waits_are_not_bound_by_the_cpu() {
        let host = env!("CARGO_BIN_EXE_threads-host");
        let report = report(&[], &[host.into(), "sleeping".into(), "2000".into()]);
        let waits = ["few-waits", "many-waits", "mixed-few-waits", "mixed-many-waits"];
        assert!(waits.contains(&kind(&report)), "{report:#}");
    }

    /// Loops that compete for the cores until this is dropped.
    struct BusyLoops(Vec<std::process::Child>);

    impl Drop for BusyLoops {
        fn drop(&mut self) {
            for child in &mut self.0 {
                child.kill().ok();
                child.wait().ok();
            }
        }
    }

    #[test]
    fn a_busy_machine_changes_no_verdict() {
        let busy = || {
            // Ends by itself after ten seconds of CPU time, even if this test is killed.
            let burn = "ulimit -t 10; while :; do :; done";
            std::process::Command::new("sh").args(["-c", burn]).spawn().unwrap()
        };
        let loops = 2 * Machine::this().cores;
        let _loops = BusyLoops((0..loops).map(|_| busy()).collect());
        let demos = ["compute", "wait", "both"].map(|demo| words(&CHOOSE, &["--demo", demo]));
        let expected = ["one-core", "few-waits", "mixed-few-waits"];
        for ((kind, report), expected) in kinds_at_once(demos).iter().zip(expected) {
            assert_eq!(kind, expected, "{report:#}");
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
            .map(|name| words(&python(name).expect("it was there before"), &[]));
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

    /// The shell ends before its child, which is an orphan then; `cat` ends after it.
    #[test]
    fn an_orphan_is_counted_too() {
        let orphan = "sh -c '\"$0\" --demo compute &' \"$0\" | cat";
        let mut command: Vec<_> = ["sh", "-c", orphan].map(OsString::from).into();
        command.push(CHOOSE.executable.clone().into());
        let report = report(&[], &command);
        assert_eq!(kind(&report), "one-core", "{report:#}");
        // The program computes until it has used this much CPU time: it is not a time on a clock.
        assert!(report["cpu_seconds"].as_f64() > Some(0.4), "{report:#}");
    }

    /// The figures that the border between few and many waits is computed from.
    #[test]
    fn a_waiting_thread_takes_what_the_rules_say() {
        const THREADS: u64 = 1000;
        const KERNEL_STACK: u64 = 16 << 10;
        let seen = |threads| {
            let host = Host::with("waiting", threads);
            let process = procfs::process::Process::new(host.id().cast_signed()).unwrap();
            let resident = process.status().unwrap().vmrss.unwrap() << 10;
            (resident, process.maps().unwrap().len() as u64)
        };
        let ((bytes, maps), (more_bytes, more_maps)) = (seen(1), seen(1 + THREADS));
        let each = (more_bytes - bytes) / THREADS + KERNEL_STACK;
        assert!((THREAD_BYTES / 2..=THREAD_BYTES).contains(&each), "{each} bytes");
        // How many maps depends on the C library and the kernel. `choose` measures it with a few
        // threads, whose first and last map can merge with a neighbor's.
        let report = report(&[], &["true".into()]);
        let measured = report["machine"]["maps_per_thread"].as_u64().expect("/proc is there");
        let each = (more_maps - maps) as f64 / THREADS as f64;
        assert!((each - measured as f64).abs() <= 1.0, "{measured} measured, {each} each");
    }
}

/// Input, signals, exit codes and what is left behind.
#[cfg(unix)]
mod passing_through {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{self, RecvTimeoutError};

    use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
    use tests::processes;

    use super::*;

    /// `choose sh -c SCRIPT` in a process group of its own, which is killed at the time limit.
    struct Chosen {
        child: Child,
        group: Pid,
        stdout: Option<BufReader<std::process::ChildStdout>>,
        _until: mpsc::Sender<()>,
    }

    fn start(script: &str) -> Chosen {
        let mut command = Command::new(&CHOOSE.executable);
        command.args(["sh", "-c", script]);
        start_command(command)
    }

    fn start_command(mut command: Command) -> Chosen {
        start_with(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Its input and output are set already.
    fn start_with(command: &mut Command) -> Chosen {
        let mut child = command.process_group(0).spawn().unwrap();
        let group = Pid::from_child(&child);
        let (_until, over) = mpsc::channel();
        std::thread::spawn(move || {
            if over.recv_timeout(tests::LIMIT) == Err(RecvTimeoutError::Timeout) {
                kill_process_group(group, Signal::KILL).ok();
            }
        });
        let stdout = child.stdout.take().map(BufReader::new);
        Chosen { child, group, stdout, _until }
    }

    impl Chosen {
        fn line(&mut self) -> String {
            let mut line = String::new();
            self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        }

        /// The exit code of `choose`, and its report. It does not read to the end of stderr, which
        /// a process that was left running may hold open.
        fn end(&mut self) -> (Option<i32>, String) {
            let code = self.child.wait().unwrap().code();
            let mut report = String::new();
            let mut stderr = BufReader::new(self.child.stderr.take().unwrap());
            while !report.contains("start from") && stderr.read_line(&mut report).unwrap() > 0 {}
            (code, report)
        }
    }

    impl Drop for Chosen {
        fn drop(&mut self) {
            // What a failed test has left running.
            kill_process_group(self.group, Signal::KILL).ok();
            self.child.wait().ok();
        }
    }

    #[test]
    fn input_and_output() {
        let mut chosen = start("read first; echo \"$first\" >&2; cat");
        let mut stdin = chosen.child.stdin.take().unwrap();
        stdin.write_all(b"one\ntwo\nthree").unwrap();
        drop(stdin);
        let mut rest = String::new();
        chosen.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "two\nthree", "and nothing else on stdout");
        let (code, report) = chosen.end();
        assert_eq!(code, Some(0));
        assert!(report.starts_with("one\n  command "), "{report}");
    }

    #[test]
    fn the_exit_code() {
        for (script, code, end) in [
            ("exit 0", 0, None),
            ("exit 3", 3, Some("exit status: 3")),
            ("exit 255", 255, Some("exit status: 255")),
            ("kill -KILL $$", 137, Some("signal: 9 (SIGKILL)")),
            ("kill -TERM $$", 143, Some("signal: 15 (SIGTERM)")),
        ] {
            let (ended, report) = start(script).end();
            assert_eq!(ended, Some(code), "{script}");
            let failure = report.lines().find_map(|line| line.strip_prefix("  ended with  "));
            assert_eq!(failure, end, "{report}");
        }
    }

    /// Its own stdout: `choose | head -1` ends as `cat | head -1` does, without a message.
    #[test]
    fn a_closed_pipe_ends_it_quietly() {
        for arguments in [&["--explain"] as &[_], &["--demo", "wait"], &[]] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = Command::new(&CHOOSE.executable);
            command.args(arguments).stdout(writer);
            let mut chosen = start_with(command.stdin(Stdio::null()).stderr(Stdio::piped()));
            let (code, said) = chosen.end();
            assert_eq!((code, &*said), (Some(141), ""), "{arguments:?}");
        }
    }

    #[test]
    fn too_few_file_descriptors_are_an_error_in_one_line() {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 6; exec \"$0\" echo ran"]).arg(&CHOOSE.executable);
        let mut chosen = start_command(command);
        assert_eq!(chosen.line(), "", "nothing ran");
        let (code, said) = chosen.end();
        assert_eq!(code, Some(1));
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("choose: 16 file descriptors are needed"), "{said}");
    }

    /// A shell runs such a script itself, since the kernel refuses it.
    #[test]
    fn a_script_without_an_interpreter_is_run_by_a_shell() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let executable = |name: &str, content: &[u8]| {
            let file = folder.path().join(name);
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            file
        };
        let output =
            choose([executable("script", b"echo \"ran $1\"; exit 3").as_os_str(), "it".as_ref()]);
        assert_eq!(output.of(Stream::Stdout).collect::<Vec<_>>(), ["ran it"]);
        assert_eq!(output.code(), Some(3));
        // No text, and no program that this system could run.
        let output = choose([executable("other", b"\x7fELF\0\0\0\0")]);
        assert_eq!(output.code(), Some(126), "{:#?}", output.lines);
    }

    #[test]
    fn a_closed_pipe_ends_the_command_as_without_choose() {
        let pipe = "\"$0\" sh -c 'while :; do echo y; done; echo on >&2' 2>&3 | head -n 1";
        let mut command = Command::new("sh");
        command.args(["-c", &format!("({pipe}) 3>&2")]).arg(&CHOOSE.executable);
        let mut chosen = start_command(command);
        assert_eq!(chosen.line(), "y");
        let (_, report) = chosen.end();
        assert!(report.contains("ended with  signal: 13 (SIGPIPE)"), "{report}");
    }

    /// They are sent to `choose` alone, which must pass them on and outlive the command.
    #[test]
    fn signals_are_sent_on() {
        for (name, signal) in [
            ("TERM", Signal::TERM),
            ("HUP", Signal::HUP),
            ("USR1", Signal::USR1),
            ("USR2", Signal::USR2),
        ] {
            let script = format!(
                "trap 'echo got {name}; exit 7' {name}; echo ready; while :; do sleep 0.01; done"
            );
            let mut chosen = start(&script);
            assert_eq!(chosen.line(), "ready");
            kill_process(chosen.group, signal).unwrap();
            assert_eq!(chosen.line(), format!("got {name}"));
            let (code, report) = chosen.end();
            assert_eq!(code, Some(7), "{report}");
            assert!(report.contains("verdict"), "{report}");
        }
    }

    /// As from a terminal: both get the signal, and the command gets it only once.
    #[test]
    fn ctrl_c_ends_the_command_and_is_reported() {
        let mut chosen = start("echo ready; exec sleep 600");
        assert_eq!(chosen.line(), "ready");
        kill_process_group(chosen.group, Signal::INT).unwrap();
        let (code, report) = chosen.end();
        assert_eq!(code, Some(130), "{report}");
        assert!(report.contains("ended with  signal: 2 (SIGINT)"), "{report}");
    }

    #[test]
    fn ctrl_c_reaches_the_command_once() {
        let script = "n=0; trap 'n=$((n + 1)); echo got INT' INT; trap 'echo $n; exit 0' USR1; \
                      echo ready; while :; do read line; done";
        for _ in 0..5 {
            let mut chosen = start(script);
            assert_eq!(chosen.line(), "ready");
            kill_process_group(chosen.group, Signal::INT).unwrap();
            assert_eq!(chosen.line(), "got INT");
            // Through `choose`, so that a second SIGINT would arrive before it.
            kill_process(chosen.group, Signal::USR1).unwrap();
            assert_eq!(chosen.line(), "1");
            assert_eq!(chosen.end().0, Some(0));
        }
    }

    /// As nohup starts it.
    #[test]
    fn a_signal_that_is_ignored_is_ignored_by_the_command_too() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$0\" sh -c 'kill -HUP $$; echo alive'"]);
        command.arg(&CHOOSE.executable);
        let mut chosen = start_command(command);
        assert_eq!(chosen.line(), "alive");
        let (code, report) = chosen.end();
        assert_eq!(code, Some(0), "{report}");
    }

    /// The daemon keeps stdout and stderr open, and goes on running.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_daemon_is_left_alone_and_named() {
        // A child of the shell, and one whose parent ended earlier.
        for script in ["sleep 600 & echo $!; exit 5", "(sleep 600 & echo $!); exit 5"] {
            let mut chosen = start(script);
            let id = chosen.line();
            let (code, report) = chosen.end();
            assert_eq!(code, Some(5), "{report}");
            let line = format!("  still run   1 of its processes ({id}), not counted further");
            assert!(report.lines().any(|it| it == line), "{line}\n{report}");
            let daemon = id.parse().unwrap();
            assert!(processes::alive(daemon), "choose has not ended it");
            kill_process(processes::id(daemon), Signal::KILL).unwrap();
        }
    }

    #[test]
    fn nothing_is_left_behind() {
        let mut chosen = start("sleep 0.2 | cat");
        chosen.end();
        assert!(test_kill_process_group(chosen.group).is_err(), "a process is left");
    }
}
