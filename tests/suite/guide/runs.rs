//! Programs that readers of the served book run: which requests may start one, how each ends, and
//! what is left of it.

use std::time::Duration;

use guide::serve::runner::MAX_RUNS;
use guide::serve::{Server, Settings};
use harness::run::{LINE_CUT, Limits, OUTPUT_CUT};
use serde_json::Value;
use tests::fixture::{Fixture, PAGE, RECORDING, SOURCE};
use tests::http::Connection;
#[cfg(unix)]
use tests::processes::gone;
use tests::{LIMIT, runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Prints its process id, starts a child that prints its own, and then both are silent.
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

/// Prints a line of 10 MB, then 100,000 lines.
const ENDLESS: &str = r#"//! Never stops talking.
//!
//! ```sh
//! cargo run --release -p endless
//! ```
use std::io::Write;
fn main() {
    let mut out = std::io::stdout().lock();
    for _ in 0..10 {
        out.write_all(&[b'x'; 1_000_000]).unwrap();
    }
    for number in 0..100_000 {
        write!(out, "\nline {number}").unwrap();
    }
}
"#;

/// Prints what it was given.
const GIVEN: &str = r#"//! Says what it was given.
//!
//! ```sh
//! cargo run -p given
//! ```
fn main() {
    println!("{}", std::env::args().skip(1).collect::<Vec<_>>().join("|"));
}
"#;

/// A build script that never ends, and starts a process that does not either. It writes the ids of
/// both, and of cargo, to a file.
#[cfg(unix)]
const ENDLESS_BUILD: &str = r#"use std::process;
fn main() {
    let child = process::Command::new("sleep").arg("600").spawn().unwrap();
    let (cargo, own) = (std::os::unix::process::parent_id(), process::id());
    let folder = std::path::Path::new("../../target");
    std::fs::write(folder.join("new-ids"), format!("{cargo} {own} {}", child.id())).unwrap();
    std::fs::rename(folder.join("new-ids"), folder.join("ids")).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"#;

/// The processes of [`ENDLESS_BUILD`], once all of them run.
#[cfg(unix)]
async fn processes_of_build(fixture: &Fixture) -> Vec<u32> {
    let file = fixture.root().join("target/ids");
    let processes = async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(ids) => return ids.split(' ').map(|id| id.parse().unwrap()).collect(),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(LIMIT, processes).await.expect("the build script runs")
}

/// A served book of these examples.
struct Served {
    fixture: Fixture,
    address: String,
    key: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(limits: Limits) -> Served {
    serve_with(Settings { run: limits, ..Settings::default() }).await
}

async fn serve_with(settings: Settings) -> Served {
    let fixture = examples();
    let server = Server::start(fixture.root().to_owned(), 0, settings).await.unwrap();
    let address = server.url().unwrap().replace("http://", "").replace('/', "");
    let key = server.key().to_owned();
    let serving = tokio::spawn(async { match server.run().await.expect("the server goes on") {} });
    Served { fixture, address, key, serving }
}

/// The book of these examples.
fn examples() -> Fixture {
    let fixture = Fixture::new();
    let mut page = String::from(PAGE);
    for (name, source, command) in [
        ("silent", SILENT, "cargo run -p silent"),
        ("endless", ENDLESS, "cargo run --release -p endless"),
        ("given", GIVEN, "cargo run -p given"),
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
    fixture.variant("given", "loud", &["--volume", "11"]);
    fixture.variant("one", "soft", &["--volume", "1"]);
    page += "\n{{#variants given}}\n\n{{#variants one}}\n";
    fixture.write("guide/en/index.md", &page);
    fixture
}

/// A run under way, as the page sees it.
struct Run(BufReader<TcpStream>);

impl Served {
    /// Sends the head of a request; HOST and KEY stand for those of this server.
    async fn request(&self, line: &str, headers: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\n{headers}\r\n");
        let head = head.replace("HOST", &self.address).replace("KEY", &self.key);
        stream.write_all(head.as_bytes()).await.unwrap();
        BufReader::new(stream)
    }

    /// The head and the body of the answer to such a request, in lower case.
    async fn answer(&self, line: &str, headers: &str) -> String {
        let headers = format!("{headers}Connection: close\r\n");
        let mut answer = self.request(line, &headers).await;
        let mut bytes = Vec::new();
        timeout(LIMIT, answer.read_to_end(&mut bytes)).await.expect("it answers").unwrap();
        String::from_utf8_lossy(&bytes).to_lowercase()
    }

    /// The status of the answer to such a request.
    async fn status(&self, line: &str, headers: &str) -> u16 {
        let mut answer = self.request(line, headers).await;
        let mut head = String::new();
        timeout(LIMIT, answer.read_line(&mut head)).await.expect("it answers").unwrap();
        head.split(' ').nth(1).unwrap_or("0").parse().unwrap()
    }

    /// Runs an example, named with or without a query.
    async fn run(&self, name: &str) -> Run {
        let query = if name.contains('?') { "" } else { "?language=rust" };
        let line = format!("POST /run/{name}{query}");
        let mut answer = self.request(&line, OURS).await;
        let mut head = String::new();
        timeout(LIMIT, answer.read_line(&mut head)).await.expect("it answers").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        Run(answer)
    }
}

impl Run {
    /// The next event of this kind; other events before it are skipped.
    ///
    /// The time limit is for each event on its own. While cargo builds, which takes long on a busy
    /// machine, there is one per second.
    async fn event(&mut self, kind: &str) -> Value {
        let mut skipped = Vec::new();
        loop {
            let mut line = String::new();
            let read = timeout(LIMIT, self.0.read_line(&mut line)).await;
            let read = read.unwrap_or_else(|_| panic!("no {kind} in time, after {skipped:#?}"));
            assert!(read.unwrap() > 0, "no {kind}, after {skipped:#?}");
            // Between the events are the lengths of HTTP's chunks.
            match serde_json::from_str::<Value>(&line) {
                Ok(event) if event["event"] == kind => return event,
                Ok(event) if event["event"] == "timeline" => {}
                Ok(event) => skipped.push(event),
                Err(_) => {}
            }
        }
    }

    async fn process(&mut self) -> u32 {
        self.event("line").await["text"].as_str().unwrap().parse().unwrap()
    }
}

const OURS: &str = "Host: HOST\r\nX-Run-Example: KEY\r\n";

#[test]
fn only_a_page_of_this_book_can_run_an_example() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let run = "POST /run/one?language=rust";
        let port = book.address.split(':').nth(1).unwrap();
        let host = |host: &str| format!("Host: {host}\r\nX-Run-Example: KEY\r\n");
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
            ("any letter case", run, &host(&format!("LocalHost.:{port}")), 200),
            ("no host", run, "X-Run-Example: KEY\r\n", 400),
            ("two hosts", run, &ours("Host: evil.example"), 400),
            ("a page for another host", "GET /index.html", "Host: evil.example\r\n", 421),
            ("another origin", run, &ours("Origin: https://evil.example"), 403),
            ("no origin", run, &ours("Origin: null"), 403),
            ("two origins", run, &ours("Origin: http://HOST\r\nOrigin: https://evil.example"), 403),
            ("no header", run, "Host: HOST\r\n", 403),
            ("no key", run, "Host: HOST\r\nX-Run-Example: yes\r\n", 403),
            ("an empty key", run, "Host: HOST\r\nX-Run-Example:\r\n", 403),
            ("part of a key", run, &OURS.replace("KEY", &book.key[1..]), 403),
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
fn a_request_can_name_a_declared_variant_and_nothing_else() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let cases = [
            ("declared", "given?language=rust&variant=loud", 200),
            ("unknown", "given?language=rust&variant=quiet", 404),
            ("of another example", "given?language=rust&variant=soft", 404),
            ("of an example without variants", "silent?language=rust&variant=loud", 404),
            ("of an unknown example", "two?language=rust&variant=loud", 404),
            ("an example", "given?language=rust&variant=one", 404),
            ("in other letters", "given?language=rust&variant=LOUD", 404),
            ("the beginning of one", "given?language=rust&variant=lou", 404),
            ("empty", "given?language=rust&variant=", 404),
            ("its full name", "given?language=rust&variant=given--loud", 404),
            ("its full name as the example's", "given--loud?language=rust", 404),
            ("its arguments", "given?language=rust&variant=--volume%2011", 404),
            ("with an argument", "given?language=rust&variant=loud%20--more", 404),
            ("with an argument, +", "given?language=rust&variant=loud+--more", 404),
            ("with a command", "given?language=rust&variant=loud;id", 404),
            ("with a line break", "given?language=rust&variant=loud%0A", 404),
            ("with a zero byte", "given?language=rust&variant=loud%00", 404),
            ("with a path", "given?language=rust&variant=..%2Fgiven%2Floud", 404),
            ("not UTF-8", "given?language=rust&variant=loud%FF", 404),
            ("next to arguments", "given?language=rust&variant=loud&arguments=x", 400),
            ("twice", "given?language=rust&variant=loud&variant=loud", 400),
            ("without a language", "given?variant=loud", 400),
            ("in Python", "given?language=python&variant=loud", 404),
        ];
        for (what, path, status) in cases {
            let found = book.status(&format!("POST /run/{path}"), OURS).await;
            assert_eq!(found, status, "{what}");
        }
        let without_key =
            book.status("POST /run/given?language=rust&variant=loud", "Host: HOST\r\n");
        assert_eq!(without_key.await, 403);

        let mut plain = book.run("given").await;
        assert_eq!(plain.event("line").await["text"], "");
        let mut loud = book.run("given?language=rust&variant=loud").await;
        assert_eq!(loud.event("line").await["text"], "--volume|11");
    });
}

#[test]
fn a_slow_client_is_cut_off() {
    runtime().block_on(async {
        let mut settings = Settings::default();
        settings.http.head_timeout = Duration::from_millis(300);
        let book = serve_with(settings).await;
        let mut slow = TcpStream::connect(&book.address).await.unwrap();
        slow.write_all(b"POST /run/one?language=rust HTTP/1.1\r\nHost: ").await.unwrap();
        let mut rest = Vec::new();
        timeout(LIMIT, slow.read_to_end(&mut rest)).await.expect("it is cut off").ok();
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    });
}

#[test]
fn a_run_reports_everything_that_happens() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut run = book.run("one").await;
        run.event("started").await;
        assert_eq!(run.event("line").await["text"], "hello");
        // It is over too soon for a picture.
        assert_eq!(run.event("timeline").await["svg"], "");
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
        while !run.event("compiler").await["text"].as_str().unwrap().contains("no_such_macro") {}
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
        assert_eq!(ended["outcome"], "killed at the time limit of 2s");
        gone(parent).await;
        gone(child).await;
    });
}

