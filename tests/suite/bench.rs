//! The benchmarks: what `bench` prints and writes, and how the book checks its pages against it.
//!
//! Nothing here asserts that one implementation is faster: benchmarks measure, tests check.

use std::collections::BTreeSet;
use std::fs;
#[cfg(target_os = "linux")]
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::time::Duration;

use guide::book::measured;
use guide::book::preprocessor::RESULTS;
use harness::kept::results::{Category, LeftOut, Results};
#[cfg(target_os = "linux")]
use harness::run::{End, Limits, Running};
use harness::run::{Program, Stream};
use tests::fixture::{Fixture, PAGE};
#[cfg(target_os = "linux")]
use tests::{LIMIT, has, run_within, runtime};
use tests::{Output, WORKSPACE, package, run};

/// The program `bench`, in a debug build like everything that is tested.
fn bench(arguments: &[&str]) -> Program {
    package("bench", arguments)
}

/// A quick run of a benchmark, and its results.
fn quick_run(mut program: Program, benchmark: &str) -> (Output, Results) {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--quick", "--milliseconds", "10", "--only", benchmark, "--rounds", "2", "--dest"];
    program.arguments.extend(arguments.map(Into::into));
    program.arguments.push(folder.path().into());
    let output = run(&program);
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let results = Results::read(&folder.path().join("results.json")).unwrap();
    (output, results)
}

#[test]
fn a_benchmark_gives_each_implementation_a_figure_for_each_round() {
    let (output, results) = quick_run(bench(&[]), "start");
    let benchmark = results.benchmark("start").unwrap();
    assert!(benchmark.quick);
    for entry in &benchmark.entries {
        let rounds = &entry.figures["time"];
        assert_eq!(rounds.len(), 2, "{}", entry.implementation);
        assert!(rounds.iter().all(|figure| *figure > 0.0), "{}", entry.implementation);
    }
    let implementations: BTreeSet<_> =
        benchmark.entries.iter().map(|entry| entry.implementation.as_str()).collect();
    assert!(implementations.is_superset(&["tokio task", "std thread", "process"].into()));
    let printed: Vec<_> = output.of(Stream::Stdout).collect();
    for implementation in implementations {
        assert!(
            printed.iter().any(|line| line.trim_start().starts_with(implementation)),
            "{implementation}"
        );
    }
    assert!(printed.contains(&"The best implementations"));
    let last = *printed.last().unwrap();
    assert!(last.starts_with("`cargo run -p guide -- check ") && last.contains("results.json`"));
}

#[cfg(unix)]
#[test]
fn without_python_its_implementations_are_reported_as_left_out() {
    let rustc = Program {
        executable: "rustc".into(),
        arguments: ["--print", "sysroot"].map(Into::into).to_vec(),
        folder: WORKSPACE.root.clone(),
    };
    // A PATH with nothing but rustc, whose version the program asks for.
    let sysroot =
        run(&rustc).of(Stream::Stdout).next().expect("rustc prints its sysroot").to_owned();
    let path = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(format!("{sysroot}/bin/rustc"), path.path().join("rustc")).unwrap();
    let mut program = bench(&[]);
    let bench = program.executable.display().to_string();
    program.arguments = [format!("PATH={}", path.path().display()), bench].map(Into::into).to_vec();
    program.executable = "/usr/bin/env".into();

    let (output, results) = quick_run(program, "start");
    let benchmark = results.benchmark("start").unwrap();
    assert!(benchmark.entries.iter().all(|entry| entry.category == Category::Rust));
    assert!(!benchmark.left_out.is_empty());
    for out in &benchmark.left_out {
        assert!(out.implementation.starts_with("Python "), "{}", out.implementation);
        let line = format!("left out: {}: there is no Python 3.11 or newer", out.implementation);
        assert!(output.of(Stream::Stdout).any(|it| it == line), "{line}: {:#?}", output.lines);
    }
}

/// The processes whose temporary files go into this folder: a program, and all that it started.
#[cfg(target_os = "linux")]
fn processes_of(folder: &Path) -> Vec<i32> {
    let variable = format!("TMPDIR={}", folder.display());
    let all = procfs::process::all_processes().expect("/proc is there").filter_map(Result::ok);
    let named = all.filter(|process| {
        let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
    });
    named.map(|process| process.pid).collect()
}

