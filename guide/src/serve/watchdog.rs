//! Ends the runs of a server that was killed with SIGKILL, which it cannot handle.
//!
//! The watchdog is the same executable, started again as a process group of its own, so that Ctrl-C
//! and the closing of a terminal do not reach it. The server tells it through a pipe which process
//! groups run: a line `+ID` when one starts, `-ID` when one has ended. However the server ends, the
//! system closes the pipe, and then the watchdog kills the groups that are left.
use std::collections::BTreeSet;
use std::io::{BufRead, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

/// The subcommand with which the executable is started as a watchdog.
pub const SUBCOMMAND: &str = "watchdog";

/// The server's end of the pipe.
#[derive(Debug, Clone)]
pub struct Watchdog {
    pipe: Arc<Mutex<ChildStdin>>,
    _child: Arc<Child>,
}

impl Watchdog {
    /// Starts a watchdog: this executable with [`SUBCOMMAND`].
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(executable: &Path) -> Result<Self> {
        let mut command = Command::new(executable);
        command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().context("starting the watchdog")?;
        let pipe = child.stdin.take().context("the watchdog has no stdin")?;
        Ok(Self { pipe: Arc::new(Mutex::new(pipe)), _child: Arc::new(child) })
    }

    /// Has a process group killed if this process ends before the guard is dropped.
    pub(crate) fn guard(&self, group: u32) -> Guard {
        self.tell('+', group);
        Guard { watchdog: self.clone(), group }
    }

    fn tell(&self, sign: char, group: u32) {
        let line = format!("{sign}{group}\n");
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a watchdog the server still ends its runs in every way but SIGKILL.
        pipe.write_all(line.as_bytes()).ok();
    }
}

/// A process group that the watchdog knows until this is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    watchdog: Watchdog,
    group: u32,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.watchdog.tell('-', self.group);
    }
}

/// Watches as the watchdog: reads until the pipe closes, then kills the groups that are left.
pub fn watch(pipe: impl BufRead) {
    let mut groups = BTreeSet::new();
    for line in pipe.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", group)) => groups.insert(group.to_owned()),
            Some(("-", group)) => groups.remove(group),
            _ => false,
        };
    }
    for group in groups.iter().filter_map(|group| group.parse().ok()) {
        kill(group);
    }
}

#[cfg(unix)]
fn kill(group: i32) {
    use rustix::process::{Pid, Signal, kill_process_group};

    if let Some(group) = Pid::from_raw(group) {
        kill_process_group(group, Signal::KILL).ok(); // or it has just ended
    }
}

/// On other systems there is no process group to kill.
#[cfg(not(unix))]
fn kill(_group: i32) {}
