//! A private NATS server, and programs that work for a queue on it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{LIMIT, has, skip};

/// A server with JetStream in a temporary folder. It is killed when it is dropped.
#[derive(Debug)]
pub struct Nats {
    server: Server,
    folder: TempDir,
    options: Vec<String>,
    /// The address, for example `127.0.0.1:4222`.
    pub address: String,
}

impl Nats {
    /// Starts a server on a free port. None, with a notice, where no nats-server is installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&["-js"])
    }

    /// The same with other options. A configuration file (`-c FILE`) must name a folder for data.
    pub fn start_with(options: &[&str]) -> Option<Self> {
        if !has(Path::new("nats-server")) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder can be created");
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        let (server, address) = launch(&folder, &options, "-1");
        Some(Self { server, folder, options, address })
    }

    /// The address as a URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// A path in the server's folder that a test can use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Kills the server, which leaves its files as they are.
    pub fn kill(&mut self) {
        self.server.0.kill().expect("it can be killed");
        self.server.0.wait().expect("it ends");
    }

    /// Tells the server to end, which then writes everything to its files.
    #[cfg(unix)]
    pub fn stop(&mut self) {
        let pid = crate::processes::id(self.server.0.id());
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.server.0.wait().expect("it ends");
    }

    /// Starts the server again, on the same port and with the same files.
    pub fn restart(&mut self) {
        let port = self.address.rsplit(':').next().expect("a port").to_owned();
        (self.server, self.address) = launch(&self.folder, &self.options, &port);
    }
}

/// Makes `cert.pem`, a certificate for the loopback interface that no system trusts, and `key.pem`.
/// Returns false, with a notice, where no openssl is installed.
pub fn certificate(folder: &Path) -> bool {
    let config = folder.join("openssl.conf");
    let text = "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = extensions\n\
                [name]\nCN = queue\n\
                [extensions]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n";
    std::fs::write(&config, text).expect("it can be written");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-config"])
        .arg(config)
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stdin(Stdio::null())
        .output();
    let Ok(made) = made else {
        skip("openssl");
        return false;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}

/// The server's process. It is killed when it is dropped.
#[derive(Debug)]
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a server, and returns its address as soon as it listens.
fn launch(folder: &TempDir, options: &[String], port: &str) -> (Server, String) {
    // The server refuses a folder that a configuration file names, too.
    let data = if options.iter().any(|option| option == "-c") {
        vec![]
    } else {
        vec!["-sd".into(), folder.path().join("data").into_os_string()]
    };
    let server = Command::new("nats-server")
        .args(["-a", "127.0.0.1", "-p", port, "--ports_file_dir"])
        .arg(folder.path())
        .args(options)
        .args(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let server = Server(server);
    let ports = folder.path().join(format!("nats-server_{}.ports", server.0.id()));
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = std::fs::read_to_string(&ports).unwrap_or_default();
        if let Ok(ports) = serde_json::from_str::<Value>(&text) {
            let url = ports["nats"][0].as_str().expect("a port for clients").to_owned();
            let (_, address) = url.split_once("://").expect("a URL");
            return (server, address.to_owned());
        }
        assert!(Instant::now() < deadline, "the server does not start");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The program `queue-host`, as a worker. It ends when its stdin closes, also because the test has
/// ended.
#[derive(Debug)]
pub struct Host {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Host {
    /// Starts a worker and waits until it is ready. The settings are those of `queue-host`.
    pub fn start(program: &str, url: &str, settings: &[(&str, &str)]) -> Self {
        let mut host = Self::spawn(program, url, settings);
        host.ready();
        host
    }

    /// Starts a worker.
    pub fn spawn(program: &str, url: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .arg(url)
            .args(settings.iter().map(|(name, value)| format!("{name}={value}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let stdin = child.stdin.take();
        Self { child, stdin }
    }

    /// Waits until the worker is ready.
    pub fn ready(&mut self) {
        use std::io::Read;
        let stdout = self.child.stdout.as_mut().expect("it is piped");
        let mut line = [0; 6];
        stdout.read_exact(&mut line).expect("the worker says that it is ready");
        assert_eq!(&line, b"ready\n");
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }

    /// Tells the worker to stop, waits until it has ended, and returns its metrics.
    pub fn stop(mut self) -> Metrics {
        if let Some(mut stdin) = self.stdin.take() {
            stdin.write_all(b"stop\n").expect("the worker listens");
        }
        let mut text = String::new();
        let mut stdout = self.child.stdout.take().expect("it is piped");
        std::io::Read::read_to_string(&mut stdout, &mut text).expect("the worker says what it did");
        assert!(self.child.wait().expect("it ends").success());
        Metrics(text)
    }

    /// Sends the worker a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(crate::processes::id(self.id()), signal).expect("it runs");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Figures in the text format of Prometheus.
#[derive(Debug)]
pub struct Metrics(pub String);

impl Metrics {
    /// The value of a figure that is named with its labels. It is 0 if it is missing.
    pub fn get(&self, name: &str) -> f64 {
        let value = |line: &str| line.strip_prefix(name)?.trim().parse().ok();
        self.0.lines().find_map(value).unwrap_or(0.0)
    }
}