#[cfg(unix)]
#[test]
fn a_build_past_its_limit_is_ended_and_says_so() {
    runtime().block_on(async {
        let build = Duration::from_secs(5);
        let book = serve_with(Settings { build, ..Settings::default() }).await;
        book.fixture.write("examples-async/one/build.rs", ENDLESS_BUILD);
        let mut run = book.run("one").await;
        let processes = processes_of_build(&book.fixture).await;
        let failed = run.event("failed").await;
        assert_eq!(failed["reason"], "the build was stopped at its time limit of 5s");
        for process in processes {
            gone(process).await;
        }
    });
}

#[cfg(unix)]
#[test]
fn a_run_over_the_limit_is_rejected_until_another_ends() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut runs = Vec::new();
        for _ in 0..MAX_RUNS {
            let mut run = book.run("silent").await;
            let process = run.process().await;
            runs.push((run, process));
        }
        for _ in MAX_RUNS..10 {
            assert_eq!(book.status("POST /run/silent?language=rust", OURS).await, 503);
        }
        // When a reader leaves, another one can run a program.
        let (run, process) = runs.remove(0);
        drop(run);
        gone(process).await;
        let free = async {
            while book.status("POST /run/one?language=rust", OURS).await != 200 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LIMIT, free).await.expect("another one can run");
    });
}