/// The program `bench` with this folder for temporary files. It uses this Python and installs none.
#[cfg(target_os = "linux")]
fn bench_in(folder: &Path, python: Option<PathBuf>, arguments: &[&str]) -> Program {
    let mut program = bench(&[]);
    let variable = format!("TMPDIR={}", folder.display());
    program.arguments = vec![variable.into(), program.executable.into()];
    program.executable = "/usr/bin/env".into();
    program.arguments.extend(arguments.iter().map(Into::into));
    program.arguments.extend(python.into_iter().flat_map(|path| ["--python".into(), path.into()]));
    program
}

/// Nothing that was started with this folder is running any more, and the folder is empty.
#[cfg(target_os = "linux")]
fn assert_nothing_is_left(folder: &Path) {
    let began = std::time::Instant::now();
    // Workers end by themselves when their pool is gone.
    while !processes_of(folder).is_empty() {
        assert!(began.elapsed() < LIMIT, "{:?} still run", processes_of(folder));
        std::thread::yield_now();
    }
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.is_empty(), "{files:?} are left");
}

#[cfg(target_os = "linux")]
#[test]
fn the_queues_are_measured_and_leave_no_process_and_no_file() {
    if !has(Path::new("nats-server")) {
        return;
    }
    let celery = std::env::var_os("PYTHON_WITH_CELERY").map(PathBuf::from);
    // Without it the rest is still measured.
    let has_celery = match &celery {
        Some(_) => has(Path::new("redis-server")),
        None => has(Path::new("PYTHON_WITH_CELERY (see .ci/run)")),
    };
    let python = celery.or_else(|| runtime().block_on(harness::run::interpreter()));
    let (folder, destination) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dest = destination.path().display().to_string();
    let arguments = ["--quick", "--milliseconds", "10", "--rounds", "1", "--only", "queue"];
    let arguments = [&arguments[..], &["--dest", &dest]].concat();
    let program = bench_in(folder.path(), python, &arguments);
    let output = run_within(&program, 5 * LIMIT);
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    assert_nothing_is_left(folder.path());

    let results = Results::read(&destination.path().join("results.json")).unwrap();
    let queue = results.benchmark("queue").unwrap();
    let measures = |name: &str| -> BTreeSet<&str> {
        let entry = queue.entries.iter().find(|entry| entry.implementation == name);
        entry.map(|entry| entry.figures.keys().map(String::as_str).collect()).unwrap_or_default()
    };
    let all: BTreeSet<_> = queue.measures.iter().map(|measure| measure.name.as_str()).collect();
    assert_eq!(measures("job queue"), all);
    assert_eq!(measures("NATS request"), ["empty jobs", "round trip"].into());
    let in_python = ["Celery", "RQ", "RQ, SimpleWorker"];
    for name in in_python.into_iter().filter(|_| has_celery) {
        let mut expected = all.clone();
        expected.remove("redelivery");
        assert_eq!(measures(name), expected, "{name}: {:?}", queue.left_out);
    }
    let left_out: Vec<_> = queue.left_out.iter().map(|out| out.implementation.as_str()).collect();
    assert_eq!(left_out, if has_celery { &[][..] } else { &in_python[..] });
}

/// Ctrl-C, and an end of the session, while a queue is measured.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_queue_leaves_no_process_and_no_file() {
    use rustix::process::{Signal, kill_process};

    if !has(Path::new("nats-server")) {
        return;
    }
    let python = runtime().block_on(harness::run::interpreter());
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = tempfile::tempdir().unwrap();
        let program = bench_in(folder.path(), python.clone(), &["--only", "queue"]);
        runtime().block_on(async {
            let limits = Limits { time: 3 * LIMIT, ..Limits::default() };
            let mut running = Running::start(&program, limits).unwrap();
            let is_server = |pid: &i32| {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                name.trim_end() == "nats-server"
            };
            let began = std::time::Instant::now();
            while !processes_of(folder.path()).iter().any(is_server) {
                assert!(began.elapsed() < LIMIT, "no server starts");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            kill_process(tests::processes::id(running.id()), signal).unwrap();
            while running.line().await.is_some() {}
            match running.end().await.unwrap().0 {
                End::Exited(status) => assert_eq!(status.code(), Some(code)),
                End::PastLimit => panic!("it does not end"),
            }
        });
        assert_nothing_is_left(folder.path());
    }
}

#[test]
fn an_unknown_benchmark_is_refused_in_one_line() {
    let output = run(&bench(&["--only", "nonsense"]));
    assert_eq!(output.code(), Some(2));
    assert_eq!(output.lines.len(), 1, "{:#?}", output.lines);
    assert!(output.lines[0].text.starts_with("error: no benchmark nonsense; there are "));
}

