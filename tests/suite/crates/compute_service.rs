//! The compute service: the real executable, over real sockets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures::future::join_all;
use harness::run::{Limits, Program, Running, Stream};
use serde_json::Value;
use tests::http::{Answer, Connection, encode};
use tests::nats::Nats;
use tests::{LIMIT, WORKSPACE, assert_snapshot, has, run, runtime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};

/// Built on a thread of its own: a test may ask for it inside its runtime.
static SERVICE: LazyLock<Program> = LazyLock::new(|| {
    std::thread::spawn(|| tests::build("compute-service")).join().expect("the service is built")
});

/// The ways to offload that are not a mistake. The last one needs a nats-server.
fn ways() -> Vec<&'static str> {
    let mut ways = vec!["rayon", "spawn-blocking", "processes"];
    if has(Path::new("nats-server")) {
        ways.push("nats");
    }
    ways
}

/// Runs a test for all ways at the same time. Most of these tests wait until a time limit of the service
/// has passed, and use all the CPU time that they get until then.
async fn for_each(ways: Vec<&'static str>, test: impl AsyncFn(&'static str)) {
    join_all(ways.into_iter().map(|way| test(way))).await;
}

/// Between two questions to a service: without a pause they would take the cores from what is awaited.
const PAUSE: Duration = Duration::from_millis(2);

/// Allows a sum that takes hours.
const LARGE: &[&str] = &["--max-n", "10000000000000"];
/// The same, with a deadline that no test reaches.
const ENDLESS: &[&str] = &["--max-n", "10000000000000", "--deadline", "3600"];
const FOREVER: &str = "/compute/10000000000000";

/// A service that listens. It is killed when dropped.
struct Service {
    child: Child,
    address: String,
    _stdout: Lines<BufReader<ChildStdout>>,
    /// The queue of `--offload nats`, and a worker on it. The service ends first.
    engine: Option<(Nats, Worker)>,
    /// Reads all that it logs. A service whose log is not read stops when the pipe is full.
    log: JoinHandle<String>,
}

impl Service {
    async fn start(way: &str, options: &[&str]) -> Self {
        Self::start_on("0", way, options).await
    }

    async fn start_on(port: &str, way: &str, options: &[&str]) -> Self {
        Self::launch(Command::new(&SERVICE.executable), port, way, options).await
    }

    /// Starts it by a shell, after a command that sets its limits.
    #[cfg(unix)]
    async fn start_after(command: &str, way: &str, options: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"{command} && exec "$0" "$@""#)]).arg(&SERVICE.executable);
        Self::launch(shell, "0", way, options).await
    }

    async fn launch(mut command: Command, port: &str, way: &str, options: &[&str]) -> Self {
        let mut engine = None;
        if way == "nats" {
            let nats = Nats::start().expect("a nats-server is installed");
            let worker = Worker::start(&nats, options).await;
            command.args(["--nats", &nats.url()]);
            engine = Some((nats, worker));
        }
        let mut child = spawn(command.args(["--port", port, "--offload", way]).args(options));
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within(stdout.next_line()).await.unwrap().expect("it says where it listens");
        let address = line.strip_prefix("Listening on http://").unwrap_or_else(|| panic!("{line}"));
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut said = String::new();
            stderr.read_to_string(&mut said).await.unwrap();
            said
        });
        Self { child, address: address.to_owned(), _stdout: stdout, engine, log }
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }

    async fn connect(&self) -> Connection {
        within(Connection::open(&self.address)).await.unwrap()
    }

    /// A GET on a connection of its own.
    async fn get(&self, path: &str) -> Answer {
        within(self.connect().await.get(path)).await.unwrap()
    }

    /// Sends a GET on a connection of its own, for an answer that comes later.
    async fn ask(&self, path: &str) -> Connection {
        let mut connection = self.connect().await;
        connection.send(path).await.unwrap();
        connection
    }

    async fn load(&self) -> Load {
        let answer = self.get("/health").await;
        assert_eq!(answer.status, 200);
        let health: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(health["status"], "ok");
        let number = |name: &str| health[name].as_u64().unwrap_or_else(|| panic!("{health}"));
        Load { running: number("running"), waiting: number("waiting"), done: number("done") }
    }

    /// Waits until so many jobs run and so many wait.
    async fn until(&self, running: u64, waiting: u64) -> Load {
        self.until_load(|load| (load.running, load.waiting) == (running, waiting)).await
    }

    async fn until_load(&self, reached: impl Fn(Load) -> bool) -> Load {
        let mut last = None;
        let load = async {
            loop {
                let load = self.load().await;
                last = Some(load);
                if reached(load) {
                    return load;
                }
                sleep(PAUSE).await;
            }
        };
        let load = timeout(LIMIT, load).await;
        load.unwrap_or_else(|_| panic!("not within the limit: {last:?}"))
    }

    /// How it ends, and what it had to say on stderr.
    async fn end(mut self) -> (ExitStatus, String) {
        let said = within(self.log).await.unwrap();
        (within(self.child.wait()).await.unwrap(), said)
    }
}

/// Starts a program of the service without input. It is killed when it is dropped.
fn spawn(command: &mut Command) -> Child {
    command
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A process that runs the jobs of `--offload nats`. It is killed when dropped.
struct Worker {
    child: Child,
    /// Where it tells its figures, as `127.0.0.1:PORT`.
    metrics: String,
    stdout: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<String>,
}

impl Worker {
    /// Starts a worker with as many processes as the service is told, or two.
    async fn start(nats: &Nats, options: &[&str]) -> Self {
        let workers = options.iter().position(|option| *option == "--workers");
        let workers = workers.map_or("2", |at| options[at + 1]);
        let mut command = Command::new(&SERVICE.executable);
        command.args(["worker", "--nats", &nats.url(), "--workers", workers]);
        let mut child = spawn(command.args(["--metrics", "0", "--verbose", "--nice", "0"]));
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line =
            within(stdout.next_line()).await.unwrap().expect("it says where its metrics are");
        let metrics = line.strip_prefix("Metrics on http://").expect("a URL");
        let metrics = metrics.strip_suffix("/metrics").expect("a path").to_owned();
        let line = within(stdout.next_line()).await.unwrap().expect("it says that it waits");
        assert_eq!(line, format!("Waiting for jobs on {}", nats.url()));
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut said = String::new();
            stderr.read_to_string(&mut said).await.unwrap();
            said
        });
        Self { child, metrics, stdout, log }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load {
    running: u64,
    waiting: u64,
    done: u64,
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("within the limit")
}

/// A process may have 1024 open files on most systems, and more if it asks.
fn allow_many_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    }
}

