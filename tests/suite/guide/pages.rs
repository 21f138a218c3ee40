//! The guide: the strict build of the book, its commands and its server.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use guide::book::repository::Repository;
use guide::book::screenshot;
use guide::serve::{Server, Settings};
use harness::examples::Workspace;
use harness::kept::recording::record_all;
use harness::run::{Limits, Program, Stream};
use regex::Regex;
use tests::browser::{Browser, axe};
use tests::fixture::{Fixture, PAGE, RECORDING, SOURCE};
use tests::http::Connection;
use tests::{LIMIT, WORKSPACE, book, has, package, run, runtime};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[test]
fn a_sound_book_holds_source_command_and_output() {
    let fixture = Fixture::new();
    fixture.write("examples-async/one/one.py", "print('hello')\n");
    let mut recording: serde_json::Value = serde_json::from_str(RECORDING).unwrap();
    recording["rust"]["wall"] = 0.5.into();
    recording["rust"]["activity"] = serde_json::json!({
        "threads": [
            { "process": 0, "name": "one", "from": 0.0, "spans": "s500", "at_end": true }
        ],
        "more": 0, "cores": { "step": 0.0, "used": "" }
    });
    recording["python"] = recording["rust"].clone();
    recording["python"]["command"] = "python3 examples-async/one/one.py".into();
    fixture.write("guide/recordings/one.json", &recording.to_string());
    let book = fixture.build().unwrap();
    let page = fs::read_to_string(book.join("index.html")).unwrap();
    for part in [
        "println!(&quot;hello&quot;);",
        "cargo run -p one",
        "<samp>hello",
        "print(&#39;hello&#39;)",
        "python3 examples-async/one/one.py",
        "cargo new one",
        "href=\"examples-async/one/src/main.rs.txt\"",
        "href=\"examples-async/one/one.py.txt\"",
        "Tested by <a href=\"tests/suite/examples_async/one.rs.txt#:~:text=fn%20prints(\"><code>prints",
        "<code>one/src/main.rs</code>: <a",
        "<svg class=\"timeline\"",
        "The main thread slept most of the time.",
        "1 OS thread · 1 process · 0.50 s · CPU 0.00 s · 1.0 MiB",
        "Recorded 2026-01-02 on 2 cores, 1 GiB, Linux 6",
    ] {
        let plain = part.replace("&quot;", "\"").replace("&#39;", "'");
        assert!(page.contains(part) || page.contains(&plain), "{part} is missing in {page}");
    }
    for (copy, source) in [
        ("examples-async/one/src/main.rs.txt", SOURCE),
        ("examples-async/one/one.py.txt", "print('hello')\n"),
    ] {
        assert_eq!(fs::read_to_string(book.join(copy)).unwrap(), source, "{copy}");
    }
    assert!(book.join("tests/suite/examples_async/one.rs.txt").is_file());
}

#[test]
fn a_page_shows_only_the_parts_that_it_names() {
    let fixture = Fixture::new();
    let marked = SOURCE
        .replace("    println", "    // ANCHOR: say\n    println")
        .replace(";\n}", ";\n    // ANCHOR_END: say\n}");
    fixture.example("one", &marked);
    fixture.write("guide/en/index.md", "# Front\n\n{{#example one:say}}\n");
    let page = fs::read_to_string(fixture.build().unwrap().join("index.html")).unwrap();
    assert!(page.contains("println!") && page.contains("(in part)"), "{page}");
    assert!(!page.contains("fn main") && !page.contains("ANCHOR"), "{page}");
}

