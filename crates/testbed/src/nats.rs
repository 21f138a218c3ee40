//! A private NATS server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::{Child, LIMIT, PAUSE, has, skip};

/// A `nats-server` with JetStream, on a free port and in a folder of its own.
/// It is killed, and its folder removed, when this is dropped.
#[derive(Debug)]
pub struct Nats {
    // Before the folder, which the server uses.
    server: Child,
    folder: TempDir,
    options: Vec<String>,
    /// The address, for example `127.0.0.1:4222`.
    pub address: String,
}

impl Nats {
    /// Starts a server for a test. Returns `None`, with a notice, if no
    /// `nats-server` is installed.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    pub fn start() -> Option<Self> {
        Self::start_with(&["-js"])
    }

    /// Starts a server for a test with options other than `-js`. A
    /// configuration file (`-c FILE`) must name a folder for data.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    pub fn start_with(options: &[&str]) -> Option<Self> {
        if !has(Path::new("nats-server")) {
            return None;
        }
        let server = Self::start_in(&std::env::temp_dir(), options);
        Some(server.expect("the server starts"))
    }

    /// Starts a server whose folder is a new one in `parent`.
    ///
    /// # Errors
    ///
    /// If no `nats-server` is installed, or it does not listen.
    pub fn start_in(parent: &Path, options: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir_in(parent)?;
        let options: Vec<_> =
            options.iter().map(|&it| it.to_owned()).collect();
        let (server, address) = launch(&folder, &options, "-1")?;
        Ok(Self { server, folder, options, address })
    }

    /// Returns the address as a URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Returns the process id of the server.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// Returns a path in the server's folder that a test can use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Kills the server, which leaves its files as they are.
    ///
    /// # Panics
    ///
    /// If the system cannot tell how the server ended.
    pub fn kill(&mut self) {
        self.server.kill().expect("it ends");
    }

    /// Sends the server SIGTERM, upon which it writes everything to its files
    /// and ends.
    ///
    /// # Panics
    ///
    /// If the server is not running.
    #[cfg(unix)]
    pub fn stop(&mut self) {
        let terminate = rustix::process::Signal::TERM;
        self.server.signal(terminate).expect("it is running");
        self.server.wait().expect("it ends");
    }

    /// Starts the server again, on the same port and with the same files.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    pub fn restart(&mut self) {
        let port =
            self.address.rsplit(':').next().expect("a port").to_owned();
        let restarted = launch(&self.folder, &self.options, &port);
        (self.server, self.address) = restarted.expect("the server starts");
    }
}

/// Makes `cert.pem`, a certificate for the loopback interface that no system
/// trusts, and `key.pem`. Returns false, with a notice, if no openssl is
/// installed.
///
/// # Panics
///
/// If openssl fails.
pub fn certificate(folder: &Path) -> bool {
    let config = folder.join("openssl.conf");
    let text = "[req]\nprompt = no\ndistinguished_name = name\n\
                x509_extensions = extensions\n[name]\nCN = queue\n\
                [extensions]\nsubjectAltName = IP:127.0.0.1\n\
                basicConstraints = CA:FALSE\n";
    fs::write(&config, text).expect("it can be written");
    let output = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-config"])
        .arg(config)
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        skip("openssl");
        return false;
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    true
}

/// Starts a server, and returns its address as soon as it listens.
fn launch(
    folder: &TempDir,
    options: &[String],
    port: &str,
) -> io::Result<(Child, String)> {
    let mut command = Command::new("nats-server");
    command
        .args(["-a", "127.0.0.1", "-p", port, "--ports_file_dir"])
        .arg(folder.path())
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // The server refuses a folder that a configuration file names, too.
    if !options.iter().any(|option| option == "-c") {
        command.arg("-sd").arg(folder.path().join("data"));
    }
    let mut server = Child::start(&mut command)?;
    let ports =
        folder.path().join(format!("nats-server_{}.ports", server.id()));
    let deadline = Instant::now() + LIMIT;
    loop {
        let text = fs::read_to_string(&ports).unwrap_or_default();
        if let Some(address) = address_in(&text) {
            return Ok((server, address.to_owned()));
        }
        if !server.is_running() || Instant::now() > deadline {
            return Err(io::Error::other("nats-server does not listen"));
        }
        thread::sleep(PAUSE);
    }
}

/// Returns the address for clients in a ports file, unless the file is still
/// being written: `{"nats":["nats://127.0.0.1:4222"]}`.
fn address_in(ports: &str) -> Option<&str> {
    let urls = ports.trim_end().strip_suffix('}')?;
    let mut words = urls.split('"').skip_while(|word| *word != "nats");
    Some(words.nth(2)?.split_once("://")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_a_complete_ports_file() {
        let text = "{\n  \"nats\": [\n    \"tls://127.0.0.1:4\"\n  ],\n  \
                    \"monitoring\": [\"http://127.0.0.1:8\"]\n}\n";
        assert_eq!(address_in(text), Some("127.0.0.1:4"));
        assert_eq!(address_in(&text[..text.len() - 2]), None);
        assert_eq!(address_in(""), None);
    }
}
