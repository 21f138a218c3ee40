//! Runs that readers of the served book start: who may, how each ends, and what is left of it.

use std::time::Duration;

use guide::runner::MOST_RUNS;
use guide::server::Server;
use harness::run::{LINE_CUT, Limits, OUTPUT_CUT};
use serde_json::Value;
use tests::fixture::{Fixture, PAGE, RECORDING, SOURCE};
use tests::http::Connection;
#[cfg(unix)]
use tests::processes::gone;
use tests::{LIMIT, runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Prints its process id, starts a child that prints its own, and then neither says anything.
const SILENT: &str = r#"//! Says who it is, and no more.
//!
//! ```sh
//! cargo run -p silent
//! ```
fn main() {
    println!("{}", std::process::id());
    if std::env::args().len() == 1 {
        let child = std::process::Command::new(std::env::current_exe().unwrap()).arg("x").spawn();
        child.unwrap().wait().unwrap();
    }
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"#;

/// Prints a line of 100 MB, then a million lines.
const ENDLESS: &str = r#"//! Never stops talking.
//!
//! ```sh
//! cargo run --release -p endless
//! ```
use std::io::Write;
fn main() {
    let mut out = std::io::stdout().lock();
    for _ in 0..100 {
        out.write_all(&[b'x'; 1_000_000]).unwrap();
    }
    for number in 0..1_000_000 {
        write!(out, "\nline {number}").unwrap();
    }
}
"#;

/// A served book of these examples.
struct Served {
    fixture: Fixture,
    address: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(limits: Limits) -> Served {
    let fixture = Fixture::new();
    let mut page = String::from(PAGE);
    for (name, source, command) in [
        ("silent", SILENT, "cargo run -p silent"),
        ("endless", ENDLESS, "cargo run --release -p endless"),
    ] {
        fixture.example(name, source);
        page += &format!("\n{{{{#example {name}}}}}\n");
        fixture.write(
            &format!("tests/snapshots/{name}.snap"),
            "---\nx\n---\none or more times:\n  <text>\n",
        );
        let recording = RECORDING
            .replace("\"one\"", &format!("\"{name}\""))
            .replace("cargo run -p one", command);
        fixture.write(&format!("guide/recordings/{name}.json"), &recording);
    }
    fixture.write("guide/en/index.md", &page);

    let server = Server::start(fixture.root().to_owned(), 0, limits).await.unwrap();
    let address = server.url().unwrap().replace("http://", "").replace('/', "");
    let serving = tokio::spawn(async { server.run().await.expect("the server goes on") });
    Served { fixture, address, serving }
}

/// A run under way, as the page sees it.
struct Run(BufReader<TcpStream>);

impl Served {
    /// Sends a request head for a run, and the lines given in place of the usual ones.
    async fn request(&self, line: &str, headers: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\n{headers}\r\n").replace("HOST", &self.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        BufReader::new(stream)
    }

    /// The status of the answer to such a request.
    async fn status(&self, line: &str, headers: &str) -> u16 {
        let mut answer = self.request(line, headers).await;
        let mut head = String::new();
        timeout(LIMIT, answer.read_line(&mut head)).await.expect("it answers").unwrap();
        head.split(' ').nth(1).unwrap_or("0").parse().unwrap()
    }

    async fn run(&self, name: &str) -> Run {
        let line = format!("POST /run/{name}?language=rust");
        let mut answer = self.request(&line, "Host: HOST\r\nX-Run-Example: yes\r\n").await;
        let mut head = String::new();
        timeout(LIMIT, answer.read_line(&mut head)).await.expect("it answers").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        Run(answer)
    }
}

impl Run {
    /// The next event of this kind; what stands between is passed over.
    async fn event(&mut self, kind: &str) -> Value {
        let next = async {
            loop {
                let mut line = String::new();
                assert!(self.0.read_line(&mut line).await.unwrap() > 0, "no {kind} comes");
                // Between the events are the lengths of HTTP's chunks.
                match serde_json::from_str::<Value>(&line) {
                    Ok(event) if event["event"] == kind => return event,
                    _ => {}
                }
            }
        };
        timeout(LIMIT, next).await.unwrap_or_else(|_| panic!("no {kind} comes in time"))
    }

    async fn process(&mut self) -> u32 {
        self.event("line").await["text"].as_str().unwrap().parse().unwrap()
    }
}

const OURS: &str = "Host: HOST\r\nX-Run-Example: yes\r\n";

#[test]
fn only_a_page_of_this_book_can_run_an_example() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let run = "POST /run/one?language=rust";
        let port = book.address.split(':').nth(1).unwrap();
        let host = |host: &str| format!("Host: {host}\r\nX-Run-Example: yes\r\n");
        let ours = |more: &str| format!("{OURS}{more}\r\n");
        let preflight = "Host: HOST\r\nOrigin: https://evil.example\r\n\
            Access-Control-Request-Method: POST\r\n\
            Access-Control-Request-Headers: x-run-example\r\n";
        let cases: &[(&str, &str, &str, u16)] = &[
            ("sound", run, OURS, 200),
            ("by another name", run, &host(&format!("localhost:{port}")), 200),
            ("our own origin", run, &ours("Origin: http://HOST"), 200),
            ("DNS rebinding", run, &host(&format!("evil.example:{port}")), 421),
            ("another port", run, &host("127.0.0.1:1"), 421),
            ("no host", run, "X-Run-Example: yes\r\n", 421),
            ("a page for another host", "GET /index.html", "Host: evil.example\r\n", 421),
            ("another origin", run, &ours("Origin: https://evil.example"), 403),
            ("no origin", run, &ours("Origin: null"), 403),
            ("no header", run, "Host: HOST\r\n", 403),
            ("GET", "GET /run/one?language=rust", OURS, 405),
            ("preflight", "OPTIONS /run/one?language=rust", preflight, 405),
            ("unknown", "POST /run/two?language=rust", OURS, 404),
            ("no such language", "POST /run/one?language=perl", OURS, 400),
            ("no language", "POST /run/one", OURS, 400),
            ("more than a language", "POST /run/one?language=rust&arguments=x", OURS, 400),
            ("no counterpart", "POST /run/one?language=python", OURS, 404),
            ("a path", "POST /run/../one?language=rust", OURS, 405),
            ("an encoded path", "POST /run/..%2Fone?language=rust", OURS, 404),
            ("an absolute path", "POST /run/%2Fbin%2Fsh?language=rust", OURS, 404),
            ("an option", "POST /run/--help?language=rust", OURS, 404),
            ("a zero byte", "POST /run/one%00?language=rust", OURS, 404),
            ("a body", run, &ours("Content-Length: 1"), 413),
            ("a huge body", run, &ours("Content-Length: 99999999999"), 413),
            ("a body in chunks", run, &ours("Transfer-Encoding: chunked"), 413),
            ("a huge head", run, &ours(&format!("X-Long: {}", "x".repeat(1 << 20))), 431),
            ("nonsense", "\u{1}\u{2}", "", 400),
        ];
        for (what, line, headers, status) in cases {
            assert_eq!(book.status(line, headers).await, *status, "{what}");
        }
    });
}