#[test]
fn each_fault_fails_the_build_naming_its_place() {
    let head = "# Front\n\n{{#example one}}\n\n";
    let index = "guide/en/index.md";
    let cases: &[(&str, &str, &str)] = &[
        (
            index,
            "# Front\n\n{{#example two}}\n",
            "guide/en/index.md:3: no example is named \"two\"; `cargo run -p guide -- list` names",
        ),
        (
            index,
            "# Front\n\n{{#example one:gone}}\n",
            "guide/en/index.md:3: examples-async/one/src/main.rs: no lines between `ANCHOR: gone` \
             and its end; the file has no parts",
        ),
        (
            index,
            "# Front\n\n{{#example onne}}\n",
            "guide/en/index.md:3: no example is named \"onne\"; did you mean one?",
        ),
        (
            "examples-async/one/src/main.rs",
            &format!("{SOURCE}// ANCHOR: rest\n// ANCHOR_END: rest\n"),
            "examples-async/one/src/main.rs:9: no page shows the part rest; remove its marks",
        ),
        (
            "examples-async/one/one.py",
            "print('hello')\n# ANCHOR: rest\n",
            "examples-async/one/one.py:2: no page shows the part rest",
        ),
        ("tests/suite/examples_async/one.rs", "fn one() {}\n", "no test in tests/suite checks one"),
        (index, "# Front\n", "examples-async/one/src/main.rs:1: no page shows this example"),
        (
            "guide/en/drawings/x.svg",
            "<svg/>",
            "guide/en/drawings/x.svg:1: no page shows the drawing; put {{#drawing x}} on one",
        ),
        (
            "guide/recordings/transcripts/x.txt",
            "2026-01-01 gdb\n",
            "guide/recordings/transcripts/x.txt:1: no page shows the transcript",
        ),
        (
            index,
            &format!("{head}text {{{{#example one}}}}\n"),
            "guide/en/index.md:5: a directive must stand alone",
        ),
        (
            index,
            &format!("{head}{{{{#include x}}}}\n"),
            "guide/en/index.md:5: {{#include x}} is none of",
        ),
        (
            index,
            &format!("{head}```rust\nfn x() {{}}\n```\n"),
            "guide/en/index.md:5: rust written by hand",
        ),
        (index, &format!("{head}[x](gone.md)\n"), "guide/en/index.md:5: no page gone.md"),
        (index, &format!("{head}[x](#gone)\n"), "guide/en/index.md:5: index.md has no id gone"),
        (index, &format!("{head}<div>never closed\n"), "mdBook reports:"),
        ("guide/en/SUMMARY.md", "# Summary\n\n[Front](index.md)\n[Gone](gone.md)\n", "gone.md"),
        ("tests/snapshots/one.snap", "no header", "guide/en/index.md:3: the tested output"),
        ("tests/snapshots/one.snap", "---\n\n---\nhello\n", "\"hello\" is not a known heading"),
        (
            "examples-async/one/src/main.rs",
            "fn main() {}\n",
            "examples-async/one/src/main.rs:1: the header of the file",
        ),
        ("examples-async/one/src/main.rs", "//! Says.\nfn main() {}\n", "must name the command"),
    ];
    for (file, text, expected) in cases {
        let fixture = Fixture::new();
        fixture.write(file, text);
        let error = format!("{:#}", fixture.build().expect_err(expected));
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }

    for (file, fix) in [
        ("tests/snapshots/one.snap", "INSTA_UPDATE=always cargo test"),
        ("guide/recordings/one.json", "cargo run -p guide -- record one"),
    ] {
        let fixture = Fixture::new();
        fs::remove_file(fixture.root().join(file)).unwrap();
        let error = format!("{:#}", fixture.build().unwrap_err());
        assert!(error.contains(file) && error.contains(fix), "{error}");
    }
}

/// The front page with all variants of the example `one`.
const WITH_VARIANTS: &str = "# Front\n\n{{#example one}}\n\n{{#variants one}}\n";

/// A fixture whose example has the variants `loud` and `soft`.
fn with_variants() -> Fixture {
    let fixture = Fixture::new();
    fixture.variant("one", "loud", &["--volume", "11"]);
    fixture.variant("one", "soft", &["--volume", "1"]);
    fixture.write("guide/en/index.md", WITH_VARIANTS);
    fixture
}