#[test]
fn the_figures_of_a_quick_run_cannot_be_kept() {
    for hasty in [&["--quick"][..], &["--milliseconds", "10"]] {
        let output = run(&bench(&[hasty, &["--keep"]].concat()));
        assert_eq!(output.code(), Some(2));
        let error = &output.lines[0].text;
        assert!(
            error.contains(hasty[0]) && error.contains("cannot be used with '--keep'"),
            "{error}"
        );
    }
}

/// The figures that the book quotes come from a full run of every benchmark, with no implementation
/// left out.
#[test]
fn the_kept_results_are_from_all_benchmarks() {
    let results = Results::read(&WORKSPACE.root.join(RESULTS)).unwrap();
    let output = run(&bench(&["--list"]));
    let known: BTreeSet<_> = output
        .of(Stream::Stdout)
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    let kept: BTreeSet<_> =
        results.benchmarks.iter().map(|benchmark| benchmark.name.clone()).collect();
    assert_eq!(kept, known);
    for benchmark in &results.benchmarks {
        assert!(!benchmark.quick, "{}", benchmark.name);
        assert_eq!(benchmark.left_out, [], "{}", benchmark.name);
        for entry in &benchmark.entries {
            let decides = entry.rounds(&benchmark.measures[0]).len();
            assert!(decides >= 3, "{}, {}: {decides} rounds", benchmark.name, entry.implementation);
            for measure in entry.figures.keys() {
                benchmark.measure(measure).unwrap();
            }
        }
    }
}

/// The results of the book with the std threads of the benchmark `start` a thousand times as slow.
#[test]
fn guide_check_lists_the_statements_that_results_contradict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let check = || run(&package("guide", &["check", file.to_str().unwrap()]));
    let mut results = Results::read(&WORKSPACE.root.join(RESULTS)).unwrap();
    results.write(&file).unwrap();
    let output = check();
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    assert!(
        output.lines[0].text.ends_with(" hold, 0 don't, 0 not measured"),
        "{:#?}",
        output.lines
    );

    results.benchmarks.retain(|benchmark| benchmark.name == "start");
    for entry in &mut results.benchmarks[0].entries {
        if entry.implementation == "std thread" {
            entry.figures.values_mut().flatten().for_each(|figure| *figure *= 1000.0);
        }
    }
    results.write(&file).unwrap();
    let output = check();
    assert_eq!(output.code(), Some(1), "{:#?}", output.lines);
    let printed: Vec<_> = output.of(Stream::Stdout).collect();
    for place in ["threads-or-processes.md", "ledger.toml", "chooser.toml"] {
        let start = format!("guide/en/{place}:");
        let is_listed =
            |line: &&str| line.starts_with(&start) && line.contains("std thread, not at");
        assert!(printed.iter().any(is_listed), "{place}: {printed:#?}");
    }
}

#[test]
fn a_statement_of_the_book_is_contradicted_unmeasured_or_misspelled() {
    let statements = [
        ("race, 10: hare <= 0.2 tortoise", ""),
        ("race, 10: snail <= 3 s", ""), // left out
        ("race, 20: snail >= 9 hare", "race has no hare at 20"),
        ("race, 10: hair <= 0.2 tortoise", "race has no hair at 10"),
        ("race, 10, width: hare <= 1", "race has no measure width; it has time"),
        ("races: hare <= 1", "no benchmark races; there are walk, race"),
        ("walk, 10: tortoise <= hare", ""), // not among the new results
        ("walk, 10: hare <= 0.2 tortoises", "walk has no tortoises at 10"),
        ("race, 10: tortoise <= hare", "race, time: tortoise is 10.0 times hare, not at most 1"),
        (
            "race, 10: tortoise < hare",
            "the statement \"race, 10: tortoise < hare\": it has neither",
        ),
    ];
    let page: String = statements.map(|(text, _)| format!("{{{{#measured {text}}}}}\n")).concat();
    let fixture = with_results(&page);
    fixture.write(RESULTS, &KEPT.replace("\"race\"", "\"walk\""));
    let proof = "[\"example one\"]\nmeasured = [\"race, 10: hare >= tortoise\"]";
    fixture.write("guide/en/ledger.toml", &ledger(proof));

    let report = measured::check(fixture.root(), serde_json::from_str(KEPT).unwrap()).unwrap();
    assert_eq!((report.holding, report.not_measured), (1, 2));
    let mut faults = report.faults.iter().map(ToString::to_string);
    for (number, (_, message)) in (5..).zip(statements).filter(|(_, (_, it))| !it.is_empty()) {
        let fault = faults.next().unwrap();
        let start = format!("guide/en/index.md:{number}: {message}");
        assert!(fault.starts_with(&start), "expected {start:?}: {fault}");
    }
    // The line of the claim's statement, below its four other lines.
    let expected =
        "guide/en/ledger.toml:36: race, time: hare is 0.100 times tortoise, not at least 1";
    assert_eq!(faults.next().unwrap(), expected);
    assert_eq!(faults.next(), None);
    assert_eq!(report.to_string(), "statements: 1 hold, 8 don't, 2 not measured");
}