/// What the sum is, by the formula.
fn sum_of_squares(n: u128) -> u128 {
    if n == 0 { 0 } else { (n - 1) * n / 2 * (2 * n - 1) / 3 }
}

#[test]
fn a_session() {
    runtime().block_on(async {
        let service = Service::start("rayon", &["--workers", "2"]).await;
        let mut connection = service.connect().await;
        let mut text = "in order:\n".to_owned();
        for path in [
            "/compute/10",
            "/compute/0",
            "/compute/-5",
            "/compute/10000000",
            "/compute/abc",
            "/compute/1000000001",
            "/health",
            "/ready",
        ] {
            let answer = within(connection.get(path)).await.unwrap();
            text += &format!("  GET {path} -> {} {}\n", answer.status, answer.body);
        }

        let options = [ENDLESS, &["--workers", "1", "--queue", "0"]].concat();
        let service = Service::start("rayon", &options).await;
        let _job = service.ask(FOREVER).await;
        service.until(1, 0).await;
        let answer = service.get("/compute/10").await;
        text += "  # with --workers 1 --queue 0, while a job is running:\n";
        text += &format!("  GET /compute/10 -> {} {}\n", answer.status, answer.body);

        let options = [LARGE, &["--deadline", "0.2"]].concat();
        let service = Service::start("rayon", &options).await;
        let answer = service.get(FOREVER).await;
        text += "  # with --deadline 0.2:\n";
        text += &format!("  GET {FOREVER} -> {} {}\n", answer.status, answer.body);
        assert_snapshot("compute-service", &text);
    });
}

/// The variants that the page offers: each offloads as its name says, and gives the same answers.
#[test]
fn every_variant_answers() {
    runtime().block_on(async {
        assert_snapshot("compute-service--inline", &session_of("inline").await);
        assert_snapshot("compute-service--spawn-blocking", &session_of("spawn-blocking").await);
        assert_snapshot("compute-service--rayon", &session_of("rayon").await);
        assert_snapshot("compute-service--processes", &session_of("processes").await);
    });
}

async fn session_of(variant: &str) -> String {
    let declared = tests::example("compute-service").variant(variant).unwrap();
    let [option, way] = declared.example.arguments() else { panic!("{declared:?}") };
    assert_eq!((option.as_str(), way.as_str()), ("--offload", variant));
    let answer = Service::start(way, &[]).await.get("/compute/10").await;
    format!("in order:\n  GET /compute/10 -> {} {}\n", answer.status, answer.body)
}

#[test]
fn every_way_computes_the_exact_sum() {
    runtime().block_on(async {
        for way in ways().into_iter().chain(["inline"]) {
            // On a busy machine a job may take longer than the usual deadline.
            let service = Service::start(way, ENDLESS).await;
            for n in [0, 1, 2, 10, 65_535, 65_536, 65_537, 3_810_778, 3_810_779, 50_000_000] {
                let answer = service.get(&format!("/compute/{n}")).await;
                let expected = format!("{{\"result\":{}}}", sum_of_squares(n));
                assert_eq!((answer.status, answer.body), (200, expected), "{way}, {n}");
            }
            assert_eq!(service.load().await, Load { running: 0, waiting: 0, done: 10 });
        }
    });
}

/// The queue's server may be away. A client then gets a 503 or a 504, and never waits forever.
#[test]
fn a_queue_that_is_away_is_a_503_or_a_504() {
    if !has(Path::new("nats-server")) {
        return;
    }
    runtime().block_on(async {
        let mut service = Service::start("nats", &["--deadline", "0.5"]).await;
        service.engine.as_mut().unwrap().0.kill();
        assert_eq!(service.get("/compute/10").await.status, 504);
        service.engine.as_mut().unwrap().0.restart();
        let answered = async {
            while service.get("/compute/10").await.status != 200 {
                sleep(PAUSE).await;
            }
        };
        within(answered).await;

        let url = "nats://127.0.0.1:1";
        let arguments =
            ["--port", "0", "--offload", "nats", "--nats", url].map(Into::into).to_vec();
        let output = tokio::task::spawn_blocking(|| run(&Program { arguments, ..SERVICE.clone() }));
        let output = output.await.unwrap();
        assert_eq!(output.code(), Some(1));
        let errors: Vec<_> = output.of(Stream::Stderr).collect();
        let start = format!("error: the NATS server at {url} cannot be reached: ");
        assert!(matches!(errors[..], [line] if line.starts_with(&start)), "{errors:?}");
    });
}

