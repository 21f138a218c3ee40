//! The table of words: every word that the guide itself puts on a page is in it.

use std::collections::BTreeSet;

use guide::book::For;
use guide::book::preprocessor::{Examples, RESULTS};
use guide::figures::words::{
    ChooserWords, CostWords, LedgerWords, OutcomeWords, OverviewWords, ScheduleWords, StateWords,
    Words,
};
use guide::page::Page;
use harness::examples::Workspace;
use picture::words::{Replay, Words as PictureWords};
use regex::Regex;
use tests::fixture::{Fixture, RECORDING, SOURCE};

/// A word of a table, without a single Latin letter.
const X: &str = "7";

fn x() -> String {
    X.to_owned()
}

const PICTURE: PictureWords = PictureWords {
    language: X,
    timeline: X,
    output: X,
    stderr: X,
    from_to: |_, _| x(),
    thread: |_| x(),
    os_threads: X,
    more_threads: |_| x(),
    cores_in_use: X,
    cores: |_| x(),
    state: |_| X,
    bar: X,
    mark: X,
    mix: X,
    fact: |_| x(),
    lines_and_times: X,
    on_stderr: X,
    replay: Replay {
        label: X,
        play: X,
        pause: X,
        position: X,
        at: X,
        previous: X,
        next: X,
        speed: X,
        real: X,
        slower: X,
        output: X,
        no_output: X,
    },
};

/// A table that says nothing.
const MARKED: Words = Words {
    language: X,
    skip: X,
    in_part: X,
    output: X,
    output_of_both: X,
    differs: X,
    order: |_| Some(X),
    variants: X,
    one_axis: X,
    tested_by: X,
    own_crate: X,
    own_dependency: X,
    own_path: X,
    own_copy: X,
    own_files: X,
    own_module: X,
    recorded_run: X,
    recorded: |_, _| x(),
    day_and_machine: |_, _| x(),
    picture: &PICTURE,
    workers: |_, _| x(),
    threads: |_| x(),
    processes: |_| x(),
    cpu_time: |_| x(),
    costs: CostWords {
        title: X,
        example: X,
        language: X,
        time: X,
        cpu_time: X,
        memory: X,
        threads: X,
        processes: X,
        not_known: X,
    },
    all_figures: X,
    implementation: X,
    left_out: |_, _, _| x(),
    measured: |_, _, _| x(),
    measure_again: X,
    axis: |_, _, _| x(),
    range: |_, _| x(),
    overview: OverviewWords { question: X, size: X, ahead: X, next: X },
    ledger: LedgerWords {
        claim: X,
        article: X,
        rust: X,
        proof: X,
        holds: X,
        partly: X,
        fails: X,
        does_not_apply: X,
        example: X,
        benchmark: X,
        test: X,
    },
    chooser: ChooserWords {
        title: X,
        yes: X,
        no: X,
        otherwise: X,
        question: |_, question| question.to_owned(),
        answer: |model| model.to_owned(),
        take: X,
        start_from: X,
        reasons: X,
        again: X,
    },
    schedule: ScheduleWords {
        caption: X,
        broken: X,
        fixed: X,
        no_failure: X,
        step: X,
        runs: X,
        starts: X,
        returns: X,
        prints: X,
        tries: X,
        all: X,
        all_pass: X,
        stepper: X,
        step_of: X,
        all_steps: X,
        first: X,
        back: X,
        forward: X,
        difference: X,
        chooser: X,
        choices: X,
        thread_starts: X,
        again: X,
        which: X,
        passed: X,
        failed: X,
        states: StateWords {
            runs: X,
            ready: X,
            blocks: X,
            blocked: X,
            ends: X,
            ended: X,
            panics: X,
        },
    },
    outcomes: OutcomeWords {
        variant: X,
        outcome: X,
        seen: X,
        kind: X,
        expected: X,
        surprising: X,
        forbidden: X,
        runs: |_, _, _| x(),
    },
    transcript: |_, _| x(),
};

/// What the pages of the fixture may contain: the names and texts that its own files give.
const OF_THE_FIXTURE: &[&str] = &[
    // The example, its source, its test and its recording.
    "Rust", "Python", "one", "Says", "hello", "says", "main", "rs", "py", "src", "examples",
    "async", "tests", "suite", "prints", "Worker", "tick", "id", "loud", "variant",
    // The benchmark and the ledger.
    "race", "hare", "tortoise", "laps", "It", "Indeed", "C", // Units.
    "s", "ms", "MiB",
];

