//! The program `examples/queue.rs` as a child process.

use std::io::Write as _;
use std::process::{Command, Stdio};

use testbed::Child;
use testbed::processes::Signal;

use crate::host;

/// A worker in a process of its own. It ends when its stdin closes, also because
/// the test has ended.
#[derive(Debug)]
pub struct Host(Child);

impl Host {
    /// Starts a worker and waits until it is ready. The settings are those of
    /// the program.
    pub fn start(url: &str, settings: &[(&str, &str)]) -> Self {
        let mut host = Self::spawn(url, settings);
        host.0.ready().expect("the worker is ready");
        host
    }

    /// Starts a worker.
    pub fn spawn(url: &str, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new(host());
        let settings =
            settings.iter().map(|(name, value)| format!("{name}={value}"));
        command.arg(url).args(settings);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(Child::start(&mut command).expect("the worker starts"))
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.0.is_running()
    }

    pub fn signal(&self, signal: Signal) {
        self.0.signal(signal).expect("it is running");
    }

    /// Tells the worker to stop, waits until it has ended, and returns its
    /// metrics.
    pub fn stop(mut self) -> Metrics {
        let stdin = self.0.stdin.as_mut().expect("it is piped");
        stdin.write_all(b"stop\n").expect("the worker listens");
        let text = self.0.rest().expect("the worker prints its metrics");
        assert!(self.0.wait().expect("it ends").success());
        Metrics(text)
    }
}

/// Figures in the text format of Prometheus.
#[derive(Debug)]
pub struct Metrics(pub String);

impl Metrics {
    /// Returns the value of a figure that is named with its labels. It is 0 if
    /// it is missing.
    pub fn get(&self, name: &str) -> f64 {
        let value =
            |line: &str| line.strip_prefix(name)?.trim().parse().ok();
        self.0.lines().find_map(value).unwrap_or(0.0)
    }
}