#[test]
fn variants_are_shown_next_to_each_other_with_all_that_belongs_to_them() {
    let fixture = with_variants();
    fixture.write(
        "guide/en/index.md",
        &format!("{WITH_VARIANTS}\n{{{{#compare one one--loud}}}}\n\n{{{{#costs}}}}\n"),
    );
    // Long enough for a picture.
    for variant in ["loud", "soft"] {
        let file = format!("guide/recordings/one--{variant}.json");
        let recording = fs::read_to_string(fixture.root().join(&file)).unwrap();
        let mut recording: serde_json::Value = serde_json::from_str(&recording).unwrap();
        recording["rust"]["wall"] = 0.5.into();
        recording["rust"]["activity"] = serde_json::json!({
            "threads": [
                { "process": 0, "name": "one", "from": 0.0, "spans": "s500", "at_end": true }
            ],
            "more": 0, "cores": { "step": 0.0, "used": "" }
        });
        fixture.write(&file, &recording.to_string());
    }
    let page = fs::read_to_string(fixture.build().unwrap().join("index.html")).unwrap();
    assert!(page.contains("data-variants=\"loud soft\""), "for the script: {page}");
    let (_, figure) = page.split_once("data-variants-of=\"one\"").expect("they are shown");
    let (figure, _) = figure.split_once("</figure>").unwrap();
    for (variant, volume) in [("loud", "11"), ("soft", "1")] {
        let (_, card) = figure.split_once(&format!("data-variant=\"{variant}\"")).unwrap();
        let card = &card.replace("<span class=\"word\">", "").replace("</span>", "");
        for part in [
            &format!("cargo run -p one -- --volume {volume}</code>"),
            "<samp>hello",
            "<svg class=\"timeline\"",
            "1 OS thread · 1 process · 0.50 s",
            "<code>variant</code>",
            &format!("href=\"tests/suite/examples_async/one--{variant}.rs.txt"),
        ] {
            assert!(card.contains(part), "{variant}: {part} is missing in {card}");
        }
    }
    let loud = figure.find("data-variant=\"loud\"").unwrap();
    assert!(loud < figure.find("data-variant=\"soft\"").unwrap(), "in the manifest's order");
    assert_eq!(figure.matches("Recorded 2026-01-02").count(), 1, "one machine for both");
    assert!(page.contains("one--loud, Rust: 1"), "they can be compared");
    assert!(page.matches(">one--soft</a>").count() == 1, "and are among all costs: {page}");
}