#[test]
fn a_slow_client_is_cut_off() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut slow = TcpStream::connect(&book.address).await.unwrap();
        slow.write_all(b"POST /run/one?language=rust HTTP/1.1\r\nHost: ").await.unwrap();
        let mut rest = Vec::new();
        timeout(LIMIT, slow.read_to_end(&mut rest)).await.expect("it is cut off").ok();
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    });
}

#[test]
fn a_run_tells_all_that_happens() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut run = book.run("one").await;
        run.event("started").await;
        assert_eq!(run.event("line").await["text"], "hello");
        assert!(run.event("timeline").await["svg"].as_str().unwrap().starts_with("<svg"));
        let ended = run.event("ended").await;
        assert_eq!(ended["success"], true, "{ended}");

        // An edit of the source is what the next run runs.
        let edited = SOURCE.replace("hello", "good day");
        book.fixture.example("one", &edited);
        let mut run = book.run("one").await;
        assert_eq!(run.event("line").await["text"], "good day");

        book.fixture.example("one", &edited.replace("println", "std::process::exit(3); println"));
        let ended = book.run("one").await.event("ended").await;
        assert_eq!(ended["success"], false);
        assert!(ended["outcome"].as_str().unwrap().contains('3'), "{ended}");

        book.fixture.example("one", &edited.replace("println", "no_such_macro"));
        let mut run = book.run("one").await;
        let said = run.event("compiler").await.to_string();
        assert!(said.contains("one"), "{said}");
        run.event("refused").await;
    });
}

#[cfg(unix)]
#[test]
fn when_the_reader_leaves_a_silent_example_its_whole_tree_is_ended() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut run = book.run("silent").await;
        let (parent, child) = (run.process().await, run.process().await);
        drop(run);
        gone(parent).await;
        gone(child).await;
    });
}

#[cfg(unix)]
#[test]
fn a_run_past_its_limit_is_ended_and_says_so() {
    runtime().block_on(async {
        let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
        let book = serve(limits).await;
        let mut run = book.run("silent").await;
        let (parent, child) = (run.process().await, run.process().await);
        let ended = run.event("ended").await;
        assert_eq!(ended["outcome"], "ended at the limit of 2s");
        gone(parent).await;
        gone(child).await;
    });
}

#[cfg(unix)]
#[test]
fn of_ten_readers_at_once_some_run_and_the_others_are_told() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut runs = Vec::new();
        for _ in 0..MOST_RUNS {
            let mut run = book.run("silent").await;
            let process = run.process().await;
            runs.push((run, process));
        }
        for _ in MOST_RUNS..10 {
            assert_eq!(book.status("POST /run/silent?language=rust", OURS).await, 503);
        }
        // One leaves, and its place is free again.
        let (run, process) = runs.remove(0);
        drop(run);
        gone(process).await;
        let free = async {
            while book.status("POST /run/one?language=rust", OURS).await != 200 {
                tokio::task::yield_now().await;
            }
        };
        timeout(LIMIT, free).await.expect("the place is free again");
    });
}

#[test]
fn output_without_end_is_cut_with_a_mark() {
    runtime().block_on(async {
        let limits = Limits { output: 1 << 16, ..Limits::default() };
        let book = serve(limits).await;
        let mut run = book.run("endless").await;
        let first = run.event("line").await;
        let text = first["text"].as_str().unwrap();
        assert!(text.ends_with(LINE_CUT) && text.len() == limits.line + LINE_CUT.len());

        let (mut bytes, mut last) = (text.len(), String::new());
        while last != OUTPUT_CUT {
            last = run.event("line").await["text"].as_str().unwrap().to_owned();
            bytes += last.len();
        }
        assert!(bytes <= limits.output + OUTPUT_CUT.len(), "{bytes} bytes");
        assert_eq!(run.event("ended").await["success"], true, "it could print to its end");
    });
}

#[test]
fn the_pages_cannot_be_framed_or_scripted_from_elsewhere() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut connection = Connection::open(&book.address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", book.address);
        connection.send_raw(request.as_bytes()).await.unwrap();
        let answer = connection.answer().await.unwrap();
        let policy = answer.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self' 'sha256-", "frame-ancestors 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src 'self' 'unsafe"), "{policy}");
    });
}