/// A results file with one benchmark of two implementations.
pub(crate) const KEPT: &str = r#"{
  "version": 2,
  "machine": { "cores": 2, "memory": 1073741824, "system": "Linux 6" },
  "languages": ["rustc 1.89.0"],
  "benchmarks": [{
    "name": "race", "measured": "2026-01-02T03:04:05Z", "quick": false,
    "question": "Who wins?", "method": "They run.", "sizes": "laps",
    "measures": [{ "name": "time", "unit": "s", "better": "less" }],
    "entries": [
      { "implementation": "hare", "category": "rust", "size": 10, "figures": { "time": [1.0, 2.0, 3.0] } },
      { "implementation": "tortoise", "category": "python", "size": 10,
        "figures": { "time": [10.0, 40.0, 30.0] } }
    ],
    "left_out": [{ "implementation": "snail", "size": 10, "why": "it sleeps" }]
  }]
}
"#;

fn with_results(page: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(RESULTS, KEPT);
    fixture.write("guide/en/index.md", &format!("{PAGE}\n{page}"));
    fixture
}

#[test]
fn a_page_shows_a_benchmark_with_a_text_alternative() {
    let page =
        "{{#benchmark race}}\n\n{{#benchmarks}}\n\n{{#measured race, 10: hare <= 0.2 tortoise}}\n";
    let fixture = with_results(page);
    let book = fixture.build().unwrap();
    let page = fs::read_to_string(book.join("index.html")).unwrap();
    for part in [
        "id=\"benchmark-race\"",
        "<strong>Who wins?</strong> They run.",
        "<svg class=\"dots\" role=\"img\"",
        "10 laps: hare: 2.00 s (1.00 to 3.00); tortoise: 30.0 s (10.0 to 40.0)</desc>",
        "Left out: snail from 10 on: it sleeps",
        "the median of 3 rounds",
        "2026-01-02 on 2 cores, 1 GiB, Linux 6; rustc 1.89.0",
        "cargo run --release -p bench -- --only race",
        "<a href=\"index.html#benchmark-race\">Who wins?</a>",
        "<td>hare: 2.00\u{a0}s</td><td>tortoise: 10.0\u{a0}×</td>",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains("measured race"));
}

#[test]
fn a_page_that_the_figures_contradict_fails_the_build() {
    let cases = [
        (
            "{{#benchmark race}}\n\n{{#benchmark race}}\n",
            "guide/results.json:1: race is shown more",
        ),
        ("", "guide/results.json:1: no page shows the benchmark; put {{#benchmark race}}"),
        ("{{#benchmark walk}}\n", "guide/en/index.md:5: no benchmark walk; there are race"),
        (
            "{{#benchmark race: width}}\n",
            "guide/en/index.md:5: race has no measure width; it has time",
        ),
        (
            "{{#measured race, 10: tortoise <= hare}}\n",
            "guide/en/index.md:5: what was measured contradicts the page: race, time: tortoise is \
             10.0 times hare, not at most 1",
        ),
        ("{{#measured race, 10: hare <= 1.5}}\n", "hare is 2.00 s, not at most 1.5"),
        ("{{#measured race, 10: hare < tortoise}}\n", "it has neither <= nor >="),
        ("{{#measured race, 20: hare <= tortoise}}\n", "race has no hare at 20"),
    ];
    for (page, expected) in cases {
        let error = format!("{:#}", with_results(page).build().expect_err(expected));
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }
    let fixture = with_results("{{#benchmark race}}\n");
    fixture.write(RESULTS, &KEPT.replace("\"version\": 2", "\"version\": 3"));
    let error = format!("{:#}", fixture.build().unwrap_err());
    assert!(error.contains("version 3") && error.contains("-p bench -- --keep"), "{error}");
}

/// The ledger of a small book, with this proof for the claim C7.
pub(crate) fn ledger(proof: &str) -> String {
    (1..=25)
        .map(|number| {
            let proof = if number == 7 { proof } else { "[\"example one\"]" };
            format!(
                "[C{number}]\narticle = \"It says {number}.\"\nverdict = \"holds\"\n\
                 rust = \"Indeed.\"\nproof = {proof}\n"
            )
        })
        .collect()
}