#[test]
fn each_fault_of_a_variant_fails_the_build_naming_its_place() {
    let index = "guide/en/index.md";
    let head = "# Front\n\n{{#example one}}\n\n";
    let manifest = "examples-async/one/Cargo.toml";
    let declared = |text: &str| {
        format!(
            "[package]\nname = \"one\"\nedition = \"2024\"\n[[package.metadata.variants]]\n{text}"
        )
    };
    let cases: &[(&str, &str, &str)] = &[
        (
            index,
            &format!("{head}{{{{#variants one: quiet}}}}\n"),
            "guide/en/index.md:5: one has no variant \"quiet\"; it has loud, soft",
        ),
        (
            index,
            &format!("{head}{{{{#variants two}}}}\n"),
            "guide/en/index.md:5: no example is named \"two\"",
        ),
        (
            index,
            &format!("{head}{{{{#variants one--loud}}}}\n"),
            "guide/en/index.md:5: one--loud declares no variants",
        ),
        (
            index,
            &format!("{head}{{{{#variants}}}}\n"),
            "guide/en/index.md:5: {{#variants}} lacks its argument",
        ),
        (
            index,
            &format!("{head}{{{{#example one--loud}}}}\n"),
            "guide/en/index.md:5: one--loud is a variant; show it with {{#variants one: loud}}",
        ),
        (
            index,
            &format!("{head}{{{{#variants one: loud}}}}\n"),
            "examples-async/one/Cargo.toml:10: no page shows the variant soft; put {{#variants one}}",
        ),
        ("tests/snapshots/one--loud.snap", "no header", "guide/en/index.md:5: the tested output"),
        (
            "guide/recordings/one--loud.json",
            RECORDING,
            "guide/en/index.md:5: the recording guide/recordings/one--loud.json: run \
             `cargo run -p guide -- record one--loud` to replace it: it is a recording of one",
        ),
        (
            "guide/recordings/one--loud.json",
            &RECORDING.replace("\"one\"", "\"one--loud\""),
            "it was made by `cargo run -p one`, not `cargo run -p one -- --volume 11`",
        ),
        (
            "tests/suite/examples_async/one--loud.rs",
            "",
            "guide/en/index.md:5: no test in tests/suite checks one--loud; write one with \
             transcript_of(\"one--loud\")",
        ),
        (
            manifest,
            &declared("name = \"Loud\"\narguments = [\"1\"]\n"),
            "examples-async/one/Cargo.toml: [[package.metadata.variants]]: the name \"Loud\" must",
        ),
        (
            manifest,
            &declared("name = \"loud\"\narguments = [\"$(id)\"]\n"),
            "loud: a shell would not take the argument \"$(id)\" as it is",
        ),
        (manifest, &declared("name = \"loud\"\narguments = []\n"), "loud has no arguments"),
        (manifest, &declared("name = \"loud\"\n"), "missing field `arguments`"),
        (
            manifest,
            &declared("name = \"loud\"\narguments = [\"1\"]\nenv = 1\n"),
            "unknown field `env`",
        ),
    ];
    for (file, text, expected) in cases {
        let fixture = with_variants();
        fixture.write(file, text);
        let error = format!("{:#}", fixture.build().expect_err(expected));
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }

    let fixture = with_variants();
    fixture.variant("one", "loud", &["--volume", "12"]);
    let error = format!("{:#}", fixture.build().unwrap_err());
    assert!(error.contains("loud is declared twice"), "{error}");

    for (file, fix) in [
        ("tests/snapshots/one--soft.snap", "INSTA_UPDATE=always cargo test"),
        ("guide/recordings/one--soft.json", "cargo run -p guide -- record one--soft"),
    ] {
        let fixture = with_variants();
        fs::remove_file(fixture.root().join(file)).unwrap();
        let error = format!("{:#}", fixture.build().unwrap_err());
        for part in ["guide/en/index.md:5: ", file, fix] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
    }
}

#[test]
fn an_example_is_recorded_with_its_variants() {
    let fixture = with_variants();
    let source = SOURCE.replace("\"hello\"", "\"{}\", std::env::args().skip(1).count()");
    fixture.example("one", &source);
    fixture.variant("one", "loud", &["--volume", "11"]);
    for (name, count) in [("one", 0), ("one--loud", 2)] {
        let snapshot = format!("---\nx\n---\nin order:\n  {count}\n");
        fixture.write(&format!("tests/snapshots/{name}.snap"), &snapshot);
    }
    let workspace = Workspace::find(fixture.root()).unwrap();
    let kept = |name: &str| {
        let file = fixture.root().join(format!("guide/recordings/{name}.json"));
        fs::read_to_string(file).unwrap()
    };
    let record = |name: &str| runtime().block_on(record_all(&workspace, &[name.to_owned()]));

    record("one").unwrap();
    assert!(kept("one").contains("\"text\": \"0\""), "{}", kept("one"));
    let loud = kept("one--loud");
    assert!(loud.contains("\"text\": \"2\"") && loud.contains("-p one -- --volume 11"), "{loud}");

    fixture.write("guide/recordings/one--loud.json", "");
    fixture.write("guide/recordings/one.json", "");
    record("one--loud").unwrap();
    assert!(kept("one--loud").contains("\"text\": \"2\"") && kept("one").is_empty());
    let error = format!("{:#}", record("one--quiet").unwrap_err());
    assert!(error.contains("one has no variant \"quiet\"; it has loud"), "{error}");
}

