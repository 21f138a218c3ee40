//! A worker's process as its parent sees it: its start, and its end together
//! with everything that its jobs have started.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time;

use crate::error::Error;
use crate::worker::FLAG;

/// Time for which dropping a process may block until the process has ended.
/// Usually that takes a few milliseconds, and longer on a busy machine.
const REAP_LIMIT: Duration = Duration::from_secs(1);

/// A child process and its process group. Dropping it kills both.
pub struct Process {
    child: Child,
    /// Also the number of the process group.
    pid: u32,
    /// Set once the group was killed and the process reaped.
    over: bool,
}

impl Process {
    /// Starts a program as a worker for a type of job.
    pub fn spawn(
        program: &Path,
        job: &str,
    ) -> Result<(Self, ChildStdin, ChildStdout), String> {
        let mut command = Command::new(program);
        command
            .args([FLAG, job])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own keeps the terminal's Ctrl-C away, and lets us
        // kill what a job has started together with the worker. Not pre_exec,
        // which would make the standard library fork this whole process.
        #[cfg(unix)]
        command.process_group(0);
        // What `ps` shows. The program's path may be a link that means nothing
        // to a reader.
        #[cfg(unix)]
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }

        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let (Some(stdin), Some(stdout)) =
            (child.stdin.take(), child.stdout.take())
        else {
            return Err("it has no pipes".to_owned());
        };
        let pid = child.id().unwrap_or_default();
        Ok((Self { child, pid, over: false }, stdin, stdout))
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process has ended by itself. Cancel safe.
    pub async fn ended(&mut self) {
        self.child.wait().await.ok();
    }

    /// Kills the process and its group, and returns how the process ended. If
    /// it had already ended, or was just doing so, that is what is returned:
    /// the first cause of an exit is the one that the system keeps.
    pub async fn kill(&mut self, limit: Duration) -> Error {
        self.send_kill();
        match time::timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) => {
                self.over = true;
                Error::WorkerDied(status)
            }
            Ok(Err(error)) => {
                self.over = true;
                Error::Broken(format!(
                    "how the worker ended is lost: {error}"
                ))
            }
            Err(_) => Error::Broken(format!(
                "worker {} was killed and has not ended after {limit:?}",
                self.pid
            )),
        }
    }

    fn send_kill(&mut self) {
        kill_group(self.pid);
        self.child.start_kill().ok();
    }
}

impl Drop for Process {
    /// Kills and reaps the process if the runtime ends before the supervisor
    /// does. No task can wait for the process then, so this thread does, for a
    /// moment. Otherwise the process would stay in the process table as a zombie.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.send_kill();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None))
            && begun.elapsed() < REAP_LIMIT
        {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Kills a worker's process group, at the latest right after the worker was
/// reaped. While the group has a member, no other process gets its number; and
/// once it is empty, all other numbers are used before this one is used again.
fn kill_group(pid: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
    #[cfg(not(unix))]
    let _ = pid;
}