/// A request has one id, from the service's log to the worker's, and both tell their figures.
#[cfg(unix)]
#[test]
fn a_request_can_be_followed_to_the_worker_that_ran_its_job() {
    use rustix::process::{Signal, kill_process};
    if !has(Path::new("nats-server")) {
        return;
    }
    runtime().block_on(async {
        let mut service = Service::start("nats", &["--verbose"]).await;
        assert_eq!(service.get("/compute/10").await.body, r#"{"result":285}"#);
        let (nats, mut worker) = service.engine.take().unwrap();
        let figures = service.get("/metrics").await.body;
        assert!(figures.contains("job_queue_submitted_total 1"), "{figures}");
        assert!(figures.contains("job_queue_depth "), "{figures}");
        let mut connection = within(Connection::open(&worker.metrics)).await.unwrap();
        // The worker counts the job once the server has stored the result, which the client may have
        // by then.
        let counted = async {
            let one = r#"job_worker_finished_total{outcome="done"} 1"#;
            while !connection.get("/metrics").await.unwrap().body.contains(one) {
                sleep(PAUSE).await;
            }
        };
        within(counted).await;
        drop(connection);

        for child in [&service.child, &worker.child] {
            let process = tests::processes::id(child.id().unwrap());
            kill_process(process, Signal::TERM).unwrap();
        }
        assert_eq!(within(worker.child.wait()).await.unwrap().code(), Some(0));
        assert_eq!(within(worker.stdout.next_line()).await.unwrap(), None);
        let worker = within(worker.log).await.unwrap();
        let (_, service) = service.end().await;
        let id = service.split("request{id=\"").nth(1).unwrap().split('"').next().unwrap();
        let line = worker.lines().find(|line| line.contains("done in ")).unwrap();
        assert!(line.contains(&format!("trace=\"{id}\"")), "{line}");
        drop(nats);
    });
}

#[test]
fn the_largest_n_is_the_limit_that_a_422_names() {
    runtime().block_on(async {
        let service = Service::start("rayon", &["--max-n", "12"]).await;
        assert_eq!(service.get("/compute/12").await.status, 200);
        let huge = "9".repeat(4300);
        for n in ["13", "18446744073709551616", huge.as_str()] {
            let answer = service.get(&format!("/compute/{n}")).await;
            assert_eq!(answer.status, 422);
            let expected = format!(
                r#"{{"detail":[{{"type":"less_than_equal","loc":["path","n"],"msg":"Input should be less than or equal to 12","input":"{n}","ctx":{{"le":12}}}}]}}"#
            );
            assert_eq!(answer.body, expected);
        }
        assert_eq!(service.load().await.done, 1, "refused, not computed");
    });
}

/// FastAPI's service and ours get the same requests, and give the same answers.
#[test]
fn answers_are_those_of_fastapi() {
    let python = PathBuf::from(std::env::var_os("PYTHON_WITH_FASTAPI").unwrap_or("python3".into()));
    if !has_fastapi(&python) {
        return;
    }
    let uvicorn = Program {
        executable: python,
        arguments: ["-B", "-m", "uvicorn", "--port", "0", "compute_service:app"]
            .map(Into::into)
            .to_vec(),
        folder: WORKSPACE.root.join("crates/compute-service"),
    };
    runtime().block_on(async {
        let limits = Limits { time: 3 * LIMIT, ..Limits::default() };
        let mut theirs = Running::start_unwatched(&uvicorn, limits).unwrap();
        let address = loop {
            let line = within(theirs.line()).await.expect("uvicorn starts").text;
            if let Some((_, rest)) = line.split_once("running on http://") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        // Its log must be read, or it stops when the pipe is full.
        let log = tokio::spawn(async move { while theirs.line().await.is_some() {} });

        let ours = Service::start("rayon", &["--max-n", "10000000"]).await;
        let mut ours = ours.connect().await;
        let mut theirs = Connection::open(&address).await.unwrap();

        let mut compared = BTreeMap::new();
        for path in differential_paths() {
            let our = within(ours.get(&path)).await.unwrap();
            if our.body.contains("\"less_than_equal\"") {
                // The documented difference: FastAPI's service would compute forever.
                assert_eq!(our.status, 422);
                *compared.entry("above the limit").or_insert(0) += 1;
                continue;
            }
            let their = within(theirs.get(&path)).await.unwrap();
            let shown = path.chars().take(80).collect::<String>();
            assert_eq!((our.status, &our.body), (their.status, &their.body), "{shown}");
            assert_eq!(our.header("content-type"), their.header("content-type"), "{shown}");
            let kind = match our.status {
                200 => "computed",
                404 => "not found",
                422 if our.body.contains("int_parsing_size") => "too long",
                422 => "no integer",
                status => panic!("{shown}: {status}"),
            };
            *compared.entry(kind).or_insert(0) += 1;
        }
        // Each kind was seen often enough to mean something.
        for (kind, least) in
            [("computed", 200), ("no integer", 200), ("too long", 10), ("not found", 5)]
        {
            assert!(compared[kind] >= least, "{compared:?}");
        }
        log.abort();
    });
}

/// Like [`tests::has`], for a Python that has the packages.
fn has_fastapi(python: &std::path::Path) -> bool {
    // Not imported, which takes longer than most of the comparison.
    let find = "import sys; from importlib.util import find_spec\n\
                sys.exit(not all(map(find_spec, ['fastapi', 'httptools', 'uvicorn', 'uvloop'])))";
    let find = Program {
        executable: python.to_owned(),
        arguments: ["-c", find].map(Into::into).to_vec(),
        folder: WORKSPACE.root.clone(),
    };
    let found = has(python) && run(&find).code() == Some(0);
    if !found {
        // Says it aloud, or fails in CI.
        has(std::path::Path::new("PYTHON_WITH_FASTAPI (see .ci/run)"));
    }
    found
}

fn differential_paths() -> Vec<String> {
    let mut inputs: Vec<String> = Vec::new();
    // Numbers around every limit, with whatever may stand around a number.
    let limits: [u128; 8] = [1, 10, 1 << 31, 1 << 32, 1 << 53, 1 << 63, 1 << 64, 1 << 127];
    let mut numbers: Vec<u128> = vec![0, 5, 7, 3_810_778, 3_810_779, 10_000_000, 10_000_001];
    numbers.extend(limits.iter().flat_map(|limit| [limit - 1, *limit, limit + 1]));
    for number in &numbers {
        // Large ones only below zero, or FastAPI's service would never answer.
        inputs.push(number.to_string());
        inputs.push(format!("-{number}"));
        for (before, after) in AROUND {
            inputs.push(format!("{before}{}{after}", number % 1000));
            inputs.push(format!("{before}-{number}{after}"));
            inputs.push(format!("-{before}{number}{after}"));
        }
    }
    // Around the limit of Python's digits, by each way to make a text longer.
    for length in [4298, 4299, 4300, 4301, 4302, 5000] {
        let nines = "9".repeat(length);
        let zeros = "0".repeat(length);
        for long in [
            format!("-{nines}"),
            format!("-{nines}.0"),
            format!("-{nines}.5"),
            format!("-{nines}_9"),
            format!("-9_{nines}"),
            format!("-{nines}x"),
            format!("-0{nines}"),
            format!(" -{nines}"),
            format!("-{nines} "),
            format!("--{nines}"),
            format!("{nines}x"),
            format!("{zeros}1"),
            format!("-{zeros}1"),
            format!("+{zeros}"),
            format!("{zeros}x"),
            format!("1.{zeros}"),
            format!("1.{zeros}1"),
            format!("{}1", " ".repeat(length / 2)),
            "x".repeat(length),
            format!("-1{}", "_1".repeat(length / 2)),
        ] {
            inputs.push(long);
        }
        if length > 4300 {
            inputs.extend([nines.clone(), format!("+{nines}"), format!(" {nines}")]);
            inputs.extend([format!("0{nines}"), format!("9_{nines}"), format!("{nines}.0")]);
        }
    }
    inputs.extend(ODD.iter().map(ToString::to_string));

    let mut paths: Vec<String> =
        inputs.iter().map(|input| format!("/compute/{}", encode(input))).collect();
    // What only the encoded form can say: no UTF-8, no hexadecimal digits, other paths.
    paths.extend(
        [
            "/compute/%FF",
            "/compute/1%C3",
            "/compute/%E2%82x",
            "/compute/%F0%9F%98",
            "/compute/%ED%A0%80",
            "/compute/1%2",
            "/compute/%zz",
            "/compute/%",
            "/compute/10?n=5",
            "/compute/10?",
            "/compute/+10",
            "/compute/1+0",
            "/compute/~",
            "/compute/1;0",
            "/compute/1,0",
            "/compute/1%2F2",
            "/compute/%2F",
            "/compute/1/2",
            "/compute/",
            "/compute",
            "/computer/1",
            "/",
            "/nothing",
        ]
        .map(str::to_owned),
    );
    paths
}

const AROUND: [(&str, &str); 26] = [
    ("+", ""),
    ("+-", ""),
    ("-+", ""),
    ("+ ", ""),
    (" ", ""),
    ("", " "),
    ("\t\n", "\r\n"),
    ("\u{b}\u{c}", "\u{85}"),
    ("\u{1c}", ""),
    ("\u{a0}", "\u{2003}"),
    ("\u{200b}", ""),
    ("0", ""),
    ("00", ""),
    ("0_", ""),
    ("0__", ""),
    ("_", ""),
    ("", "_"),
    ("1_", "_0"),
    ("", ".0"),
    ("", ".00 "),
    ("", "."),
    ("", ".5"),
    ("", ".0_0"),
    ("", "e3"),
    ("", "\u{0}"),
    ("", "-"),
];

const ODD: [&str; 76] = [
    " ",
    "+",
    "-",
    ".",
    "_",
    "__",
    "0_",
    "0_.0",
    "00_",
    "0__0",
    "-0",
    "+0",
    "-0.0",
    "+0.0",
    "0.0",
    "0.",
    ".0",
    "-.0",
    "1..0",
    "1.0.0",
    "1_0.0",
    "1__0",
    "1_000_000",
    "1e0",
    "1E3",
    "1e-3",
    "1.0e3",
    "0x10",
    "0o7",
    "0b1",
    "abc",
    "a1",
    "1a",
    "1 0",
    "1,000",
    "1'000",
    "nan",
    "inf",
    "-inf",
    "infinity",
    "true",
    "false",
    "True",
    "None",
    "null",
    "\"10\"",
    "[1]",
    "{}",
    "٣",
    "१२",
    "１２",
    "𝟗",
    "1٣",
    "٣.0",
    "1.٠",
    "Ⅷ",
    "²",
    "½",
    "−1",
    "–1",
    "1−",
    "\u{feff}1",
    "😀",
    "é",
    "e\u{301}",
    "\u{7f}",
    "\u{1}",
    "\\",
    "\"",
    "</script>",
    "0-0",
    "0-01",
    "+0-1",
    "-0-1",
    "0_-1_0",
    "0-1.0",
];

#[test]
fn what_is_no_route_is_said_as_fastapi_says_it() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let mut connection = service.connect().await;
        connection.send_raw(b"POST /compute/1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = within(connection.answer()).await.unwrap();
        assert_eq!(answer.status, 405);
        assert_eq!(answer.body, r#"{"detail":"Method Not Allowed"}"#);
        assert!(answer.header("allow").unwrap().contains("get"));
    });
}

/// By order: twenty answers of /health, each with all jobs under way, come before the deadline ends
/// the first job. A deadline that the machine is too slow for is doubled a few times.
#[test]
fn health_is_answered_while_every_worker_is_busy() {
    const EXPECTED: &str =
        r#"{"status":"ok","workers":3,"running":3,"waiting":4,"queue":4,"done":0}"#;
    runtime().block_on(async {
        for way in ways() {
            let mut deadlines = [1, 2, 4, 8].into_iter();
            loop {
                let deadline = deadlines.next().expect("/health comes before the jobs' deadline");
                let deadline = deadline.to_string();
                let limits = ["--workers", "3", "--queue", "4", "--deadline", &deadline];
                let service = Service::start(way, &[LARGE, &limits].concat()).await;
                let mut jobs = tokio::task::JoinSet::new();
                for _ in 0..7 {
                    let mut job = service.ask(FOREVER).await;
                    jobs.spawn(async move { within(job.answer()).await.unwrap().status });
                }
                let healths = async {
                    let mut connection = service.connect().await;
                    let mut all_under_way = 0;
                    while all_under_way < 20 {
                        let health = within(connection.get("/health")).await.unwrap();
                        all_under_way += usize::from(health.body == EXPECTED);
                    }
                };
                tokio::select! {
                    biased;
                    ended = jobs.join_next() => assert_eq!(ended.unwrap().unwrap(), 504, "{way}"),
                    () = healths => break,
                }
            }
        }
    });
}

/// The mistake: once as many jobs run as the runtime has threads, nothing else does.
#[test]
fn inline_health_waits_for_the_jobs() {
    let threads = std::thread::available_parallelism().unwrap().get();
    runtime().block_on(async {
        for (way, deadline, seen_all_running) in [("inline", "0.5", false), ("rayon", "30", true)] {
            let options = [LARGE, &["--deadline", deadline]].concat();
            let service = Service::start(way, &options).await;
            let asked: Vec<_> = (0..threads).map(|_| service.ask(FOREVER)).collect();
            let mut jobs = Vec::new();
            for asked in asked {
                jobs.push(asked.await);
            }
            let answers = async {
                for job in &mut jobs {
                    assert_eq!(within(job.answer()).await.unwrap().status, 504, "{way}");
                }
            };
            let mut most_running = 0;
            let health = async {
                while most_running < threads as u64 {
                    most_running = most_running.max(service.load().await.running);
                }
            };
            tokio::select! {
                () = answers => {}
                () = health => {}
            }
            let seen = usize::try_from(most_running).unwrap() == threads;
            assert_eq!(seen, seen_all_running, "{way}: {most_running} of {threads} seen to run");
        }
    });
}

#[test]
fn a_full_queue_is_said_at_once() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options = [ENDLESS, &["--workers", "1", "--queue", "2"]].concat();
            let service = Service::start(way, &options).await;
            let mut jobs = Vec::new();
            for _ in 0..3 {
                jobs.push(service.ask(FOREVER).await);
            }
            service.until(1, 2).await;

            let answer = service.get("/compute/10").await;
            assert_eq!(answer.status, 503, "{way}");
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.body, r#"{"detail":"The queue is full"}"#);

            // The next job takes the permit of one that has gone.
            jobs.pop();
            service.until(1, 1).await;
            jobs.push(service.ask(FOREVER).await);
            service.until(1, 2).await;
        })
        .await;
    });
}