#[test]
fn a_wrong_recording_fails_the_build() {
    let cases = [
        ("\"version\": 2", "\"version\": 3", "version 3"),
        ("\"example\": \"one\"", "\"example\": \"two\"", "a recording of two"),
        ("\"cores\": 2", "\"cores\": 2, \"more\": 1", "unknown field `more`"),
        ("\"exit\": 0, ", "", "missing field `exit`"),
        ("\"text\": \"hello\"", "\"text\": \"hallo\"", "\"hallo\" where \"hello\" was tested"),
        ("cargo run -p one", "cargo run -p two", "not `cargo run -p one`"),
        ("\"python\": null", "\"python\": 1", "invalid type"),
        ("{", "", "invalid type"),
        ("{", "{{", "key must be a string"),
    ];
    for (from, to, expected) in cases {
        let fixture = Fixture::new();
        fixture.write("guide/recordings/one.json", &RECORDING.replacen(from, to, 1));
        let error = format!("{:#}", fixture.build().expect_err(expected));
        assert!(error.contains("guide/recordings/one.json"), "{error}");
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }
}

#[test]
fn recording_keeps_the_old_one_when_the_example_fails() {
    let fixture = Fixture::new();
    let workspace = Workspace::find(fixture.root()).unwrap();
    let file = fixture.root().join("guide/recordings/one.json");
    let record = || runtime().block_on(record_all(&workspace, &["one".to_owned()]));

    record().unwrap();
    let made = fs::read_to_string(&file).unwrap();
    assert!(made.contains("\"text\": \"hello\"") && made.contains("\"rustc 1."), "{made}");
    fixture.build().unwrap();

    fixture.example("one", &SOURCE.replace("println!", "std::process::exit(3); println!"));
    assert!(record().unwrap_err().to_string().contains("one"));
    assert_eq!(fs::read_to_string(&file).unwrap(), made);

    fixture.example("one", &SOURCE.replace("hello", "good day"));
    assert!(record().unwrap_err().to_string().contains("one"), "not what was tested");
    assert_eq!(fs::read_to_string(&file).unwrap(), made);

    assert!(runtime().block_on(record_all(&workspace, &["two".to_owned()])).is_err());
}

#[test]
fn a_folder_without_a_book_is_not_emptied() {
    let fixture = Fixture::new();
    fixture.write("out/precious", "data");
    assert!(fixture.build().unwrap_err().to_string().contains("does not hold a book"));
    assert!(fixture.root().join("out/precious").is_file());

    fs::remove_file(fixture.root().join("out/precious")).unwrap();
    fixture.build().unwrap();
    fixture.build().unwrap(); // a book is replaced
}

/// The program that `cargo run -p guide` starts.
fn guide(arguments: &[&str]) -> Program {
    package("guide", arguments)
}

#[test]
fn list_names_every_example_with_its_description() {
    let output = run(&guide(&["list"]));
    assert_eq!(output.code(), Some(0));
    let lines: Vec<_> = output.of(Stream::Stdout).collect();
    assert_eq!(lines.len(), WORKSPACE.examples.len());
    for (line, example) in lines.iter().zip(WORKSPACE.examples.values()) {
        assert!(line.starts_with(&example.name) && line.ends_with(&example.description), "{line}");
    }
}

#[test]
fn build_writes_the_whole_book() {
    let folder = tempfile::tempdir().unwrap();
    let guide = guide(&["build", "--dest", folder.path().to_str().unwrap()]);
    // As in a workflow, whose repository the pages then link to.
    let mut arguments: Vec<OsString> =
        vec!["GITHUB_SERVER_URL=https://git.example".into(), "GITHUB_REPOSITORY=owner/name".into()];
    arguments.push(guide.executable.into());
    arguments.extend(guide.arguments);
    let output = run(&Program { executable: "env".into(), arguments, folder: guide.folder });
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    for file in ["index.html", "gather.html", "print.html", "404.html"] {
        let page = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!page.contains("live-"), "{file} has the script of the server");
        assert!(!page.contains("play.rust-lang.org"));
        assert!(page.contains("\"https://git.example/owner/name\""), "{file} has no link to it");
    }
    let front = fs::read_to_string(folder.path().join("index.html")).unwrap();
    for license in ["MIT license</a>", "Apache License 2.0</a>"] {
        assert!(front.replace('\n', " ").contains(license), "the front page names its license");
    }
}