#[test]
fn every_word_that_the_guide_puts_on_a_page_is_in_the_table() {
    let fixture = Fixture::new();
    fixture
        .example("one", &format!("{SOURCE}// ANCHOR: part\nfn part() {{}}\n// ANCHOR_END: part\n"));
    fixture.write(
        "examples-async/one/one.py",
        "print('hello')\n# ANCHOR: part\npass\n# ANCHOR_END: part\n",
    );
    // Bars, one of them without an end, marks on both streams, and each order of lines.
    let lines = [
        ("stdout", "Worker 0 starting"),
        ("stdout", "Worker 1 starting"),
        ("stdout", "Worker 1 finished"),
        ("stdout", "tick"),
        ("stdout", "tick"),
        ("stderr", "hello 7"),
    ];
    let lines: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(at, (stream, text))| {
            serde_json::json!({ "at": at as f64 / 10.0, "stream": stream, "text": text })
        })
        .collect();
    let mut recording: serde_json::Value = serde_json::from_str(RECORDING).unwrap();
    recording["rust"]["lines"] = lines.into();
    recording["rust"]["wall"] = 1.0.into();
    // Every state, some of them too short to be drawn alone, and more threads than there are lanes.
    let states = format!("c100 r100 l100 s100 i100 p100 w100 t100 {}", "c0.5 l0.5 ".repeat(100));
    let thread = serde_json::json!({
        "process": 0, "name": "7", "from": 0.0, "spans": states, "at_end": true
    });
    recording["rust"]["activity"] = serde_json::json!({
        "threads": [thread], "more": 3, "cores": { "step": 0.5, "used": "0.3 0.3" }
    });
    recording["python"] = recording["rust"].clone();
    recording["python"]["command"] = "python3 examples-async/one/one.py".into();
    recording["python"]["memory"] = serde_json::Value::Null;
    fixture.write("guide/recordings/one.json", &recording.to_string());
    let snapshot = "---\nx\n---\nin any order:\n  Worker 0 starting\n  Worker 1 starting\n\
        in order:\n  Worker 1 finished\none or more times:\n  tick\non stderr:\n  hello <id>\n";
    fixture.write("tests/snapshots/one.snap", snapshot);
    // Its question, method and measure have no letters, so that they hide none of the guide's words.
    let results = crate::bench::KEPT
        .replace("Who wins?", "?")
        .replace("They run.", "!")
        .replace("\"time\"", "\"1\"")
        .replace("it sleeps", "2");
    fixture.write(RESULTS, &results);
    let ledger = crate::bench::ledger(
        "[\"example one\", \"benchmark race\", \"test examples_async/one prints\"]",
    )
    .replacen("verdict = \"holds\"", "verdict = \"partly\"", 1)
    .replacen("verdict = \"holds\"", "verdict = \"false\"", 1)
    .replacen("verdict = \"holds\"", "verdict = \"does not apply\"", 1);
    fixture.write("guide/en/ledger.toml", &ledger);

    fixture.variant("one", "loud", &["1"]);
    let chooser = super::chooser::CHOOSER.replace("\"time\"", "\"1\"");
    fixture.write("guide/en/chooser.toml", &chooser);
    fixture.write("guide/en/which.md", super::chooser::WHICH);
    // With its own source, with a snapshot of its Python counterpart's, in part, and all tables.
    let text = "{{#example one}}\n\n{{#example one:part}}\n\n{{#costs}}\n\n{{#compare one one}}\n\n\
        {{#benchmark race}}\n\n{{#benchmarks}}\n\n{{#ledger}}\n\n{{#variants one}}\n\n{{#chooser}}\n";
    let page = |path: &str| Page {
        path: path.to_owned(),
        file: format!("guide/en/{path}"),
        text: text.to_owned(),
    };
    let expand = || {
        let workspace = Workspace::find(fixture.root()).unwrap();
        let examples =
            Examples::new(workspace, For::Server { words: "{}".to_owned() }, None).unwrap();
        let folder = fixture.root().join("guide/en");
        let pages = examples.expand(&[page("index.md")], &folder, &MARKED).unwrap();
        words_of(&pages[0])
    };
    let mut words = expand();
    fixture.write("tests/snapshots/one.py.snap", snapshot);
    words.extend(expand());

    let known: BTreeSet<_> = OF_THE_FIXTURE.iter().map(|word| (*word).to_owned()).collect();
    let unknown: Vec<_> = words.difference(&known).collect();
    assert!(unknown.is_empty(), "not in the table of words: {unknown:?}");
    assert!(words.contains("Worker") && words.contains("hare"), "the pages were read: {words:?}");
}

/// The words that a reader sees or hears: of the text and of the attributes that are read aloud,
/// without code and output.
fn words_of(html: &str) -> BTreeSet<String> {
    let hidden = r"(?s)<(pre|code|samp)\b.*?</(pre|code|samp)>|`{6}.*?`{6}";
    let html = Regex::new(hidden).unwrap().replace_all(html, " ");
    let read_aloud =
        Regex::new(r#" (?:aria-label|title|alt|placeholder|data-[a-z-]+)="([^"]*)""#).unwrap();
    let text = Regex::new(r"(?s)<[^>]*>|&[#a-z0-9]+;|\\n").unwrap();
    let json_key = Regex::new(r#""[a-z_]+":"#).unwrap();
    let visible = json_key.replace_all(&html, " ");
    let visible = text.replace_all(&visible, " ");
    let aloud = read_aloud.captures_iter(&html).map(|found| found[1].to_owned());
    let word = Regex::new("[A-Za-z]+").unwrap();
    aloud
        .chain([visible.into_owned()])
        .flat_map(|text| {
            word.find_iter(&text).map(|word| word.as_str().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}