#[test]
fn a_queue_of_none_still_runs_one_job_per_worker() {
    runtime().block_on(async {
        for way in ways() {
            let service = Service::start(way, &["--workers", "1", "--queue", "0"]).await;
            for _ in 0..100 {
                assert_eq!(service.get("/compute/10").await.status, 200, "{way}");
            }
        }
    });
}

/// Twenty thousand requests at once to the pool of processes, twenty-five on each of eight hundred
/// connections. The other ways have the same queue in front of them, and get a fifth of that.
#[test]
fn a_flood_is_answered_to_the_last_request() {
    const CONNECTIONS: usize = 800;
    allow_many_connections();
    runtime().block_on(async {
        for way in ways() {
            let each = if way == "processes" { 25 } else { 5 };
            // On a busy machine a job may wait for longer than the usual deadline.
            let options = [ENDLESS, &["--queue", "100", "--workers", "2"]].concat();
            let service = Service::start(way, &options).await;
            let mut watcher = service.connect().await;
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS {
                connections.push(service.connect().await);
            }
            let requests = "GET /compute/300000 HTTP/1.1\r\nhost: x\r\n\r\n".repeat(each);
            let expected = format!("{{\"result\":{}}}", sum_of_squares(300_000));
            let enough = Arc::new(AtomicBool::new(false));
            let mut clients = tokio::task::JoinSet::new();
            for mut connection in connections {
                let (requests, expected) = (requests.clone(), expected.clone());
                let enough = Arc::clone(&enough);
                clients.spawn(async move {
                    let (mut computed, mut refused) = (0, 0);
                    loop {
                        connection.send_raw(requests.as_bytes()).await.unwrap();
                        for _ in 0..each {
                            let answer = within(connection.answer()).await.unwrap();
                            match answer.status {
                                200 => {
                                    assert_eq!(answer.body, expected);
                                    computed += 1;
                                }
                                503 => {
                                    assert!(answer.header("retry-after").is_some());
                                    refused += 1;
                                }
                                status => panic!("{status} {}", answer.body),
                            }
                        }
                        if enough.load(Ordering::Relaxed) {
                            return (computed, refused);
                        }
                    }
                });
            }

            // Meanwhile /health never counts more jobs than allowed. The flood goes on until twenty
            // answers have come, so all of them have come during the flood.
            let answers = async {
                for _ in 0..20 {
                    let health = within(watcher.get("/health")).await.unwrap();
                    let health: Value = serde_json::from_str(&health.body).unwrap();
                    assert!(health["running"].as_u64().unwrap() <= 2, "{health}");
                    assert!(health["waiting"].as_u64().unwrap() <= 102, "{health}");
                }
                enough.store(true, Ordering::Relaxed);
            };
            let (counts, ()) = tokio::join!(clients.join_all(), answers);
            let computed: u64 = counts.iter().map(|(computed, _)| computed).sum();
            let refused: u64 = counts.iter().map(|(_, refused)| refused).sum();
            assert!(computed > 100 && refused > 0, "{way}: {computed} computed, {refused} refused");
            let load = service.until(0, 0).await;
            assert_eq!(load.done, computed, "{way}");
        }
    });
}

