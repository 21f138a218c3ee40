//! The servers that the queues need, each on a free port and in a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::implementation::Turn;

/// How long a server may take to start.
const LIMIT: Duration = Duration::from_secs(20);

/// A running server. It is killed when dropped.
///
/// It stays in the process group of the implementation, and its folder is in the runner's, so both are
/// also gone if the implementation is killed.
pub struct Server {
    child: Child,
    /// Where it listens, as a URL.
    pub url: String,
    /// Kept open, so that the server can write to it.
    _stdout: Option<ChildStdout>,
    _folder: TempDir,
}

impl Server {
    /// Starts nats-server with JetStream, which stores its streams in files.
    pub fn nats(turn: &Turn) -> Result<Self> {
        let folder = folder(turn)?;
        let child = Command::new("nats-server")
            .args(["-js", "-a", "127.0.0.1", "-p", "-1", "-l"])
            .arg(folder.path().join("log"))
            .arg("-sd")
            .arg(folder.path())
            .arg("--ports_file_dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting nats-server (apt install nats-server)")?;
        let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let mut server = Self { child, url: String::new(), _stdout: None, _folder: folder };
        let began = Instant::now();
        loop {
            let ports = fs::read_to_string(&ports).unwrap_or_default();
            // The file may be half written.
            let whole = ports.contains('}');
            if let Some(url) = ports.split('"').find(|part| part.starts_with("nats://") && whole) {
                url.clone_into(&mut server.url);
                return Ok(server);
            }
            ensure!(server.child.try_wait()?.is_none(), "nats-server ended before it listened");
            ensure!(began.elapsed() < LIMIT, "nats-server does not listen");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts redis-server, which keeps everything in memory.
    pub fn redis(turn: &Turn) -> Result<Self> {
        /// Another program may take the free port before redis-server does.
        const ATTEMPTS: usize = 10;

        for _ in 0..ATTEMPTS {
            let folder = folder(turn)?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            drop(listener);
            let mut child = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(port.to_string())
                .arg("--dir")
                .arg(folder.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .context("starting redis-server (apt install redis-server)")?;
            let stdout = child.stdout.take().context("redis-server has no stdout")?;
            let url = format!("redis://127.0.0.1:{port}/0");
            let mut server = Self { child, url, _stdout: None, _folder: folder };
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            while lines.read_line(&mut line)? > 0 {
                if line.contains("Ready to accept connections") {
                    server._stdout = Some(lines.into_inner());
                    return Ok(server);
                }
                line.clear();
            }
        }
        bail!("redis-server ended before it listened")
    }

    /// Its memory in KiB. None where the system does not tell.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> Result<Option<f64>> {
        let status = procfs::process::Process::new(self.child.id().try_into()?)?.status()?;
        Ok(status.vmrss.map(|kibibytes| kibibytes as f64))
    }

    /// As above.
    #[cfg(not(target_os = "linux"))]
    pub fn memory(&self) -> Result<Option<f64>> {
        Ok(None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok(); // an error: it has exited already
        self.child.wait().ok();
    }
}

fn folder(turn: &Turn) -> Result<TempDir> {
    tempfile::tempdir_in(&turn.scratch).context("making a folder for a server")
}
