//! Runs an example: builds it as its command says, starts it, and reads what it prints, line by
//! line. The tests and the book's server all run examples through this module.
//!
//! A program runs in a process group of its own (on Windows: a job), so that its whole tree can
//! be killed: at the time limit, when the program's first process ends and leaves others behind,
//! and when the [`Running`] is dropped. A process that moves to another group is out of reach, but
//! it cannot keep a run open: half a second after the kill, what it may still print is left out.
//!
//! A task of its own holds the process and its deadline, so the limit applies even if the caller
//! never reads the output.
mod build;
pub mod costs;
pub mod machine;
mod output;
mod python;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use process_tree::activity::{Activity, seconds};
use process_tree::{Monitor, Sampler, cpu_time};
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time;

pub use self::build::{BUILD_LIMIT, Build, Building, build};
use self::costs::Costs;
use self::output::Sink;
pub use self::output::{LINE_CUT, OUTPUT_CUT};
pub use self::python::{extension_python, interpreter, python};

/// A program to start.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable: a path, or a name to look up on the PATH.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder it is started in.
    pub folder: PathBuf,
}

/// The time and the output that a program may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time from start to end; then its process tree is killed.
    pub time: Duration,
    /// The bytes of one line; the rest of a longer line is left out.
    pub line: usize,
    /// The bytes of all lines on both streams; what follows is read and left out.
    pub output: usize,
    /// The number of lines on both streams; what follows is read and left out.
    pub lines: usize,
}

impl Default for Limits {
    /// One minute, 8 KiB per line, 1 MiB and 20,000 lines in total.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), line: 8 << 10, output: 1 << 20, lines: 20_000 }
    }
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The time since the start of the program.
    pub at: Duration,
    /// The stream that it was written to.
    pub stream: Stream,
    /// The text without its line break. Bytes that are not UTF-8 are replaced by U+FFFD, and paths
    /// below the folder that the program was started in are relative to it.
    pub text: String,
}

/// A line of output, with the time at which it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedLine {
    /// Seconds since the start of the program.
    pub at: f64,
    /// The stream that it was written to.
    pub stream: Stream,
    /// The text without its line break.
    pub text: String,
}

impl From<Line> for TimedLine {
    fn from(line: Line) -> Self {
        Self { at: seconds(line.at), stream: line.stream, text: line.text }
    }
}

/// An output stream of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program exited, or a signal from another program killed it.
    Exited(ExitStatus),
    /// The program was killed at its time limit.
    PastLimit,
}

/// A program that runs. Dropping it kills the program with its whole process tree.
#[derive(Debug)]
pub struct Running {
    id: u32,
    start: Instant,
    lines: mpsc::Receiver<Line>,
    is_killed: watch::Receiver<bool>,
    supervisor: JoinHandle<Result<(End, Costs)>>,
    /// Locked only by threads that may block, because its methods do.
    sampler: Arc<Mutex<Option<Sampler<Monitor>>>>,
}

impl Running {
    /// Starts a program, with no input.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(program: &Program, limits: Limits) -> Result<Self> {
        let mut running = Self::start_unwatched(program, limits)?;
        running.sampler = Arc::new(Mutex::new(costs::sample(running.id, running.start)));
        Ok(running)
    }

    /// Like [`Self::start`], but without sampling memory, threads and processes. Sampling would take
    /// time from a program that is being timed, and is a waste where its results are not used.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_unwatched(program: &Program, limits: Limits) -> Result<Self> {
        let mut command = Command::new(&program.executable);
        command
            .args(&program.arguments)
            .current_dir(&program.folder)
            .env("RUST_BACKTRACE", "0") // the same panic message on every machine
            .env("PYTHONUNBUFFERED", "1") // Python's lines at once, as on a terminal
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        forget_package(command.as_std_mut());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);

        let start = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.executable.display()))?;
        let (kill, is_killed) = watch::channel(false);
        let mut process = Process { child, is_killed: kill, is_reaped: false };

        let (sender, lines) = mpsc::channel(64);
        let stdout = process.child.stdout().take().context("the program has no stdout")?;
        let stderr = process.child.stderr().take().context("the program has no stderr")?;
        let id = process.child.id().context("the program has no id")?;
        let sink = Sink::new(program, limits, start, sender, is_killed.clone());
        tokio::spawn(sink.clone().read(stdout, Stream::Stdout));
        tokio::spawn(sink.read(stderr, Stream::Stderr));

        let deadline = time::Instant::from_std(start) + limits.time;
        let exit = watch_for_exit(id, start);
        let supervisor = tokio::spawn(process.supervise(exit, start, deadline));
        Ok(Self { id, start, lines, is_killed, supervisor, sampler: Arc::default() })
    }

    /// The id of the program's first process, which is also the id of its process group.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the next line, or None when the output has ended. Cancel safe.
    pub async fn line(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// Returns the activity of the program's threads so far. None in the first 20 ms, where the system
    /// does not show it, and for a program that is not sampled.
    pub async fn activity(&self) -> Option<Activity> {
        self.with_sampler(|sampler| sampler.as_ref()?.observer().activity()).await
    }

    /// Calls a function with the sampler on a thread that may block.
    async fn with_sampler<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Option<Sampler<Monitor>>) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let sampler = Arc::clone(&self.sampler);
        let call = move || call(&mut sampler.lock().unwrap_or_else(PoisonError::into_inner));
        spawn_blocking(call).await.ok().flatten()
    }

    /// Waits until no process of the program runs any more, also if this handle has been dropped.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut is_killed = self.is_killed.clone();
        async move { while is_killed.changed().await.is_ok() {} } // until its sender is dropped
    }

    /// Waits for the program's end, leaves out what it still prints, and returns its costs.
    ///
    /// # Errors
    ///
    /// When the system cannot say how the program ended.
    pub async fn end(mut self) -> Result<(End, Costs)> {
        while self.line().await.is_some() {}
        let outcome = (&mut self.supervisor).await.context("waiting for the program's end")?;
        let (end, mut costs) = outcome?;
        let finish = |sampler: &mut Option<Sampler<Monitor>>| sampler.take().map(Sampler::finish);
        if let Some(monitor) = self.with_sampler(finish).await {
            costs.add(&monitor, self.start);
        }
        Ok((end, costs))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The task owns the process, and kills it when it is dropped.
        self.supervisor.abort();
    }
}

