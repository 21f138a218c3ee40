//! Runs an example: builds it as its command says, starts it, and reads what it prints, line by
//! line. The tests and the book's server all run examples through this module.
//!
//! A program runs in a process group of its own (on Windows: a job), so that its whole tree can
//! be ended: at the time limit, when the program's first process ends and leaves others behind,
//! and when the [`Running`] is dropped. A process that moves to another group is out of reach.
use std::ffi::OsString;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cargo_metadata::Message;
use process_tree::cpu_time;
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time;

use crate::costs::{Costs, Sampler};
use crate::examples::{Example, Workspace};

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable: a path, or a name to look up on the PATH.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The folder it is started in.
    pub folder: PathBuf,
}

/// How much a program may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time from start to end; then its process tree is killed.
    pub time: Duration,
    /// The bytes of one line; the rest of a longer line is left out.
    pub line: usize,
    /// The bytes of all lines on both streams; what follows is read and left out.
    pub output: usize,
}

impl Default for Limits {
    /// A minute, 8 KiB a line, 1 MiB in all.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), line: 8 << 10, output: 1 << 20 }
    }
}

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The time since the start of the program.
    pub at: Duration,
    /// Where it was written to.
    pub stream: Stream,
    /// The text, without the line's end; what is not UTF-8 in it is replaced by U+FFFD, and paths
    /// below the folder that the program was started in are relative to it.
    pub text: String,
}

/// A line of output, with the time at which it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimedLine {
    /// Seconds since the start of the program.
    pub at: f64,
    /// Where it was written to.
    pub stream: Stream,
    /// The text without the line's end.
    pub text: String,
}

impl From<&Line> for TimedLine {
    fn from(line: &Line) -> Self {
        Self { at: seconds(line.at), stream: line.stream, text: line.text.clone() }
    }
}

/// In steps of 0.1 ms: what lies below is noise, and would make the files longer.
pub(crate) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 1e4
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

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program ended by itself, or by a signal from elsewhere.
    Exited(ExitStatus),
    /// The program was killed at its time limit.
    PastLimit,
}

/// What stands at the end of a line that was cut.
pub const LINE_CUT: &str = " [… line cut]";
/// The last line of a stream that was cut.
pub const OUTPUT_CUT: &str = "[… output cut]";

/// A program that runs. Dropping it kills the program with its whole process tree.
#[derive(Debug)]
pub struct Running {
    child: Box<dyn ChildWrapper>,
    lines: mpsc::Receiver<Line>,
    exited: Option<oneshot::Receiver<Costs>>,
    sampler: Option<Sampler>,
    started: Instant,
    costs: Option<Costs>,
    deadline: time::Instant,
    past_limit: bool,
    reaped: bool,
}