#[test]
fn a_page_links_to_the_repository_where_its_address_is_known() {
    let fixture = Fixture::new();
    let page = || fs::read_to_string(fixture.build().unwrap().join("index.html")).unwrap();
    let links = ["title=\"Git repository\"", "rel=\"edit\""];
    let without = page();
    assert!(!links.iter().any(|link| without.contains(link)), "{without}");

    if !has(Path::new("git")) {
        return;
    }
    let git = |arguments: &[&str]| {
        let git = Program {
            executable: "git".into(),
            arguments: arguments.iter().map(Into::into).collect(),
            folder: fixture.root().to_owned(),
        };
        assert_eq!(run(&git).code(), Some(0), "{arguments:?}");
    };
    git(&["init"]);
    assert_eq!(Repository::of_checkout(fixture.root()), None, "there is no remote yet");
    git(&["remote", "add", "origin", "git@github.com:owner/name.git"]);
    assert_eq!(Repository::of_checkout(&fixture.root().join("guide")), None, "part of a checkout");
    let with = page();
    for (link, address) in links.iter().zip(["", "/edit/main/guide/en/index.md"]) {
        assert!(with.contains(link), "{link} is missing in {with}");
        let address = format!("href=\"https://github.com/owner/name{address}\"");
        assert!(with.contains(&address), "{address} is missing in {with}");
    }

    let (Some(mut browser), Some(axe)) = (Browser::start(), axe()) else { return };
    browser.open(&format!("file://{}/out/index.html", fixture.root().display()));
    for width in [1280, 360] {
        browser.resize(width, 800);
        assert_eq!(browser.axe(&axe), Vec::<String>::new(), "{width} px wide");
    }
}

#[test]
fn the_screenshot_in_the_readme_is_up_to_date() {
    let kept = fs::read_to_string(WORKSPACE.root.join(screenshot::DIGESTS)).unwrap();
    let now = screenshot::digests(&WORKSPACE.root, book().path()).unwrap();
    let outdated: Vec<_> = now
        .lines()
        .filter(|line| !kept.lines().any(|other| other == *line))
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    assert!(
        outdated.is_empty(),
        "{} is out of date ({}); run `cargo run -p guide -- screenshot`",
        screenshot::FILE,
        outdated.join(", ")
    );
}

/// In the rendered pages, including the print page.
#[test]
fn every_link_and_fragment_resolves() {
    let folder = book();
    let attribute = |name: &str| Regex::new(&format!(r#" {name}="([^"]*)""#)).unwrap();
    let (id, href, src) = (attribute("id"), attribute("href"), attribute("src"));

    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".html") {
            let text = fs::read_to_string(folder.path().join(&name)).unwrap();
            let ids: Vec<_> = id.captures_iter(&text).map(|found| found[1].to_owned()).collect();
            let unique: BTreeSet<_> = ids.iter().cloned().collect();
            assert_eq!(ids.len(), unique.len(), "{name} has an id twice");
            pages.insert(name, (text, unique));
        }
    }
    let mut links = 0;
    for (name, (text, _)) in &pages {
        for link in href.captures_iter(text).chain(src.captures_iter(text)) {
            let link = link[1].replace("&amp;", "&");
            if link.starts_with("https://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            // The links of the page for "not found" start at the root of the server.
            let file = file.trim_start_matches('/');
            let file = if file.is_empty() { name } else { file };
            assert!(folder.path().join(file).is_file(), "{name}: {link}");
            if let Some((_, ids)) = pages.get(file)
                && !fragment.is_empty()
            {
                assert!(ids.contains(fragment), "{name}: {link}");
            }
            links += 1;
        }
    }
    assert!(links > 100, "only {links} links were found");
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [&["--port", "x"][..], &["--port", "65536"], &["biuld"], &["list", "x"]] {
        let output = run(&guide(arguments));
        assert_eq!(output.code(), Some(2), "{arguments:?}: {:#?}", output.lines);
    }
}

#[test]
fn a_port_in_use_is_reported_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&guide(&["--port", &port]));
    assert_eq!(output.code(), Some(1));
    let errors: Vec<_> = output.of(Stream::Stderr).collect();
    assert_eq!(errors, [format!("error: port {port} is in use; choose another with --port")]);
}