/// More clients than connections are kept: the others wait, and are answered.
#[test]
fn more_clients_than_connections_are_all_answered() {
    runtime().block_on(async {
        allow_many_connections();
        let service = Service::start("rayon", &[]).await;
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..2_500 {
            let address = service.address.clone();
            clients.spawn(async move {
                let mut connection = within(Connection::open(&address)).await.unwrap();
                let answer = within(connection.get("/health")).await.unwrap();
                assert_eq!(answer.status, 200);
                (answer.header("connection") == Some("close"), connection)
            });
        }
        // No client closes its connection: it is the service that closes some.
        let clients = clients.join_all().await;
        assert!(clients.iter().filter(|(closes, _)| *closes).count() >= 1_600);
    });
}

#[test]
fn a_job_whose_client_has_gone_is_stopped() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options = [ENDLESS, &["--workers", "1"]].concat();
            let service = Service::start(way, &options).await;
            let first = service.ask(FOREVER).await;
            service.until(1, 0).await;
            let second = service.ask(FOREVER).await;
            service.until(1, 1).await;

            drop(first); // the running one, so the other one starts
            service.until(1, 0).await;
            drop(second);
            assert_eq!(service.until(0, 0).await.done, 0, "{way}");
            assert_eq!(service.get("/compute/10").await.status, 200, "{way}");
        })
        .await;
    });
}

/// As `nc -N` does: a short job is answered, a long one is stopped, as one whose client has left.
#[test]
fn a_client_that_only_sends_no_more_gets_a_short_answer() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let service = Service::start(way, ENDLESS).await;
            for path in ["/health", "/compute/10", FOREVER] {
                let mut stream = TcpStream::connect(&service.address).await.unwrap();
                let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                let mut answer = String::new();
                within(stream.read_to_string(&mut answer)).await.unwrap();
                let expected = if path == FOREVER { "" } else { "HTTP/1.1 200 OK\r\n" };
                assert!(answer.starts_with(expected), "{way}, {path}: {answer:?}");
                assert_eq!(answer.is_empty(), path == FOREVER, "{way}, {path}: {answer:?}");
            }
            service.until(0, 0).await;
        })
        .await;
    });
}

/// What hyper has not read yet hides that the client has left. The deadline bounds that.
#[test]
fn a_client_that_leaves_an_unread_request_costs_no_more_than_the_deadline() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options = [LARGE, &["--workers", "1", "--deadline", "1"]].concat();
            let service = Service::start(way, &options).await;
            let mut stream = TcpStream::connect(&service.address).await.unwrap();
            let requests = [FOREVER, "/health"]
                .map(|path| format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
                .concat();
            stream.write_all(requests.as_bytes()).await.unwrap();
            service.until_load(|load| load.running + load.waiting == 1).await;
            drop(stream);
            service.until(0, 0).await;
            assert_eq!(service.get("/compute/10").await.status, 200, "{way}");
        })
        .await;
    });
}

