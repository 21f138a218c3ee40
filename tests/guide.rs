//! The guide: the strict build of the book, the commands, the server.

use std::fs;
use std::path::{Path, PathBuf};

use guide::book::{self, For};
use guide::examples::Workspace;
use guide::run::{Limits, Program, Stream};
use guide::server::Server;
use tempfile::TempDir;
use tests::{LIMIT, WORKSPACE, has, run, runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A workspace of one example and one page, to break in one place.
struct Fixture(TempDir);

impl Fixture {
    fn new() -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        for asset in ["book.toml", "assets/book.css", "assets/book.js", "assets/live.js"] {
            let text = fs::read_to_string(WORKSPACE.root.join("guide").join(asset)).unwrap();
            fixture.write(&format!("guide/{asset}"), &text);
        }
        fixture.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"examples-async/*\"]\nresolver = \"3\"\n",
        );
        fixture.write(
            "examples-async/one/Cargo.toml",
            "[package]\nname = \"one\"\nedition = \"2024\"\n",
        );
        fixture.write("examples-async/one/src/main.rs", SOURCE);
        fixture.write("tests/snapshots/one.snap", "---\nsource: x\n---\nin order:\n  hello\n");
        fixture.write("guide/en/SUMMARY.md", "# Summary\n\n[Front](index.md)\n");
        fixture.write("guide/en/index.md", PAGE);
        fixture
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn build(&self) -> anyhow::Result<PathBuf> {
        let destination = self.0.path().join("out");
        book::build(&Workspace::find(self.0.path())?, &destination, For::Everyone)?;
        Ok(destination)
    }
}

const SOURCE: &str = "//! Says hello.\n//!\n//! ```sh\n//! cargo run -p one\n//! ```\n\
    fn main() {\n    // ANCHOR: say\n    println!(\"hello\");\n    // ANCHOR_END: say\n}\n";
const PAGE: &str = "# Front\n\n{{#example one}}\n";

#[test]
fn a_sound_book_holds_source_command_and_output() {
    let fixture = Fixture::new();
    fixture.write("examples-async/one/one.py", "print('hello')\n");
    let book = fixture.build().unwrap();
    let page = fs::read_to_string(book.join("index.html")).unwrap();
    for part in [
        "println!(&quot;hello&quot;);",
        "cargo run -p one",
        "<samp>hello",
        "print(&#39;hello&#39;)",
        "python3 examples-async/one/one.py",
        "cargo new one",
        "examples/one.rs.txt",
    ] {
        let plain = part.replace("&quot;", "\"").replace("&#39;", "'");
        assert!(page.contains(part) || page.contains(&plain), "{part} is missing in {page}");
    }
    assert!(!page.contains("ANCHOR"));
    assert_eq!(fs::read_to_string(book.join("examples/one.rs.txt")).unwrap(), SOURCE);
}

#[test]
fn each_fault_fails_the_build_naming_its_place() {
    let head = "# Front\n\n{{#example one}}\n\n";
    let index = "guide/en/index.md";
    let cases: &[(&str, &str, &str)] = &[
        (
            index,
            "# Front\n\n{{#example two}}\n",
            "guide/en/index.md:3: no example is named \"two\"",
        ),
        (
            index,
            "# Front\n\n{{#example one:gone}}\n",
            "guide/en/index.md:3: examples-async/one/src/main.rs: no lines between `ANCHOR: gone`",
        ),
        (index, "# Front\n", "examples-async/one/src/main.rs:1: no page shows this example"),
        (
            index,
            &format!("{head}text {{{{#example one}}}}\n"),
            "guide/en/index.md:5: a directive must stand alone",
        ),
        (
            index,
            &format!("{head}{{{{#include x}}}}\n"),
            "guide/en/index.md:5: a directive must stand alone",
        ),
        (
            index,
            &format!("{head}```rust\nfn x() {{}}\n```\n"),
            "guide/en/index.md:5: rust written by hand",
        ),
        (index, &format!("{head}[x](gone.md)\n"), "guide/en/index.md:5: no page gone.md"),
        (index, &format!("{head}[x](#gone)\n"), "guide/en/index.md:5: index.md has no id gone"),
        (index, &format!("{head}<div>never closed\n"), "mdBook says:"),
        ("guide/en/SUMMARY.md", "# Summary\n\n[Front](index.md)\n[Gone](gone.md)\n", "gone.md"),
        ("tests/snapshots/one.snap", "no head", "guide/en/index.md:3: the tested output"),
        ("tests/snapshots/one.snap", "---\n\n---\nhello\n", "\"hello\" is not a known heading"),
        (
            "examples-async/one/src/main.rs",
            "fn main() {}\n",
            "examples-async/one/src/main.rs:1: the head of the file",
        ),
        ("examples-async/one/src/main.rs", "//! Says.\nfn main() {}\n", "must name the command"),
    ];
    for (file, text, expected) in cases {
        let fixture = Fixture::new();
        fixture.write(file, text);
        let error = format!("{:#}", fixture.build().expect_err(expected));
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }

    let fixture = Fixture::new();
    fs::remove_file(fixture.0.path().join("tests/snapshots/one.snap")).unwrap();
    let error = format!("{:#}", fixture.build().unwrap_err());
    assert!(error.contains("INSTA_UPDATE=always cargo test"), "{error}");
}

#[test]
fn a_folder_that_holds_no_book_is_not_emptied() {
    let fixture = Fixture::new();
    fixture.write("out/precious", "data");
    assert!(fixture.build().unwrap_err().to_string().contains("holds no book"));
    assert!(fixture.0.path().join("out/precious").is_file());

    fs::remove_file(fixture.0.path().join("out/precious")).unwrap();
    fixture.build().unwrap();
    fixture.build().unwrap(); // a book is replaced
}

