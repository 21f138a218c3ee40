//! The service and its workers as child processes.

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use testbed::http::{Answer, Connection};
use testbed::nats::Nats;
use testbed::{Child, LIMIT};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::{PAUSE, SERVICE, within};

/// A service that listens. It is killed when this is dropped.
pub struct Service {
    pub child: Child,
    pub address: String,
    /// The queue of `--offload nats`, and a worker on it. The service ends first.
    pub engine: Option<(Nats, Worker)>,
    log: Log,
}

/// Everything that a program prints to stderr. A program whose log is not read
/// stops when the pipe is full.
pub type Log = JoinHandle<String>;

impl Service {
    pub async fn start(way: &str, options: &[&str]) -> Self {
        Self::start_on("0", way, options).await
    }

    pub async fn start_on(port: &str, way: &str, options: &[&str]) -> Self {
        Self::launch(Command::new(SERVICE), port, way, options).await
    }

    /// Starts it by a shell, after a command that sets its limits.
    #[cfg(unix)]
    pub async fn start_after(
        command: &str,
        way: &str,
        options: &[&str],
    ) -> Self {
        let mut shell = Command::new("sh");
        let script = format!(r#"{command} && exec "$0" "$@""#);
        shell.args(["-c", &script, SERVICE]);
        Self::launch(shell, "0", way, options).await
    }

    async fn launch(
        mut command: Command,
        port: &str,
        way: &str,
        options: &[&str],
    ) -> Self {
        let mut engine = None;
        if way == "nats" {
            let nats = Nats::start().expect("a nats-server is installed");
            let worker = Worker::start(&nats, options);
            command.args(["--nats", &nats.url()]);
            engine = Some((nats, worker));
        }
        command.args(["--port", port, "--offload", way]).args(options);
        let mut child = spawn(&mut command);
        let address = address_of(&mut child);
        let log = log_of(&mut child);
        Self { child, address, engine, log }
    }

    pub async fn connect(&self) -> Connection {
        within(Connection::open(&self.address)).await.unwrap()
    }

    /// Sends a GET on a connection of its own, and returns the answer.
    pub async fn get(&self, path: &str) -> Answer {
        within(self.connect().await.get(path)).await.unwrap()
    }

    /// Sends a GET on a connection of its own, for an answer that comes later.
    pub async fn ask(&self, path: &str) -> Connection {
        let mut connection = self.connect().await;
        connection.send(path).await.unwrap();
        connection
    }

    pub async fn load(&self) -> Load {
        let answer = self.get("/health").await;
        assert_eq!(answer.status, 200);
        let health: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(health["status"], "ok");
        let number = |name: &str| {
            health[name].as_u64().unwrap_or_else(|| panic!("{health}"))
        };
        Load {
            running: number("running"),
            waiting: number("waiting"),
            done: number("done"),
        }
    }

    /// Waits until this many jobs run and this many wait.
    pub async fn until(&self, running: u64, waiting: u64) -> Load {
        let reached =
            |load: Load| (load.running, load.waiting) == (running, waiting);
        self.until_load(reached).await
    }

    pub async fn until_load(&self, reached: impl Fn(Load) -> bool) -> Load {
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

    /// Waits for its end, and returns its status and its log.
    pub async fn end(self) -> (ExitStatus, String) {
        let Self { child, log, .. } = self;
        end(child, log).await
    }
}

/// The jobs of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub running: u64,
    pub waiting: u64,
    pub done: u64,
}

/// A process that runs the jobs of `--offload nats`. It is killed when this is
/// dropped.
pub struct Worker {
    pub child: Child,
    /// The address of its figures: `127.0.0.1:PORT`.
    pub metrics: String,
    log: Log,
}

impl Worker {
    /// Starts a worker with as many processes as the service gets, or two.
    fn start(nats: &Nats, options: &[&str]) -> Self {
        let workers =
            options.iter().position(|option| *option == "--workers");
        let workers = workers.map_or("2", |at| options[at + 1]);
        let mut command = Command::new(SERVICE);
        command.args([
            "worker",
            "--nats",
            &nats.url(),
            "--workers",
            workers,
        ]);
        command.args(["--metrics", "0", "--verbose", "--nice", "0"]);
        let mut child = spawn(&mut command);
        let line = child.line().unwrap();
        let metrics =
            line.strip_prefix("Metrics on http://").expect("a URL");
        let metrics = metrics.strip_suffix("/metrics").expect("a path");
        let expected = format!("Waiting for jobs on {}", nats.url());
        assert_eq!(child.line().unwrap(), expected);
        let log = log_of(&mut child);
        Self { child, metrics: metrics.to_owned(), log }
    }

    /// Waits for its end, and returns its status and its log.
    pub async fn end(self) -> (ExitStatus, String) {
        end(self.child, self.log).await
    }
}

/// Starts a program of the service without input.
pub fn spawn(command: &mut Command) -> Child {
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Child::start(command).unwrap()
}

/// Waits until a service listens, and returns its address.
pub fn address_of(service: &mut Child) -> String {
    let line = service.line().expect("it prints where it listens");
    let address = line.strip_prefix("Listening on http://");
    address.unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn log_of(child: &mut Child) -> Log {
    let mut stderr = child.stderr.take().unwrap();
    thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    })
}

async fn end(mut child: Child, log: Log) -> (ExitStatus, String) {
    let ended = spawn_blocking(move || {
        let log = log.join().unwrap();
        assert_eq!(child.rest().unwrap(), "", "nothing more on stdout");
        (child.wait().unwrap(), log)
    });
    within(ended).await.unwrap()
}
