//! Servers that implementations need or measure. Each of them is killed when it is dropped.
//!
//! They stay in the process group of the implementation, and their folders are in the runner's, so
//! both are also gone if the implementation is killed.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use testbed::Child;
use testbed::nats::Nats;

use crate::benchmark::Turn;

/// Starts nats-server with JetStream, which stores its streams in files.
///
/// # Errors
///
/// If it is not installed or does not listen.
pub fn nats(turn: &Turn) -> Result<Nats> {
    Nats::start_in(&turn.scratch, &["-js"])
        .context("starting nats-server (apt install nats-server)")
}

/// A redis-server that keeps everything in memory, on a free port and in a folder of its own.
#[derive(Debug)]
pub struct Redis {
    server: Child,
    /// The address as a URL.
    pub url: String,
    _folder: TempDir,
}

impl Redis {
    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If it is not installed or does not listen.
    pub fn start(turn: &Turn) -> Result<Self> {
        /// Another program may take the free port before redis-server does.
        const ATTEMPTS: usize = 10;

        for _ in 0..ATTEMPTS {
            let folder =
                tempfile::tempdir_in(&turn.scratch).context("making a folder for redis-server")?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            drop(listener);
            let mut command = Command::new("redis-server");
            command
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(port.to_string())
                .arg("--dir")
                .arg(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            let mut server = Child::start(&mut command)
                .context("starting redis-server (apt install redis-server)")?;
            let is_ready = |line: &str| line.contains("Ready to accept connections").then_some(());
            if server.wait_for(is_ready).is_ok() {
                let url = format!("redis://127.0.0.1:{port}/0");
                return Ok(Self { server, url, _folder: folder });
            }
        }
        bail!("redis-server ended before it listened")
    }

    /// Returns the process id of the server.
    pub fn id(&self) -> u32 {
        self.server.id()
    }
}

/// A server that names its address when it listens.
#[derive(Debug)]
pub struct Service {
    server: Child,
    /// The address: `127.0.0.1:PORT`.
    pub address: String,
}

impl Service {
    /// Starts a server, and waits until it has printed ` on http://ADDRESS`. The compute service
    /// prints that to stdout and uvicorn to stderr.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or ends first. The message contains the last line that it printed.
    pub fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = Child::start(command).context("starting the service")?;
        let mut last = String::new();
        for line in server.lines() {
            if let Some((_, url)) = line.split_once(" on http://") {
                let address = url.split(' ').next().unwrap_or_default().to_owned();
                return Ok(Self { server, address });
            }
            last = line;
        }
        bail!("it ended before it listened: {last}")
    }

    /// Returns the process id of the server.
    pub fn id(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use std::time::Duration;

            use rustix::process::Signal;

            // First asked to end by itself, so that it ends its workers; it has no request to answer.
            self.server.signal(Signal::TERM).ok();
            self.server.wait_within(Duration::from_secs(2)).ok();
        }
    }
}