#[test]
fn a_job_past_its_deadline_is_a_504() {
    runtime().block_on(async {
        for_each([ways(), vec!["inline"]].concat(), async |way| {
            let options = [LARGE, &["--workers", "1", "--deadline", "0.5"]].concat();
            let service = Service::start(way, &options).await;
            // One runs and one waits. Both have a deadline.
            let mut jobs = [service.ask(FOREVER).await, service.ask(FOREVER).await];
            for job in &mut jobs {
                let answer = within(job.answer()).await.unwrap();
                assert_eq!(answer.status, 504, "{way}");
                assert_eq!(answer.body, r#"{"detail":"The deadline has passed"}"#);
            }
            service.until(0, 0).await; // and they no longer use a worker
            assert_eq!(service.get("/compute/10").await.status, 200, "{way}");
        })
        .await;
    });
}

#[test]
fn the_page_to_try_the_api_needs_nothing_from_elsewhere() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let api: Value = serde_json::from_str(&service.get("/openapi.json").await.body).unwrap();
        for path in ["/compute/{n}", "/health", "/ready"] {
            assert!(api["paths"][path]["get"].is_object(), "{api}");
        }
        assert_eq!(service.get("/docs").await.header("location"), Some("/docs/"));
        let page = service.get("/docs/").await;
        assert_eq!(page.status, 200);
        let sources = page
            .body
            .split(['"', '\''])
            .filter(|part| [".js", ".css", ".png"].iter().any(|end| part.ends_with(end)));
        let sources: Vec<_> = sources.collect();
        assert!(sources.len() > 3, "{}", page.body);
        for source in sources {
            let file = source.strip_prefix("./").unwrap_or(source);
            assert!(!file.contains("//"), "{file} is elsewhere");
            let mut connection = service.connect().await;
            connection.send(&format!("/docs/{file}")).await.unwrap();
            let mut head = vec![0; 15];
            within(connection.read_exact(&mut head)).await.unwrap();
            assert_eq!(head, b"HTTP/1.1 200 OK", "{file}");
        }
    });
}

#[test]
fn wrong_arguments_are_refused() {
    let cases: [&[&str]; 22] = [
        &["--port", "x"],
        &["--port", "65536"],
        &["--port", "-1"],
        &["--port"],
        &["--host", "nowhere"],
        &["--offload", "threads"],
        &["--workers", "0"],
        &["--workers", "1001"],
        &["--workers", "two"],
        &["--queue", "-1"],
        &["--queue", "1000001"],
        &["--deadline", "0"],
        &["--deadline", "-1"],
        &["--deadline", "nan"],
        &["--deadline", "1h"],
        &["--drain", "-1"],
        &["--drain", "86401"],
        &["--grace", "0"],
        &["--max-n", "10069012961346"],
        &["--nice", "20"],
        &["--unknown"],
        &["extra"],
    ];
    for arguments in cases {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let output = run(&Program { arguments: arguments.clone(), ..SERVICE.clone() });
        assert_eq!(output.code(), Some(2), "{arguments:?}: {:#?}", output.lines);
        assert_eq!(output.of(Stream::Stdout).count(), 0, "{:#?}", output.lines);
        let first = output.of(Stream::Stderr).next().unwrap();
        assert!(first.starts_with("error: "), "{arguments:?}: {first}");
    }
}

#[test]
fn a_port_in_use_is_said_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let arguments = ["--port", &port].map(Into::into).to_vec();
    let output = run(&Program { arguments, ..SERVICE.clone() });
    assert_eq!(output.code(), Some(1));
    let errors: Vec<_> = output.of(Stream::Stderr).collect();
    let start = format!("error: cannot listen on 127.0.0.1:{port}; --port chooses another port: ");
    assert!(matches!(errors[..], [line] if line.starts_with(&start)), "{errors:?}");
}

/// A request that is larger than any useful one is rejected.
#[test]
fn oversized_requests_are_cut_off() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let long = "9".repeat(20_000);
        for (request, status) in [
            (format!("GET /compute/{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "431"),
            (format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
            ("GET /health HTTP/1.1\r\n".to_owned() + &"x: y\r\n".repeat(200) + "\r\n", "431"),
            ("GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n\r\n".to_owned(), "413"),
        ] {
            let mut connection = service.connect().await;
            connection.send_raw(request.as_bytes()).await.unwrap();
            let start = &request[..request.len().min(30)];
            let mut head = [0; 12];
            within(connection.read_exact(&mut head)).await.unwrap();
            assert_eq!(head, format!("HTTP/1.1 {status}").as_bytes(), "{start}");
            // Closed: by an end, or by a reset where something was left unread.
            if let Err(error) = within(connection.rest()).await {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{start}");
            }
        }
    });
}

/// Whichever way a client stalls, its connection ends. The limits are ten seconds each.
#[test]
fn slow_clients_are_cut_off() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let address = &service.address;

        let silent = async {
            let mut connection = service.connect().await;
            assert_eq!(within(connection.rest()).await.unwrap(), b"");
        };
        let half_a_head = async {
            let mut connection = service.ask("/health HTTP/1.1\r\nx: ").await;
            within(connection.rest()).await.unwrap();
        };
        let idle_after_a_request = async {
            let mut connection = service.connect().await;
            assert_eq!(within(connection.get("/health")).await.unwrap().status, 200);
            assert_eq!(within(connection.rest()).await.unwrap(), b"");
        };
        let a_byte_at_a_time = async {
            let mut connection = service.connect().await;
            let mut clock = interval(Duration::from_millis(100));
            while connection.send_raw(b"G").await.is_ok() {
                clock.tick().await;
            }
        };
        let never_reads = async {
            let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
            let mut connection = Connection::open(address).await.unwrap();
            connection.send_raw(request.repeat(50).as_bytes()).await.unwrap();
            let mut clock = interval(Duration::from_millis(100));
            while connection.send_raw(request.as_bytes()).await.is_ok() {
                clock.tick().await;
            }
        };
        within(async {
            tokio::join!(silent, half_a_head, idle_after_a_request, a_byte_at_a_time, never_reads)
        })
        .await;
        assert_eq!(service.get("/health").await.status, 200);
    });
}

/// What only Unix has: signals, and limits that a shell sets.
#[cfg(unix)]
mod signals {
    use rustix::process::{Pid, Signal, kill_process};
    use tests::processes;

    use super::*;

    impl Service {
        fn signal(&self, signal: Signal) {
            let id = self.child.id().unwrap().try_into().unwrap();
            kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        }