/// The program's process group. Dropping it kills the group.
#[derive(Debug)]
struct Process {
    child: Box<dyn ChildWrapper>,
    is_killed: watch::Sender<bool>,
    is_reaped: bool,
}

impl Process {
    /// Waits for the exit of the first process or for the deadline, kills the group, and reaps it.
    async fn supervise(
        mut self,
        exit: Option<oneshot::Receiver<Costs>>,
        start: Instant,
        deadline: time::Instant,
    ) -> Result<(End, Costs)> {
        let mut past_limit = false;
        let mut costs = None;
        if let Some(mut exit) = exit {
            match time::timeout_at(deadline, &mut exit).await {
                Ok(exit) => costs = exit.ok(),
                Err(_) => {
                    past_limit = true;
                    self.kill();
                    costs = exit.await.ok();
                }
            }
            self.kill(); // what the first process left behind
        }
        let status = match time::timeout_at(deadline, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                past_limit |= costs.is_none();
                self.kill();
                self.child.wait().await
            }
        };
        let status = status.context("waiting for the program's end")?;
        self.is_reaped = true;
        let end = if past_limit { End::PastLimit } else { End::Exited(status) };
        Ok((end, costs.unwrap_or(Costs { wall: start.elapsed(), ..Costs::default() })))
    }

    fn kill(&mut self) {
        // An error means that there is nothing left to kill.
        self.child.start_kill().ok();
        self.is_killed.send_replace(true);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
        }
    }
}

/// Reports the exit of the process and its costs without reaping it: until it is reaped, the system
/// cannot reuse its id, which is also the id of the group that has to be killed.
#[cfg(unix)]
fn watch_for_exit(id: u32, start: Instant) -> Option<oneshot::Receiver<Costs>> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let process = Pid::from_raw(id.try_into().ok()?)?;
    let (sender, exit) = oneshot::channel();
    spawn_blocking(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(process), options) {}
        let wall = start.elapsed();
        sender.send(Costs { wall, cpu: cpu_time(id), ..Costs::default() }).ok();
    });
    Some(exit)
}

/// On other systems the group is waited for as a whole.
#[cfg(not(unix))]
fn watch_for_exit(_id: u32, _start: Instant) -> Option<oneshot::Receiver<Costs>> {
    None
}

/// Removes the variables in which cargo describes the package of this program, so that a command
/// starts as it does from a terminal.
///
/// Some build scripts name these variables among those after whose change they run again. With other
/// values inside `cargo run` and `cargo test` than outside, each would compile what depends on the
/// script again after the other: <https://github.com/briansmith/ring/issues/2454>
pub fn forget_package(command: &mut std::process::Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_package) {
            command.env_remove(name);
        }
    }
}

fn describes_package(variable: &str) -> bool {
    ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|start| variable.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_learns_nothing_of_the_package_that_starts_it() {
        assert_eq!(std::env::var("CARGO_PKG_NAME").as_deref(), Ok("harness"), "cargo is outside");
        let program = Program { executable: "env".into(), arguments: vec![], folder: "/".into() };
        let mut running = Running::start_unwatched(&program, Limits::default()).unwrap();
        let mut variables = Vec::new();
        while let Some(line) = running.line().await {
            variables.push(line.text);
        }
        let has_cargo = variables.iter().any(|line| line.starts_with("CARGO="));
        assert!(has_cargo, "it finds cargo: {variables:?}");
        let of_package: Vec<_> = variables.iter().filter(|line| describes_package(line)).collect();
        assert!(of_package.is_empty(), "{of_package:?}");
    }
}