#[test]
fn output_without_end_is_cut_with_a_mark() {
    runtime().block_on(async {
        let limits = Limits { output: 1 << 16, time: LIMIT * 5, ..Limits::default() };
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
fn every_answer_has_the_headers_that_protect_it() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let long = format!("GET /{}", "a".repeat(5000));
        for (line, headers, status) in [
            ("GET /", "Host: HOST\r\n", 200),
            ("GET /gone.html", "Host: HOST\r\n", 404),
            (&*long, "Host: HOST\r\n", 404),
            ("GET //css", "Host: HOST\r\n", 404),
            ("GET /css", "Host: HOST\r\n", 404),
            ("GET /run", "Host: HOST\r\n", 200),
            ("POST /run/two?language=rust", OURS, 404),
            ("POST /", "Host: HOST\r\n", 405),
            ("GET /", "Host: evil.example\r\n", 421),
        ] {
            let answer = book.answer(line, headers).await;
            let what = &line[..line.len().min(20)];
            assert!(answer.starts_with(&format!("http/1.1 {status}")), "{what}: {answer}");
            let head = answer.split("\r\n\r\n").next().unwrap();
            assert!(head.contains("x-content-type-options: nosniff"), "{what}: {head}");
            assert!(head.contains("content-security-policy: default-src 'none'"), "{what}: {head}");
            assert!(!head.contains("location:"), "{what}: {head}");
        }
        let page = book.answer("GET /", "Host: HOST\r\n").await;
        assert!(page.contains("script-src 'self' 'sha256-"), "{page}");
        assert!(page.contains("frame-ancestors 'self'"), "{page}");
        assert!(!page.contains("script-src 'self' 'unsafe"), "{page}");
        assert!(!page.contains(&book.key.to_lowercase()), "another user could read the key");
    });
}