        /// Waits until the port is closed.
        async fn until_refused(&self) {
            let refused = async {
                while TcpStream::connect(&self.address).await.is_ok() {
                    sleep(PAUSE).await;
                }
            };
            within(refused).await;
        }
    }

    /// The log tells whether the job was still running when the service stopped. If the job was too
    /// short for that, a longer one follows.
    #[test]
    fn running_requests_are_answered_after_a_signal() {
        let options =
            [ENDLESS, &["--workers", "1", "--grace", "3600", "--nice", "0", "--verbose"]].concat();
        runtime().block_on(async {
            for way in ways() {
                for signal in [Signal::TERM, Signal::INT] {
                    let mut n = 50_000_000;
                    while !answered_after(signal, way, &options, n).await {
                        n *= 4;
                    }
                }
            }
        });
    }

    /// Signals a service with a running, a waiting and an idle request. Whether the running one was
    /// answered after the service had begun to stop.
    async fn answered_after(signal: Signal, way: &str, options: &[&str], n: u128) -> bool {
        let service = Service::start(way, options).await;
        let mut idle = service.connect().await;
        within(idle.get("/health")).await.unwrap();
        let mut runs = service.ask(&format!("/compute/{n}")).await;
        service.until_load(|load| load.running == 1 || load.done == 1).await;
        let mut waits = service.ask("/compute/10").await;
        service.until_load(|load| load.waiting == 1 || load.done >= 1).await;

        service.signal(signal);
        service.until_refused().await;
        assert_eq!(within(idle.rest()).await.unwrap(), b"", "an idle one is closed");
        let answer = within(runs.answer()).await.unwrap();
        assert_eq!(answer.body, format!("{{\"result\":{}}}", sum_of_squares(n)));
        assert_eq!(within(waits.answer()).await.unwrap().body, r#"{"result":285}"#);
        let (status, said) = service.end().await;
        assert_eq!(status.code(), Some(0), "{way}");
        let stopping = said.find("stopping: running requests have 3600s").unwrap();
        let answered = said.find(&format!("GET /compute/{n} -> 200")).unwrap();
        assert!(said.contains("every request has been answered"), "{said}");
        stopping < answered
    }

    /// A load balancer sees the 503 while the port is still open.
    #[test]
    fn readiness_fails_before_the_port_is_closed() {
        runtime().block_on(async {
            let service = Service::start("rayon", &["--drain", "3600"]).await;
            let ready = service.get("/ready").await;
            assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready"}"#));
            assert_eq!(ready.header("connection"), None);

            service.signal(Signal::TERM);
            let unready = async {
                loop {
                    let answer = service.get("/ready").await; // on a new connection
                    if answer.status != 200 {
                        return answer;
                    }
                }
            };
            let unready = within(unready).await;
            assert_eq!(unready.status, 503);
            assert_eq!(unready.body, r#"{"detail":"The service is stopping"}"#);
            // It works as before, but asks its clients to come back on a new connection.
            let answer = service.get("/compute/10").await;
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));

            service.signal(Signal::TERM);
            let (status, said) = service.end().await;
            assert_eq!(status.code(), Some(0));
            assert!(said.contains("a second signal"), "{said}");
        });
    }

    #[test]
    fn the_port_is_closed_when_the_drain_time_is_over() {
        runtime().block_on(async {
            let service = Service::start("rayon", &["--drain", "0.3", "--verbose"]).await;
            service.signal(Signal::TERM);
            service.until_refused().await;
            let (status, said) = service.end().await;
            assert_eq!(status.code(), Some(0));
            let draining = said.find("draining: accepting connections for another 300ms").unwrap();
            let stopping = said.find("stopping: running requests").unwrap();
            assert!(draining < stopping, "{said}");
        });
    }