impl Running {
    /// Starts a program, with no input.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(program: &Program, limits: Limits) -> Result<Self> {
        let mut running = Self::start_unwatched(program, limits)?;
        running.sampler = running.id().and_then(Sampler::start);
        Ok(running)
    }

    /// As [`Self::start`], but memory, threads and processes are not looked at, which would take
    /// time from a program whose time is measured.
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
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);

        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {}", program.executable.display()))?;

        let (sender, lines) = mpsc::channel(64);
        let left = Arc::new(AtomicUsize::new(limits.output));
        let stdout = child.stdout().take().context("the program has no stdout")?;
        let stderr = child.stderr().take().context("the program has no stderr")?;
        let id = child.id().context("the program has no id")?;
        let folder = format!("{}{MAIN_SEPARATOR}", program.folder.display()).into();
        let sink = Sink { started, folder, line: limits.line, left, sender };
        tokio::spawn(sink.clone().read(stdout, Stream::Stdout));
        tokio::spawn(sink.read(stderr, Stream::Stderr));

        Ok(Self {
            exited: watch_for_exit(id, started),
            sampler: None,
            child,
            lines,
            started,
            costs: None,
            deadline: time::Instant::from_std(started) + limits.time,
            past_limit: false,
            reaped: false,
        })
    }

    /// The id of the program's first process, which is also that of its process group.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The next line, or none when the output has ended. Cancel safe.
    pub async fn line(&mut self) -> Option<Line> {
        loop {
            let exited = async {
                match &mut self.exited {
                    Some(exited) => exited.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = self.lines.recv() => return line,
                costs = exited => {
                    self.costs = costs.ok();
                    // What its first process left behind is ended too, and with it the output.
                    self.exited = None;
                    self.kill();
                }
                () = time::sleep_until(self.deadline), if !self.past_limit => {
                    self.past_limit = true;
                    self.kill();
                }
            }
        }
    }

    /// Waits for the program's end, leaves out what it still prints, and tells what it cost.
    ///
    /// # Errors
    ///
    /// When the system cannot say how the program ended.
    pub async fn end(mut self) -> Result<(End, Costs)> {
        while self.line().await.is_some() {}
        if let Some(exited) = self.exited.take() {
            // It has closed its output; now its end is all there is to wait for.
            if let Ok(Ok(costs)) = time::timeout_at(self.deadline, exited).await {
                self.costs = Some(costs);
                self.kill();
            }
        }
        let status = match time::timeout_at(self.deadline, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.past_limit = true; // it had closed its output and ran on
                self.kill();
                self.child.wait().await
            }
        };
        let status = status.context("waiting for the program's end")?;
        self.reaped = true;
        let end = if self.past_limit { End::PastLimit } else { End::Exited(status) };
        let mut costs =
            self.costs.unwrap_or(Costs { wall: self.started.elapsed(), ..Costs::default() });
        if let Some(peaks) = self.sampler.take().and_then(Sampler::finish) {
            costs.memory = Some(peaks.memory);
            costs.threads = Some(peaks.threads);
            costs.processes = Some(peaks.processes);
        }
        Ok((end, costs))
    }

    fn kill(&mut self) {
        // An error means that there is nothing left to kill.
        self.child.start_kill().ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
        }
    }
}

/// Tells when the process has ended, and what it cost, without reaping it: its id, and so its
/// group's, cannot be given to another process until the group has been killed.
#[cfg(unix)]
fn watch_for_exit(id: u32, started: Instant) -> Option<oneshot::Receiver<Costs>> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let process = Pid::from_raw(id.try_into().ok()?)?;
    let (exited, receiver) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(process), options) {}
        let wall = started.elapsed();
        exited.send(Costs { wall, cpu: cpu_time(id), ..Costs::default() }).ok();
    });
    Some(receiver)
}

/// Elsewhere the end of the output has to do.
#[cfg(not(unix))]
fn watch_for_exit(_id: u32, _started: Instant) -> Option<oneshot::Receiver<Costs>> {
    None
}

/// Where the lines of both streams go, and how many bytes of them.
#[derive(Clone)]
struct Sink {
    started: Instant,
    folder: Arc<str>,
    line: usize,
    left: Arc<AtomicUsize>,
    sender: mpsc::Sender<Line>,
}

impl Sink {
    async fn read(self, stream: impl AsyncRead + Unpin, name: Stream) {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        // A stream that breaks has ended.
        while let Ok(Some(cut)) = next_line(&mut reader, self.line, &mut bytes).await {
            let text = String::from_utf8_lossy(&bytes);
            let mut text = text.replace(&*self.folder, "");
            if cut {
                text += LINE_CUT;
            }
            // Counted with its end, so that empty lines cannot go on for ever.
            let length = text.len() + 1;
            let spend = |left: usize| left.checked_sub(length);
            let over = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err();
            if over {
                text = OUTPUT_CUT.to_owned();
            }
            let line = Line { at: self.started.elapsed(), stream: name, text };
            if self.sender.send(line).await.is_err() {
                return;
            }
            if over {
                // Read on, so that the program is not held up.
                tokio::io::copy(&mut reader, &mut tokio::io::sink()).await.ok();
                return;
            }
        }
    }
}

/// Reads a line of at most `most` bytes into `bytes`, and says whether more of it was left out.
/// None at the end of the stream.
async fn next_line(
    reader: &mut (impl AsyncBufReadExt + Unpin),
    most: usize,
    bytes: &mut Vec<u8>,
) -> std::io::Result<Option<bool>> {
    bytes.clear();
    if (&mut *reader).take(most as u64 + 1).read_until(b'\n', bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
        return Ok(Some(false));
    }
    if bytes.len() <= most {
        return Ok(Some(false)); // the last line, without an end
    }
    bytes.truncate(most);
    loop {
        let buffer = reader.fill_buf().await?;
        let (used, done) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if done {
            return Ok(Some(true));
        }
    }
}