#[test]
fn a_client_that_has_sent_all_it_has_gets_its_answer() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let mut request = book.request("GET /", "Host: HOST\r\n").await;
        request.get_mut().shutdown().await.unwrap();
        let mut answer = String::new();
        timeout(LIMIT, request.read_to_string(&mut answer)).await.expect("it answers").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("</html>"), "{answer}");
    });
}

#[test]
fn clients_that_read_nothing_do_not_lock_others_out() {
    runtime().block_on(async {
        let mut settings = Settings { live: 1, ..Settings::default() };
        settings.http.write_timeout = Duration::from_millis(300);
        settings.http.max_connections = 4;
        let book = serve_with(settings).await;
        // So many answers that the system cannot hold them.
        let mut greedy = Vec::new();
        for _ in 0..4 {
            let stream = TcpStream::connect(&book.address).await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let request = format!("GET /print.html HTTP/1.1\r\nHost: {}\r\n\r\n", book.address);
            tokio::spawn(
                async move { while writer.write_all(request.as_bytes()).await.is_ok() {} },
            );
            greedy.push(reader);
        }
        assert_eq!(book.status("GET /", "Host: HOST\r\n").await, 200);
    });
}

#[test]
fn pages_that_wait_for_changes_leave_connections_for_others() {
    runtime().block_on(async {
        let mut settings = Settings { live: 1, ..Settings::default() };
        settings.http.max_connections = 3;
        let book = serve_with(settings).await;
        let request = format!("GET /404.html HTTP/1.1\r\nHost: {}\r\n\r\n", book.address);
        let mut only = Connection::open(&book.address).await.unwrap();
        only.send_raw(request.as_bytes()).await.unwrap();
        assert_eq!(only.answer().await.unwrap().header("connection"), None);
        drop(only);

        let mut live = book.request("GET /live", "Host: HOST\r\n").await;
        let mut head = String::new();
        live.read_line(&mut head).await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(book.status("GET /live", "Host: HOST\r\n").await, 503);

        // The last connection but one, which the next client gets, is not kept.
        let mut last = Connection::open(&book.address).await.unwrap();
        last.send_raw(request.as_bytes()).await.unwrap();
        assert_eq!(last.answer().await.unwrap().header("connection"), Some("close"));
    });
}

#[test]
fn a_failure_that_is_not_the_compilers_is_told_in_cargos_words() {
    runtime().block_on(async {
        let book = serve(Limits::default()).await;
        let script = "fn main() { eprintln!(\"the disk is full\"); std::process::exit(1) }\n";
        book.fixture.write("examples-async/one/build.rs", script);
        let failed = book.run("one").await.event("failed").await;
        let reason = failed["reason"].as_str().unwrap();
        assert!(reason.contains("failed to run custom build command"), "{reason}");

        book.fixture.write("Cargo.toml", "[workspace\n");
        let answer = book.answer("POST /run/one?language=rust", OURS).await;
        assert!(answer.starts_with("http/1.1 500"), "{answer}");
        assert!(
            answer.contains("the examples cannot be read: ") && answer.contains("[workspace"),
            "{answer}"
        );
    });
}

