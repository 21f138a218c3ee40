//! A Python program that measures beside us: it is told what and how often, and answers how long
//! that took.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// The program while it runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Python {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Python {
    /// Starts a script of the folder `bench/python`.
    ///
    /// # Errors
    ///
    /// When there is no Python 3.
    pub fn start(script: &str) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut child = Command::new(if cfg!(windows) { "python" } else { "python3" })
            .arg(folder.join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting Python")?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().context("Python has no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    /// Has something done so many times, and gives the time that it took.
    ///
    /// # Errors
    ///
    /// When the program has ended, which it does when it does not know what it is asked for.
    pub fn measure(&mut self, what: &str, times: u64) -> Result<Duration> {
        let stdin = self.stdin.as_mut().context("Python has no stdin")?;
        writeln!(stdin, "{what} {times}").context("asking Python")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line).context("reading Python's answer")?;
        let nanoseconds = line.trim().parse().with_context(|| format!("{what}: {line:?}"))?;
        Ok(Duration::from_nanos(nanoseconds))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.stdin.take()); // the sign to end, with its own processes
        self.child.wait().ok();
    }
}