/// What came of building an example.
#[derive(Debug)]
pub enum Build {
    /// It can be started.
    Done(Program),
    /// The compiler refused it.
    Refused,
}

/// Builds an example as its command does: `cargo run` is `cargo build` and then a start of the
/// executable, and here these are two steps, so that what is measured is the program alone.
///
/// Each line that cargo and the compiler write for people goes to `on_line`.
///
/// # Errors
///
/// When cargo cannot be started, takes more than ten minutes, or built no executable.
pub async fn build(
    workspace: &Workspace,
    example: &Example,
    mut on_line: impl FnMut(Line),
) -> Result<Build> {
    let mut arguments: Vec<OsString> = vec!["build".into()];
    arguments.extend(example.command.iter().skip(2).map(OsString::from));
    arguments.push("--message-format=json-render-diagnostics".into());
    let cargo = Program {
        // Set by cargo when this program is run by cargo: then it is the same one.
        executable: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
        arguments,
        folder: workspace.root.clone(),
    };
    let limits = Limits { time: Duration::from_secs(600), line: 1 << 20, output: 64 << 20 };

    let mut running = Running::start(&cargo, limits)?;
    let mut executable = None;
    while let Some(line) = running.line().await {
        if line.stream == Stream::Stderr {
            on_line(line);
        } else if let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line.text)
            && artifact.target.name == example.name
            && artifact.executable.is_some()
        {
            executable = artifact.executable;
        }
    }
    match running.end().await?.0 {
        End::Exited(status) if !status.success() => Ok(Build::Refused),
        End::Exited(_) => {
            let executable = executable
                .with_context(|| format!("`{}` built no executable", example.command.join(" ")))?;
            Ok(Build::Done(Program {
                // Below the workspace's root the line named it relative to it.
                executable: workspace.root.join(executable),
                arguments: Vec::new(),
                folder: workspace.root.clone(),
            }))
        }
        End::PastLimit => anyhow::bail!("cargo was ended after {:?}", limits.time),
    }
}

/// Python's interpreter itself, where there is one of version 3.10 or newer: what `python3` on the PATH stands for is
/// often a script that looks for it, and the script's costs are not the program's.
pub async fn interpreter() -> Option<PathBuf> {
    static FOUND: OnceCell<Option<PathBuf>> = OnceCell::const_new();

    let find = async || {
        let name = if cfg!(windows) { "python" } else { "python3" };
        let program = "import sys; print(sys.executable if sys.version_info >= (3, 10) else '')";
        let found = Command::new(name).args(["-c", program]).output().await.ok()?;
        let path = String::from_utf8(found.stdout).ok()?;
        (found.status.success() && !path.trim().is_empty()).then(|| path.trim().into())
    };
    FOUND.get_or_init(find).await.clone()
}

/// The Python counterpart of an example, as a program. None where the example has no counterpart
/// or the machine no Python.
pub async fn python(workspace: &Workspace, example: &Example) -> Option<Program> {
    Some(Program {
        arguments: vec![example.python.as_ref()?.into()],
        executable: interpreter().await?,
        folder: workspace.root.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &str, most: usize) -> Vec<(String, bool)> {
        let mut reader = BufReader::with_capacity(4, input.as_bytes());
        let (mut bytes, mut lines) = (Vec::new(), Vec::new());
        while let Some(cut) = next_line(&mut reader, most, &mut bytes).await.unwrap() {
            lines.push((String::from_utf8(bytes.clone()).unwrap(), cut));
        }
        lines
    }

    #[tokio::test]
    async fn lines_are_cut_at_their_limit() {
        let expect = |text: &str, cut| (text.to_owned(), cut);
        assert_eq!(lines("", 5).await, []);
        assert_eq!(
            lines("a\r\n\nb", 5).await,
            [expect("a", false), expect("", false), expect("b", false),]
        );
        assert_eq!(
            lines("12345\n123456\n1234567890\n1", 5).await,
            [
                expect("12345", false),
                expect("12345", true),
                expect("12345", true),
                expect("1", false),
            ]
        );
        assert_eq!(lines("123456", 5).await, [expect("12345", true)]);
    }
}