/// Programs that the harness runs, without a server.
#[cfg(target_os = "linux")]
mod limits {
    use harness::run::{End, Line, Program, Running};
    use rustix::process::{Signal, kill_process};
    use tests::processes::{alive, id};

    use super::*;

    fn shell(script: &str, limits: Limits) -> Running {
        let program = Program {
            executable: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            folder: std::env::temp_dir(),
        };
        Running::start(&program, limits).unwrap()
    }

    async fn line(running: &mut Running) -> Line {
        timeout(LIMIT, running.line()).await.expect("a line in time").expect("a line")
    }

    #[test]
    fn a_limit_holds_even_if_the_output_is_never_read() {
        runtime().block_on(async {
            let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
            let running = shell("while :; do echo line; done", limits);
            let ended = running.ended();
            timeout(LIMIT, ended).await.expect("it is killed");
            let (end, _) = timeout(LIMIT, running.end()).await.expect("it ends").unwrap();
            assert_eq!(end, End::PastLimit);
        });
    }

    /// A process in a session of its own holds the output open.
    #[test]
    fn an_escaped_process_does_not_keep_a_run_open() {
        runtime().block_on(async {
            // Its id is printed when it has a session of its own. It holds stderr open.
            let escape = "echo $(setsid sh -c 'sleep 600 >&2 & echo $!')";
            for (then, time, past_limit) in
                [("", LIMIT * 10, false), ("; sleep 600", Duration::from_secs(1), true)]
            {
                let script = &format!("{escape}{then}");
                let mut running = shell(script, Limits { time, ..Limits::default() });
                let escaped = line(&mut running).await.text.parse().unwrap();
                let ended = timeout(LIMIT, running.end()).await;
                let is_there = alive(escaped);
                kill_process(id(escaped), Signal::KILL).unwrap();
                let (end, _) = ended.expect("the run ends").unwrap();
                assert_eq!(end == End::PastLimit, past_limit);
                assert!(is_there, "it has escaped");
            }
        });
    }

    #[test]
    fn empty_lines_are_limited_too() {
        runtime().block_on(async {
            let mut running = shell("yes ''", Limits { lines: 100, ..Limits::default() });
            for _ in 0..100 {
                assert_eq!(line(&mut running).await.text, "");
            }
            assert_eq!(line(&mut running).await.text, OUTPUT_CUT);
        });
    }
}

/// `guide` itself, serving the fixture's book.
#[cfg(target_os = "linux")]
mod ended {
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::process::{ExitStatus, Stdio};

    use rustix::process::{Signal, kill_process};
    use tests::WORKSPACE;
    use tests::processes::{gone, id};
    use tokio::process::{Child, Command};

    use super::*;

    /// A runtime for a test of `guide`, which has been built.
    fn guide_is_built() -> tokio::runtime::Runtime {
        tests::package("guide", &[]);
        runtime()
    }

