//! The table of words: every word that the guide itself puts on a page is in it.

use std::collections::BTreeSet;

use guide::book::preprocessor::{Examples, RESULTS};
use guide::figures::words::{ChooserWords, ScheduleWords, Words};
use guide::page::Page;
use harness::examples::Workspace;
use picture::words::{Replay, Words as PictureWords};
use regex::Regex;
use tests::fixture::{Fixture, RECORDING, SOURCE};

/// The words of a picture, without a single Latin letter, as in [`MARKED`].
const PICTURE: PictureWords = PictureWords {
    timeline: "15",
    output: "16",
    stderr: "17",
    from_to: |_, _| "19".to_owned(),
    thread: |_| "18".to_owned(),
    os_threads: "151",
    more_threads: |_| "20".to_owned(),
    cores_in_use: "21",
    cores: |_| "126".to_owned(),
    state: |_| "127",
    bar: "135",
    mark: "136",
    mix: "137",
    fact: |_| "138".to_owned(),
    replay: Replay {
        label: "139",
        play: "140",
        pause: "141",
        position: "142",
        at: "143",
        previous: "144",
        next: "145",
        speed: "146",
        real: "147",
        slower: "148",
        output: "149",
        no_output: "150",
    },
};

/// A table without a single Latin letter.
const MARKED: Words = Words {
    language: "1",
    skip: "125",
    in_part: "2",
    output: "3",
    output_of_both: "4",
    differs: "5",
    order: |_| Some("6"),
    on_stderr: "7",
    variants: "126",
    one_axis: "127",
    tested_by: "8",
    own_crate: "9",
    own_files: "10",
    own_module: "10b",
    recorded_run: "11",
    recorded: |_, _| "12".to_owned(),
    day_and_machine: |_, _| "13".to_owned(),
    lines_and_times: "14",
    picture: &PICTURE,
    workers: |_, _| "22".to_owned(),
    threads: |_| "23".to_owned(),
    processes: |_| "24".to_owned(),
    cpu_time: |_| "25".to_owned(),
    costs: "26",
    costs_columns: ["27", "28"],
    cost_names: ["29", "30", "31", "32", "33"],
    not_known: "34",
    all_figures: "35",
    implementation: "36",
    left_out: |_, _, _| "37".to_owned(),
    measured: |_, _, _| "38".to_owned(),
    measure_again: "39",
    axis: |_, _, _| "40".to_owned(),
    range: |_, _| "41".to_owned(),
    benchmarks: ["42", "43", "44", "45"],
    ledger: ["46", "47", "48", "49"],
    verdicts: ["50", "51", "52", "73"],
    proofs: ["53", "54", "55"],
    chooser: ChooserWords {
        title: "130",
        yes: "131",
        no: "132",
        otherwise: "133",
        question: |_, question| format!("134 {question}"),
        answer: |model| format!("135 {model}"),
        take: "136",
        start_from: "137",
        reasons: "139",
        again: "138",
    },
    schedule: ScheduleWords {
        caption: "80",
        broken: "81",
        fixed: "82",
        no_failure: "83",
        step: "84",
        runs: "85",
        starts: "86",
        returns: "87",
        prints: "88",
        found: "89",
        all: "90",
        all_pass: "91",
        stepper: "92",
        step_of: "93",
        all_steps: "94",
        first: "95",
        back: "96",
        forward: "97",
        difference: "98",
        chooser: "99",
        choices: "100",
        thread_starts: "101",
        again: "102",
        which: "103",
        passed: "104",
        failed: "105",
        states: ["110", "111", "112", "113", "114", "115", "116"],
    },
    outcomes: ["117", "118", "119", "120"],
    outcome_kinds: ["121", "122", "123"],
    outcome_runs: |_, _, _| "124".to_owned(),
    transcript: |_, _| "126".to_owned(),
};

/// The words that the pages of the fixture may contain, because they are in its own files.
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
        "threads": [thread], "more": 3, "cores": { "step": 0.5, "used": [0.3, 0.3] }
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
        let mut examples = Examples::new(Workspace::find(fixture.root()).unwrap()).unwrap();
        examples.has_copies = true;
        examples.live_words = Some("{}".to_owned());
        let folder = fixture.root().join("guide/en");
        let pages = examples.expand(&[page("index.md")], &folder, &MARKED).unwrap();
        words_of(&pages[0])
    };
    let mut words = expand();
    fixture.write("tests/snapshots/one.py.snap", snapshot);
    words.extend(expand());

    let expected: BTreeSet<_> = OF_THE_FIXTURE.iter().map(|word| (*word).to_owned()).collect();
    let unknown: Vec<_> = words.difference(&expected).collect();
    assert!(unknown.is_empty(), "not in the table of words: {unknown:?}");
    assert!(words.contains("Worker") && words.contains("hare"), "the pages were read: {words:?}");
}

/// The words that a reader sees or hears: of the text and of the attributes that are read aloud,
/// without code and output.
fn words_of(html: &str) -> BTreeSet<String> {
    let hidden = r"(?s)<(pre|code|samp)\b.*?</(pre|code|samp)>|`{6}.*?`{6}";
    let html = Regex::new(hidden).unwrap().replace_all(html, " ");
    let read_aloud = Regex::new(r#" (?:aria-label|title|alt|placeholder)="([^"]*)""#).unwrap();
    let text = Regex::new(r"(?s)<[^>]*>|&[#a-z0-9]+;|\\n").unwrap();
    let json_key = Regex::new(r#""[a-z_]+":"#).unwrap();
    let visible = json_key.replace_all(&html, " ");
    let visible = text.replace_all(&visible, " ");
    let aloud = read_aloud.captures_iter(&html).map(|attribute| attribute[1].to_owned());
    let word = Regex::new("[A-Za-z]+").unwrap();
    aloud
        .chain([visible.into_owned()])
        .flat_map(|text| {
            word.find_iter(&text).map(|word| word.as_str().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}