/// The guide's own program, as `cargo run -p guide` starts it.
fn guide(arguments: &[&str]) -> Program {
    let cargo = Program {
        executable: env!("CARGO").into(),
        arguments: ["build", "-p", "guide"].map(Into::into).to_vec(),
        folder: WORKSPACE.root.clone(),
    };
    assert_eq!(run(&cargo).code(), Some(0), "the guide builds");
    Program {
        executable: WORKSPACE.target.join("debug").join("guide"),
        arguments: arguments.iter().map(Into::into).collect(),
        folder: std::env::temp_dir(), // it finds its workspace from anywhere
    }
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
    let output = run(&guide(&["build", "--dest", folder.path().to_str().unwrap()]));
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    for file in ["index.html", "gather.html", "print.html", "404.html"] {
        let page = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(!page.contains("live-"), "{file} has the script of the server");
        assert!(!page.contains("play.rust-lang.org"));
    }
}

#[test]
fn wrong_arguments_are_refused() {
    for arguments in [&["--port", "x"][..], &["--port", "65536"], &["biuld"], &["list", "x"]] {
        let output = run(&guide(arguments));
        assert_eq!(output.code(), Some(2), "{arguments:?}: {:#?}", output.lines);
    }
}

#[test]
fn a_port_in_use_is_said_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&guide(&["--port", &port]));
    assert_eq!(output.code(), Some(1));
    let errors: Vec<_> = output.of(Stream::Stderr).collect();
    assert_eq!(errors, [format!("error: port {port} is in use; choose another with --port")]);
}

/// mdBook itself, with the guide as its preprocessor, makes the same pages.
#[test]
fn plain_mdbook_builds_the_book_too() {
    let mdbook = PathBuf::from(std::env::var_os("MDBOOK").unwrap_or("mdbook".into()));
    if !has(&mdbook) {
        return;
    }
    guide(&[]); // built, so that the preprocessor starts at once
    let folder = tempfile::tempdir().unwrap();
    let output = run(&Program {
        executable: mdbook,
        arguments: vec!["build".into(), "guide".into(), "--dest-dir".into(), folder.path().into()],
        folder: WORKSPACE.root.clone(),
    });
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let page = fs::read_to_string(folder.path().join("gather.html")).unwrap();
    assert!(page.contains("Task A starting") && page.contains("cargo run -p gather"));
}

/// Sends a GET, and gives the status and the body.
async fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let status = response.split(' ').nth(1).unwrap().parse().unwrap();
    let body = response.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

#[test]
fn the_served_book_follows_its_sources() {
    let fixture = Fixture::new();
    let book_toml = fs::read_to_string(WORKSPACE.root.join("guide/book.toml")).unwrap();
    runtime().block_on(async {
        let server =
            Server::start(fixture.0.path().to_owned(), 0, Limits::default()).await.unwrap();
        let address = server.url().unwrap().replace("http://", "").replace('/', "");
        let serving = tokio::spawn(server.run());

        let (status, page) = get(&address, "/").await;
        assert_eq!(status, 200);
        assert!(page.contains("hello") && page.contains("live-"), "{page}");
        for missing in ["/gone.html", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/assets/"] {
            assert_eq!(get(&address, missing).await.0, 404, "{missing}");
        }

        let live = TcpStream::connect(&address).await.unwrap();
        let mut live = BufReader::new(live);
        let request = format!("GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n");
        live.write_all(request.as_bytes()).await.unwrap();
        let mut live = live.lines();
        // Waits for an event of this name after which the page holds the text: one change may
        // make more than one event.
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

        // A page, an example, a snapshot, the theme: after each the book is new.
        fixture.write("guide/en/index.md", "# Front\n\n{{#example one}}\n\nAnother word.\n");
        wait_for("edition", "Another word.").await;
        fixture.write("examples-async/one/src/main.rs", &SOURCE.replace("hello", "good day"));
        wait_for("edition", "good day").await;
        fixture.write("tests/snapshots/one.snap", "---\nx\n---\nin order:\n  good evening\n");
        wait_for("edition", "good evening").await;
        fixture.write("guide/book.toml", &book_toml.replace("Concurrency in Rust", "New title"));
        wait_for("edition", "New title").await;

        // A fault is told, and the last sound edition stays.
        fixture.write("guide/en/index.md", "# Broken\n\n{{#example two}}\n");
        wait_for("fault", "good evening").await;
        fixture.write("guide/en/index.md", "# Mended\n\n{{#example one}}\n");
        wait_for("edition", "Mended").await;
        serving.abort();
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_with_exit_code_0() {
    use guide::run::{End, Limits, Running};
    use rustix::process::{Pid, Signal, kill_process};

    let program = guide(&["--port", "0"]);
    let before = editions(&WORKSPACE.target);
    runtime().block_on(async {
        let mut running =
            Running::start(&program, Limits { time: LIMIT, ..Limits::default() }).unwrap();
        let line = running.line().await.expect("it says where the book is").text;
        assert!(line.starts_with("The book is at http://127.0.0.1:"), "{line}");
        let id = Pid::from_raw(running.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(id, Signal::INT).unwrap();
        let (end, _) = running.end().await.unwrap();
        assert!(matches!(end, End::Exited(status) if status.success()), "{end:?}");
    });
    assert_eq!(editions(&WORKSPACE.target), before, "its edition is removed");
}

/// The folders of served editions; one that the reader of the book serves may be among them.
#[cfg(unix)]
fn editions(target: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(target).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("book-"))
        .collect()
}