    /// `guide`, with the fixture's book and its address and key.
    async fn guide(fixture: &Fixture) -> (Child, String, String) {
        let mut child = Command::new(WORKSPACE.target.join("debug/guide"))
            .args(["--port", "0", "--workspace"])
            .arg(fixture.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        // Then the other end of both pipes is closed: there is no terminal any more.
        child.stderr.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        timeout(LIMIT, stdout.read_line(&mut line)).await.expect("it starts").unwrap();
        let link = line.strip_prefix("The book is at http://").unwrap_or_else(|| panic!("{line}"));
        let (address, key) = link.split(' ').next().unwrap().split_once("/#run=").unwrap();
        (child, address.to_owned(), key.to_owned())
    }

    fn editions(root: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(root.join("target")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.display().to_string().contains("/book-")).collect()
    }

    /// A server whose reader runs the example `silent`.
    async fn running(fixture: &Fixture) -> (Child, Run) {
        let (child, address, key) = guide(fixture).await;
        let request = format!(
            "POST /run/silent?language=rust HTTP/1.1\r\nHost: {address}\r\n\
             X-Run-Example: {key}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        (child, Run(BufReader::new(stream)))
    }

    /// The exit of a server that gets this signal, whose run of two processes has ended with it.
    async fn ended_by(signal: Signal, fixture: &Fixture) -> ExitStatus {
        let (child, mut run) = running(fixture).await;
        let processes = [run.process().await, run.process().await];
        ended_with(child, signal, &processes).await
    }

    /// The exit of a server that gets this signal, with which these processes have ended.
    async fn ended_with(mut child: Child, signal: Signal, processes: &[u32]) -> ExitStatus {
        kill_process(id(child.id().unwrap()), signal).unwrap();
        let status = timeout(LIMIT, child.wait()).await.expect("it ends").unwrap();
        let left = timeout(LIMIT / 4, async {
            for process in processes {
                gone(*process).await;
            }
        });
        if left.await.is_err() {
            for process in processes {
                kill_process(id(*process), Signal::KILL).ok();
            }
            panic!("its processes have not ended");
        }
        status
    }

    fn ends_in_order(signal: Signal) {
        let fixture = examples();
        let runtime = guide_is_built();
        let status = runtime.block_on(ended_by(signal, &fixture));
        assert!(status.success(), "{status}");
        assert_eq!(editions(fixture.root()), Vec::<PathBuf>::new());
    }

    #[test]
    fn sigterm_ends_the_server_and_its_runs() {
        ends_in_order(Signal::TERM);
    }

    #[test]
    fn closing_the_terminal_ends_the_server_and_its_runs() {
        ends_in_order(Signal::HUP);
    }

    #[test]
    fn a_killed_server_leaves_no_run_behind() {
        let fixture = examples();
        let status = guide_is_built().block_on(ended_by(Signal::KILL, &fixture));
        assert_eq!(status.code(), None);
    }

    #[test]
    fn a_killed_server_leaves_no_build_behind() {
        let fixture = examples();
        fixture.write("examples-async/silent/build.rs", ENDLESS_BUILD);
        guide_is_built().block_on(async {
            let (child, _run) = running(&fixture).await;
            let processes = processes_of_build(&fixture).await;
            assert_eq!(processes.len(), 3);
            ended_with(child, Signal::KILL, &processes).await;
        });
    }

    #[test]
    fn the_folder_of_a_killed_server_is_removed_by_the_next_one() {
        let fixture = examples();
        guide_is_built().block_on(async {
            let (mut killed, ..) = guide(&fixture).await;
            let of_killed = editions(fixture.root());
            killed.kill().await.unwrap();
            // A process that it was just starting has the lock, too, until it runs another program.
            let lock = File::open(of_killed[0].join("lock")).unwrap();
            let released = async {
                while lock.try_lock().is_err() {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LIMIT, released).await.expect("the system releases the lock");
            drop(lock);
            let (_one, ..) = guide(&fixture).await;
            let of_one = editions(fixture.root());
            assert!(of_one.len() == 1 && of_one != of_killed, "{of_one:?}");
            // But the folder of a running server stays.
            let (_two, ..) = guide(&fixture).await;
            let of_both = editions(fixture.root());
            assert!(of_both.len() == 2 && of_both.contains(&of_one[0]), "{of_both:?}");
        });
    }

    #[test]
    fn a_server_without_a_terminal_still_serves() {
        let fixture = examples();
        guide_is_built().block_on(async {
            let (mut child, address, _) = guide(&fixture).await;
            let good = fs::read_to_string(fixture.root().join("guide/en/index.md")).unwrap();
            // The first change cannot be built and the second can; both are printed to no one.
            for (page, expected) in
                [("{{#example gone}}", "event: fault"), (&good, "event: edition")]
            {
                let mut live = BufReader::new(TcpStream::connect(&address).await.unwrap());
                let request = format!("GET /live HTTP/1.1\r\nHost: {address}\r\n\r\n");
                live.write_all(request.as_bytes()).await.unwrap();
                let mut lines = live.lines();
                fixture.write("guide/en/index.md", page);
                let event = async {
                    while lines.next_line().await.unwrap().expect("the server goes on") != expected
                    {
                    }
                };
                timeout(LIMIT, event).await.expect("an event in time");
            }
            assert_eq!(child.try_wait().unwrap(), None, "it still runs");
        });
    }
}