/// mdBook itself builds the same pages, with the guide as its preprocessor.
#[test]
fn plain_mdbook_builds_the_book_too() {
    let mdbook = PathBuf::from(std::env::var_os("MDBOOK").unwrap_or("mdbook".into()));
    if !has(&mdbook) {
        return;
    }
    // Its command would build the program again, with other features, while other tests run it.
    let settings = fs::read_to_string(WORKSPACE.root.join("guide/book.toml")).unwrap();
    assert!(settings.contains("command = \"cargo run --quiet -p guide -- preprocess\""));
    let preprocessor = format!("{} preprocess", guide(&[]).executable.display());
    let folder = tempfile::tempdir().unwrap();
    let output = run(&Program {
        executable: "/usr/bin/env".into(),
        arguments: vec![
            format!("MDBOOK_PREPROCESSOR__EXAMPLE__COMMAND={preprocessor}").into(),
            mdbook.into(),
            "build".into(),
            "guide".into(),
            "--dest-dir".into(),
            folder.path().into(),
        ],
        folder: WORKSPACE.root.clone(),
    });
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let page = fs::read_to_string(folder.path().join("gather.html")).unwrap();
    assert!(page.contains("Task A starting") && page.contains("cargo run -p gather"));
}

/// Sends a GET request, and returns the status and the body.
async fn get(address: &str, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut connection = Connection::open(address).await.unwrap();
    connection.send_raw(request.as_bytes()).await.unwrap();
    let answer = connection.answer().await.unwrap();
    (answer.status, answer.body)
}

#[test]
fn the_served_book_follows_its_sources() {
    let fixture = Fixture::new();
    let book_toml = fs::read_to_string(WORKSPACE.root.join("guide/book.toml")).unwrap();
    let page = format!("{PAGE}\n{{{{#file deploy/one.conf}}}}\n");
    fixture.write("guide/en/index.md", &page);
    fixture.write("deploy/one.conf", "first = setting\n");
    runtime().block_on(async {
        let server =
            Server::start(fixture.root().to_owned(), 0, Settings::default()).await.unwrap();
        let address = server.url().unwrap().replace("http://", "").replace('/', "");
        let serving = tokio::spawn(server.run());

        let (status, page) = get(&address, "/").await;
        assert_eq!(status, 200);
        assert!(page.contains("hello") && page.contains("live-"), "{page}");
        assert!(page.contains("\"run\":\"Run {language}\""), "{page}");
        for missing in ["/gone.html", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/"] {
            assert_eq!(get(&address, missing).await.0, 404, "{missing}");
        }

        let live = TcpStream::connect(&address).await.unwrap();
        let mut live = BufReader::new(live);
        let request = format!("GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n");
        live.write_all(request.as_bytes()).await.unwrap();
        let mut live = live.lines();
        // Waits for an event of this name after which the page contains the text. One change may
        // cause more than one event.
        let mut wait_for = async |name: &str, text: &str| {
            let event = format!("event: {name}");
            let seen = async {
                loop {
                    let line = live.next_line().await.unwrap().expect("the server goes on");
                    if line == event && get(&address, "/").await.1.contains(text) {
                        return;
                    }
                }
            };
            tokio::time::timeout(LIMIT, seen).await.expect("the change arrives");
        };
        wait_for("edition", "hello").await;

        // The book is rebuilt after a change to a file that it shows, a test, a page, an example, a
        // snapshot or the theme.
        fixture.write("deploy/one.conf", "other = setting\n");
        wait_for("edition", "other = setting").await;
        let test = "#[test]\nfn says_hello() {\n    transcript_of(\"one\").check();\n}\n";
        fixture.write("tests/suite/examples_async/one.rs", test);
        wait_for("edition", "says_hello").await;
        fixture.write("guide/en/index.md", &format!("{PAGE}\nAnother word.\n"));
        wait_for("edition", "Another word.").await;
        fixture.write("examples-async/one/src/main.rs", &SOURCE.replace("hello", "good day"));
        wait_for("edition", "good day").await;
        let recording = RECORDING.replace("hello", "good evening");
        fixture.write("guide/recordings/one.json", &recording);
        fixture.write("tests/snapshots/one.snap", "---\nx\n---\nin order:\n  good evening\n");
        wait_for("edition", "good evening").await;
        fixture.write("guide/book.toml", &book_toml.replace("Concurrency in Rust", "New title"));
        wait_for("edition", "New title").await;

        // A fault is reported, and the last edition without one is still served.
        fixture.write("guide/en/index.md", "# Broken\n\n{{#example two}}\n");
        wait_for("fault", "good evening").await;
        fixture.write("guide/en/index.md", &PAGE.replace("Front", "Fixed"));
        wait_for("edition", "Fixed").await;
        serving.abort();
    });
}