#[test]
fn the_ledger_links_each_claim_to_its_proof() {
    let fixture = with_results("{{#benchmark race}}\n\n{{#ledger}}\n");
    let proof = "[\"example one\", \"benchmark race\", \"test one works\"]";
    fixture.write("guide/en/ledger.toml", &ledger(proof));
    fixture.write("tests/suite/one.rs", "#[test]\nfn works() {}\n");
    let book = fixture.build().unwrap();
    let page = fs::read_to_string(book.join("index.html")).unwrap();
    for part in [
        "<tr id=\"claim-25\">",
        "<td>It says 7.</td>",
        "<strong>holds</strong>: Indeed.",
        "example <a href=\"index.html\"><code>one<wbr></code></a>",
        "benchmark <a href=\"index.html#benchmark-race\"><code>race<wbr></code></a>",
        "test <a href=\"tests/suite/one.rs.txt#:~:text=fn%20works(\"><code>works<wbr></code></a>",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(book.join("tests/suite/one.rs.txt").is_file());
}

/// A kept benchmark replaces the old one of the same name.
#[test]
fn benchmarks_are_kept_next_to_those_that_were_measured_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    let results = |change: fn(&mut Results)| {
        let mut results: Results = serde_json::from_str(KEPT).unwrap();
        results.benchmarks[0].left_out.clear();
        change(&mut results);
        results
    };
    let kept = || {
        let kept = Results::read(&file).unwrap().benchmarks;
        kept.into_iter().map(|benchmark| (benchmark.name, benchmark.question)).collect::<Vec<_>>()
    };
    let named = |name: &str, question: &str| (name.to_owned(), question.to_owned());

    results(|_| {}).keep(&file).unwrap();
    results(|results| results.benchmarks[0].name = "walk".into()).keep(&file).unwrap();
    assert_eq!(kept(), [named("race", "Who wins?"), named("walk", "Who wins?")]);
    results(|results| results.benchmarks[0].question = "Who?".into()).keep(&file).unwrap();
    assert_eq!(kept(), [named("race", "Who?"), named("walk", "Who wins?")]);

    let refused = |change: fn(&mut Results), why: &str| {
        let error = format!("{:#}", results(change).keep(&file).expect_err(why));
        assert!(error.contains(why), "{error}");
        assert_eq!(kept().len(), 2, "the file stays");
    };
    refused(|results| results.benchmarks[0].quick = true, "comes from a quick run");
    refused(|results| results.machine.cores = 64, "another machine");
    refused(|results| results.languages.clear(), "other versions");
    refused(
        |results| {
            let why = "asleep".to_owned();
            let implementation = "hare".to_owned();
            results.benchmarks[0].left_out.push(LeftOut { implementation, size: None, why });
        },
        "race lacks hare",
    );
}

#[test]
fn a_claim_without_a_proof_fails_the_build() {
    let cases = [
        ("[]", "the claim C7: it has no proof"),
        ("[\"example two\"]", "the claim C7: no example is named \"two\""),
        ("[\"benchmark walk\"]", "the claim C7: no benchmark walk"),
        ("[\"test one works\"]", "the claim C7: there is no file tests/suite/one.rs"),
        ("[\"test two works\"]", "the claim C7: tests/suite/two.rs has no test works"),
        // After the proof, what has to be true of the figures.
        (
            "[\"benchmark race\"]\nmeasured = [\"race, 10: tortoise <= hare\"]",
            "the claim C7: what was measured contradicts it: race, time: tortoise is 10.0 times hare",
        ),
    ];
    for (proof, expected) in cases {
        let fixture = with_results("{{#benchmark race}}\n\n{{#ledger}}\n");
        fixture.write("tests/suite/two.rs", "fn works() {}\n");
        fixture.write("guide/en/ledger.toml", &ledger(proof));
        let error = format!("{:#}", fixture.build().expect_err(expected));
        assert!(error.contains(&format!("guide/en/index.md:7: {expected}")), "{error}");
    }
    for (ledger, expected) in [
        (ledger("[\"example one\"]").replace("[C25]", "[C26]"), "must have the claims C1 to C25"),
        (ledger("[\"belief\"]"), "\"belief\" is none of"),
    ] {
        let fixture = with_results("{{#benchmark race}}\n\n{{#ledger}}\n");
        fixture.write("guide/en/ledger.toml", &ledger);
        let error = format!("{:#}", fixture.build().unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
}