    /// The hard limit of 64 leaves room for 20 connections next to four workers. The other clients
    /// wait, and the service never runs out of descriptors.
    #[test]
    fn connections_fit_the_limit_of_open_files() {
        runtime().block_on(async {
            let service =
                Service::start_after("ulimit -n 64", "processes", &["--workers", "4"]).await;
            let mut clients = tokio::task::JoinSet::new();
            for _ in 0..100 {
                let address = service.address.clone();
                clients.spawn(async move {
                    let mut connection = within(Connection::open(&address)).await.unwrap();
                    let answer = within(connection.get("/compute/10")).await.unwrap();
                    assert_eq!(answer.body, r#"{"result":285}"#);
                    connection
                });
            }
            let clients = clients.join_all().await;
            service.signal(Signal::TERM);
            let (status, said) = service.end().await;
            assert_eq!((status.code(), said.as_str()), (Some(0), ""));
            drop(clients);
        });
    }

    #[test]
    fn the_soft_limit_of_open_files_is_raised() {
        runtime().block_on(async {
            let service = Service::start_after("ulimit -S -n 64", "rayon", &[]).await;
            let mut kept = Vec::new();
            for _ in 0..100 {
                let mut connection = service.connect().await;
                let answer = within(connection.get("/health")).await.unwrap();
                assert_eq!((answer.status, answer.header("connection")), (200, None));
                kept.push(connection);
            }
            service.signal(Signal::TERM);
            let (_, said) = service.end().await;
            assert_eq!(said, "", "it never ran out of descriptors");
        });
    }

    #[test]
    fn too_low_a_limit_of_open_files_is_said_in_one_line() {
        let command = r#"ulimit -n 40 && exec "$0" --port 0 --offload processes --workers 3"#;
        let arguments = ["-c".into(), command.into(), SERVICE.executable.clone().into()].to_vec();
        let shell = Program { executable: "sh".into(), arguments, ..SERVICE.clone() };
        let output = run(&shell);
        assert_eq!(output.code(), Some(1));
        let errors: Vec<_> = output.of(Stream::Stderr).collect();
        let start = "error: the limit of 40 open files leaves no room for connections; ";
        assert!(matches!(errors[..], [line] if line.starts_with(start)), "{errors:?}");
    }

    /// The terminal of a service may be closed. What it logs is lost then, and nothing else.
    #[test]
    fn a_log_that_cannot_be_written_fails_no_request() {
        runtime().block_on(async {
            let mut service = Service::start("rayon", &["--verbose"]).await;
            service.log.abort();
            assert!(within(&mut service.log).await.is_err(), "the pipe is closed");
            for _ in 0..3 {
                assert_eq!(service.get("/compute/10").await.body, r#"{"result":285}"#);
            }
            service.signal(Signal::TERM);
            assert_eq!(within(service.child.wait()).await.unwrap().code(), Some(0));
        });
    }

    #[test]
    fn a_second_signal_ends_it_at_once() {
        runtime().block_on(async {
            for way in ways() {
                let options = [ENDLESS, &["--grace", "3600"]].concat();
                let service = Service::start(way, &options).await;
                let mut job = service.ask(FOREVER).await;
                service.until(1, 0).await;
                service.signal(Signal::TERM);
                service.until_refused().await;
                service.signal(Signal::TERM);
                assert!(within(job.answer()).await.is_err(), "{way}: it was not answered");
                let (status, said) = service.end().await;
                assert_eq!(status.code(), Some(0), "{way}");
                assert!(said.contains("a second signal"), "{said}");
            }
        });
    }

    #[test]
    fn the_grace_period_ends_it() {
        runtime().block_on(async {
            for way in ways() {
                let options = [ENDLESS, &["--grace", "0.2"]].concat();
                let service = Service::start(way, &options).await;
                let mut job = service.ask(FOREVER).await;
                service.until(1, 0).await;
                service.signal(Signal::TERM);
                assert!(within(job.answer()).await.is_err(), "{way}: it was not answered");
                let (status, said) = service.end().await;
                assert_eq!(status.code(), Some(0), "{way}");
                assert!(said.contains("the grace period is over"), "{said}");
            }
        });
    }

    #[test]
    fn a_restart_gets_the_port_at_once() {
        runtime().block_on(async {
            for way in ways() {
                let mut service = Service::start(way, ENDLESS).await;
                let port = service.port().to_owned();
                for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
                    // A connection that the service closes first is what holds a port.
                    let mut idle = service.connect().await;
                    within(idle.get("/health")).await.unwrap();
                    let job = service.ask(FOREVER).await;
                    service.until(1, 0).await;
                    service.signal(signal);
                    if signal != Signal::KILL {
                        service.until_refused().await;
                        service.signal(signal);
                    }
                    service.end().await;
                    service = Service::start_on(&port, way, ENDLESS).await;
                    assert_eq!(service.get("/compute/10").await.status, 200, "{way}");
                    drop((idle, job));
                }
            }
        });
    }

    #[cfg(target_os = "linux")]
    fn workers_of(service: &Service) -> Vec<u32> {
        let children = processes::children_of(service.child.id().unwrap());
        children.into_iter().map(|(child, _)| child).collect()
    }

    #[cfg(target_os = "linux")]
    async fn until_gone(workers: &[u32]) {
        for worker in workers {
            processes::gone(*worker).await;
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_end_of_the_service_leaves_a_worker_behind() {
        runtime().block_on(async {
            let options = [ENDLESS, &["--workers", "3"]].concat();
            for signals in [&[Signal::KILL][..], &[Signal::TERM, Signal::TERM], &[Signal::QUIT]] {
                let service = Service::start("processes", &options).await;
                let workers = workers_of(&service);
                assert_eq!(workers.len(), 3);
                let busy = [service.ask(FOREVER).await, service.ask(FOREVER).await];
                service.until(2, 0).await;
                for signal in signals {
                    service.signal(*signal);
                    if signals.len() > 1 {
                        service.until_refused().await;
                    }
                }
                service.end().await;
                until_gone(&workers).await;
                drop(busy);
            }
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_killed_worker_costs_no_answer() {
        runtime().block_on(async {
            // A job must still be running when its worker is killed; if none was, longer ones follow.
            let mut n = 50_000_000;
            while !killed_in_time(n).await {
                n *= 4;
            }
        });
    }

    /// Kills both workers, and checks the answers. Whether both jobs were without one by then.
    #[cfg(target_os = "linux")]
    async fn killed_in_time(n: u128) -> bool {
        let options = [ENDLESS, &["--workers", "2", "--nice", "0"]].concat();
        let service = Service::start("processes", &options).await;
        let workers = workers_of(&service);
        let mut jobs = Vec::new();
        for _ in 0..2 {
            jobs.push(service.ask(&format!("/compute/{n}")).await);
        }
        service.until_load(|load| load.running == 2 || load.done > 0).await;
        for worker in &workers {
            kill_process(processes::id(*worker), Signal::KILL).unwrap();
        }
        until_gone(&workers).await;
        let in_time = service.load().await.done == 0;
        for mut job in jobs {
            let answer = within(job.answer()).await.unwrap();
            let expected = format!("{{\"result\":{}}}", sum_of_squares(n));
            assert_eq!((answer.status, answer.body), (200, expected));
        }
        assert_eq!(service.get("/compute/10").await.status, 200);
        in_time
    }

    /// The process of a job whose client has left is killed, and replaced.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_of_an_unwanted_job_is_killed() {
        runtime().block_on(async {
            let options = [ENDLESS, &["--workers", "1"]].concat();
            let service = Service::start("processes", &options).await;
            let workers = workers_of(&service);
            let job = service.ask(FOREVER).await;
            service.until(1, 0).await;
            drop(job);
            until_gone(&workers).await;
            assert_eq!(service.get("/compute/10").await.body, r#"{"result":285}"#);
            assert_ne!(workers_of(&service), workers);
        });
    }

    #[test]
    fn logs_are_one_line_per_request_and_only_when_asked_for() {
        runtime().block_on(async {
            for (options, lines) in [(&[][..], 0), (&["--verbose"], 1)] {
                let options = [ENDLESS, options].concat();
                let service = Service::start("rayon", &options).await;
                for path in ["/compute/10", "/compute/x", "/nothing"] {
                    service.get(path).await;
                }
                let gone = service.ask(FOREVER).await;
                service.until(1, 0).await;
                drop(gone);
                service.until(0, 0).await;
                service.signal(Signal::TERM);
                let (status, said) = service.end().await;
                assert_eq!(status.code(), Some(0));
                for line in [
                    "GET /compute/10 -> 200 OK in ",
                    "GET /compute/x -> 422 Unprocessable Entity in ",
                    "GET /nothing -> 404 Not Found in ",
                    "GET /compute/10000000000000 -> client gone after ",
                ] {
                    assert_eq!(said.matches(line).count(), lines, "{line}: {said}");
                }
                assert_eq!(said.is_empty(), lines == 0, "{said}");
                assert!(!said.contains('\u{1b}'), "no colors outside of a terminal: {said}");
            }
        });
    }
}