#[cfg(unix)]
#[test]
fn a_missing_tool_or_folder_is_reported_in_one_line() {
    let guide = guide(&[]).executable.into_os_string();
    let env = |setting: &str, arguments: &[&str]| {
        let mut all = vec![setting.into(), guide.clone()];
        all.extend(arguments.iter().map(Into::into));
        let folder = std::env::temp_dir();
        let output = run(&Program { executable: "env".into(), arguments: all, folder });
        assert_eq!(output.code(), Some(1), "{:#?}", output.lines);
        let errors: Vec<_> = output.of(Stream::Stderr).map(str::to_owned).collect();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        errors[0].clone()
    };
    for arguments in [&["build"][..], &["--port", "0"]] {
        let error = env("CARGO_TARGET_DIR=/dev/null/target", arguments);
        assert!(error.contains("/dev/null/target"), "{error}");
        let error = env("CARGO=/gone/cargo", arguments);
        assert!(error.contains("is cargo installed and on the PATH?"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_with_exit_code_0_and_all_runs() {
    use harness::run::{End, Running};
    use rustix::process::{Pid, Signal, kill_process};

    let program = guide(&["--port", "0"]);
    let before = editions(&WORKSPACE.target);
    let during = runtime().block_on(async {
        let limits = Limits { time: LIMIT, ..Limits::default() };
        let mut running = Running::start(&program, limits).unwrap();
        let line = running.line().await.expect("it says where the book is").text;
        let address = line.strip_prefix("The book is at http://");
        let address = address.unwrap_or_else(|| panic!("it doesn't say where it is: {line}"));
        let (address, key) = address.split_once("/#run=").expect("it has a key");
        let (address, key) = (address.to_owned(), key.split(' ').next().unwrap());
        assert!(address.starts_with("127.0.0.1:"), "{line}");

        // A page runs five processes. Wait until all of them have started.
        let mut run = TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "POST /run/worker-processes?language=rust HTTP/1.1\r\n\
             Host: {address}\r\nX-Run-Example: {key}\r\n\r\n"
        );
        run.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(run).lines();
        let process = Regex::new(r"starting \(process (\d+)\)").unwrap();
        let mut workers = Vec::new();
        while workers.len() < 5 {
            let line = lines.next_line().await.unwrap().expect("the run goes on");
            if let Some(found) = process.captures(&line) {
                workers.push(found[1].parse().unwrap());
            }
        }

        let during = editions(&WORKSPACE.target);
        let id = Pid::from_raw(running.id().try_into().unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let (end, _) = running.end().await.unwrap();
        assert!(matches!(end, End::Exited(status) if status.success()), "{end:?}");
        for worker in workers {
            tests::processes::gone(worker).await;
        }
        during
    });
    // Another server that has started meanwhile removes its own when it ends.
    let waited = std::time::Instant::now();
    assert!(during.difference(&before).next().is_some(), "it has one");
    while during.difference(&before).any(|edition| edition.exists()) {
        assert!(waited.elapsed() < 4 * LIMIT, "its edition is not removed");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// The folders of served editions. Another server of the book may have one among them.
#[cfg(unix)]
fn editions(target: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(target).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("book-"))
        .collect()
}
