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
pub mod costs;
pub mod machine;

use std::ffi::OsString;
use std::path::{MAIN_SEPARATOR, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cargo_metadata::Message;
use process_tree::{Monitor, Sampler, cpu_time};
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{OnceCell, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time;

use crate::examples::{Example, Workspace};
use crate::run::costs::Costs;
use process_tree::activity::{Activity, seconds};

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

/// How much time and output a program may use.
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
    /// Where it was written to.
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
    /// Where it was written to.
    pub stream: Stream,
    /// The text without its line break.
    pub text: String,
}

impl From<&Line> for TimedLine {
    fn from(line: &Line) -> Self {
        Self { at: seconds(line.at), stream: line.stream, text: line.text.clone() }
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

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program exited, or a signal from another program killed it.
    Exited(ExitStatus),
    /// The program was killed at its time limit.
    PastLimit,
}

/// The end of a line that was cut.
pub const LINE_CUT: &str = " [… line cut]";
/// The last line of a stream that was cut.
pub const OUTPUT_CUT: &str = "[… output cut]";

/// The time that output may take to arrive after the process tree has been killed. Only a process
/// that left the group can still hold the streams open then.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A program that runs. Dropping it kills the program with its whole process tree.
#[derive(Debug)]
pub struct Running {
    id: u32,
    started: Instant,
    lines: mpsc::Receiver<Line>,
    killed: watch::Receiver<bool>,
    supervisor: JoinHandle<Result<(End, Costs)>>,
    sampler: Option<Sampler<Monitor>>,
}

impl Running {
    /// Starts a program, with no input.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(program: &Program, limits: Limits) -> Result<Self> {
        let mut running = Self::start_unwatched(program, limits)?;
        running.sampler = costs::sample(running.id, running.started);
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

        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.executable.display()))?;
        let (kill, killed) = watch::channel(false);
        let mut process = Process { child, killed: kill, reaped: false };

        let (sender, lines) = mpsc::channel(64);
        let stdout = process.child.stdout().take().context("the program has no stdout")?;
        let stderr = process.child.stderr().take().context("the program has no stderr")?;
        let id = process.child.id().context("the program has no id")?;
        let sink = Sink {
            started,
            folder: format!("{}{MAIN_SEPARATOR}", program.folder.display()).into(),
            line: limits.line,
            bytes_left: Arc::new(AtomicUsize::new(limits.output)),
            lines_left: Arc::new(AtomicUsize::new(limits.lines)),
            sender,
            killed: killed.clone(),
            patience: LAST_OUTPUT,
        };
        tokio::spawn(sink.clone().read(stdout, Stream::Stdout));
        tokio::spawn(sink.read(stderr, Stream::Stderr));

        let deadline = time::Instant::from_std(started) + limits.time;
        let exited = watch_for_exit(id, started);
        let supervisor = tokio::spawn(process.supervise(exited, started, deadline));
        Ok(Self { id, started, lines, killed, supervisor, sampler: None })
    }

    /// The id of the program's first process, which is also the id of its process group.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The next line, or none when the output has ended. Cancel safe.
    pub async fn line(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// What the threads of the program have done so far. None in the first 20 ms, where the system
    /// does not show it, and for a program that is not sampled.
    pub fn activity(&self) -> Option<Activity> {
        self.sampler.as_ref()?.observer().activity()
    }

    /// Waits until no process of the program runs any more, also if this handle has been dropped.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut killed = self.killed.clone();
        async move { while killed.changed().await.is_ok() {} } // until its sender is dropped
    }

    /// Waits for the program's end, leaves out what it still prints, and returns what it cost.
    ///
    /// # Errors
    ///
    /// When the system cannot say how the program ended.
    pub async fn end(mut self) -> Result<(End, Costs)> {
        while self.line().await.is_some() {}
        let outcome = (&mut self.supervisor).await.context("waiting for the program's end")?;
        let (end, mut costs) = outcome?;
        if let Some(sampler) = self.sampler.take() {
            costs.add(&sampler.finish(), self.started);
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
    killed: watch::Sender<bool>,
    reaped: bool,
}

impl Process {
    /// Waits for the exit of the first process or for the deadline, kills the group, and reaps it.
    async fn supervise(
        mut self,
        exited: Option<oneshot::Receiver<Costs>>,
        started: Instant,
        deadline: time::Instant,
    ) -> Result<(End, Costs)> {
        let mut past_limit = false;
        let mut costs = None;
        if let Some(mut exited) = exited {
            match time::timeout_at(deadline, &mut exited).await {
                Ok(found) => costs = found.ok(),
                Err(_) => {
                    past_limit = true;
                    self.kill();
                    costs = exited.await.ok();
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
        self.reaped = true;
        let end = if past_limit { End::PastLimit } else { End::Exited(status) };
        Ok((end, costs.unwrap_or(Costs { wall: started.elapsed(), ..Costs::default() })))
    }

    fn kill(&mut self) {
        // An error means that there is nothing left to kill.
        self.child.start_kill().ok();
        self.killed.send_replace(true);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
        }
    }
}

/// Reports the exit of the process and its costs without reaping it: until it is reaped, the system
/// cannot reuse its id, which is also the id of the group that has to be killed.
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

/// On other systems the group is waited for as a whole.
#[cfg(not(unix))]
fn watch_for_exit(_id: u32, _started: Instant) -> Option<oneshot::Receiver<Costs>> {
    None
}

/// Where the lines of both streams go, and how many more of them may.
#[derive(Clone)]
struct Sink {
    started: Instant,
    folder: Arc<str>,
    line: usize,
    bytes_left: Arc<AtomicUsize>,
    lines_left: Arc<AtomicUsize>,
    sender: mpsc::Sender<Line>,
    killed: watch::Receiver<bool>,
    /// How much longer to wait for output once the program has been killed.
    patience: Duration,
}

impl Sink {
    async fn read(mut self, stream: impl AsyncRead + Unpin, name: Stream) {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        loop {
            let length = self.line;
            let cut = match self.in_time(next_line(&mut reader, length, &mut bytes)).await {
                Some(Ok(Some(cut))) => cut,
                Some(Ok(None) | Err(_)) => return, // a stream that breaks has ended
                None if bytes.is_empty() => return,
                None => false, // the beginning of a line that will never be finished
            };
            let text = String::from_utf8_lossy(&bytes);
            let mut text = text.replace(&*self.folder, "");
            if cut {
                text += LINE_CUT;
            }
            let over = !spend(&self.lines_left, 1) || !spend(&self.bytes_left, text.len() + 1);
            if over {
                text = OUTPUT_CUT.to_owned();
            }
            let line = Line { at: self.started.elapsed(), stream: name, text };
            if self.sender.send(line).await.is_err() {
                return;
            }
            if over {
                // Read on, so that the program does not block on a full pipe.
                self.in_time(tokio::io::copy(&mut reader, &mut tokio::io::sink())).await;
                return;
            }
        }
    }

    /// The output of a read, or none if it has not arrived in time after the program was killed.
    /// Only the time spent in reads counts, so a slow receiver of the lines loses none.
    async fn in_time<T>(&mut self, read: impl Future<Output = T>) -> Option<T> {
        let mut read = std::pin::pin!(read);
        tokio::select! {
            done = &mut read => return Some(done),
            _ = self.killed.wait_for(|&killed| killed) => {}
        }
        let began = Instant::now();
        let done = time::timeout(self.patience, read).await;
        self.patience = self.patience.saturating_sub(began.elapsed());
        done.ok()
    }
}

/// Takes an amount from what is left, unless there is less.
fn spend(left: &AtomicUsize, amount: usize) -> bool {
    let take = |left: usize| left.checked_sub(amount);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
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
    bytes.truncate(most - part_of_a_character(bytes));
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

/// The length of the character at the end of a text that has lost its last bytes, or 0.
fn part_of_a_character(bytes: &[u8]) -> usize {
    let Some(chunk) = bytes.utf8_chunks().last() else { return 0 };
    let incomplete = |error: std::str::Utf8Error| error.error_len().is_none();
    match std::str::from_utf8(chunk.invalid()).is_err_and(incomplete) {
        true => chunk.invalid().len(),
        false => 0,
    }
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

/// The result of building an example.
#[derive(Debug, Clone)]
pub enum Build {
    /// It can be started.
    Done(Program),
    /// The compiler rejected the source.
    Refused,
}

/// Builds an example as its command does: `cargo run` is `cargo build` followed by starting the
/// executable. Here these are two steps, so that only the program itself is measured.
///
/// Each line that cargo and the compiler write for people goes to `on_line`.
///
/// # Errors
///
/// When cargo cannot be started, takes more than ten minutes, fails for another reason than an error
/// in the source, or built no executable.
pub async fn build(
    workspace: &Workspace,
    example: &Example,
    mut on_line: impl FnMut(Line),
) -> Result<Build> {
    let mut arguments: Vec<OsString> = vec!["build".into()];
    let options = example.command.iter().skip(2).take_while(|word| *word != "--");
    arguments.extend(options.map(OsString::from));
    arguments.push("--message-format=json-render-diagnostics".into());
    let cargo = Program {
        // Set by cargo when this program is run by cargo: then it is the same one.
        executable: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
        arguments,
        folder: workspace.root.clone(),
    };
    let limits = Limits {
        time: Duration::from_secs(600),
        line: 1 << 20,
        output: 64 << 20,
        lines: usize::MAX,
    };

    let mut running = Running::start_unwatched(&cargo, limits)?;
    let mut executable = None;
    let mut errors = Errors::default();
    while let Some(line) = running.line().await {
        if line.stream == Stream::Stderr {
            errors.read(&line.text);
            on_line(line);
        } else if let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line.text)
            && artifact.target.name == example.program
            && artifact.executable.is_some()
        {
            executable = artifact.executable;
        }
    }
    match running.end().await?.0 {
        End::Exited(status) if !status.success() && errors.in_source => Ok(Build::Refused),
        End::Exited(status) if !status.success() => {
            anyhow::bail!("cargo could not build it ({status}): {}", errors.text.join(" "))
        }
        End::Exited(_) => {
            let executable = executable
                .with_context(|| format!("`{}` built no executable", example.command.join(" ")))?;
            Ok(Build::Done(Program {
                // Paths below the workspace's root have been made relative to it.
                executable: workspace.root.join(executable),
                arguments: example.arguments().iter().map(OsString::from).collect(),
                folder: workspace.root.clone(),
            }))
        }
        End::PastLimit => anyhow::bail!("cargo was killed after {:?}", limits.time),
    }
}

/// The errors among the lines that cargo and the compiler print for people. Cargo's exit status is
/// the same for an error in the source and for a full disk.
#[derive(Default)]
struct Errors {
    /// Whether one of them points at a place in the source.
    in_source: bool,
    /// The first lines, beginning with the first error.
    text: Vec<String>,
    of_an_error: bool,
}

impl Errors {
    fn read(&mut self, line: &str) {
        const MOST_LINES: usize = 12;
        if !line.starts_with([' ', '\t']) && !line.is_empty() {
            self.of_an_error = line.starts_with("error");
        }
        self.in_source |=
            self.of_an_error && line.trim_start().starts_with("--> ") && line.contains(".rs:");
        if (self.of_an_error || !self.text.is_empty()) && self.text.len() < MOST_LINES {
            self.text.extend(Some(line.trim().to_owned()).filter(|line| !line.is_empty()));
        }
    }
}

/// Python's interpreter itself, where there is one of version 3.11 or newer. `python3` on the PATH
/// is often a script that finds the interpreter, and the costs of the script are not the program's.
pub async fn interpreter() -> Option<PathBuf> {
    static FOUND: OnceCell<Option<PathBuf>> = OnceCell::const_new();

    let find = async || {
        let name = if cfg!(windows) { "python" } else { "python3" };
        let program = "import sys; print(sys.executable if sys.version_info >= (3, 11) else '')";
        let found = Command::new(name).args(["-c", program]).output().await.ok()?;
        let path = String::from_utf8(found.stdout).ok()?;
        (found.status.success() && !path.trim().is_empty()).then(|| path.trim().into())
    };
    FOUND.get_or_init(find).await.clone()
}

/// The interpreter that the examples with an extension module start. Default of `PYTHON`:
/// [`interpreter`].
pub async fn extension_python() -> Option<PathBuf> {
    match std::env::var_os("PYTHON") {
        Some(python) => Some(python.into()),
        None => interpreter().await,
    }
}

/// The Python counterpart of an example, as a program. None where the example has no counterpart
/// or the machine no Python.
pub async fn python(workspace: &Workspace, example: &Example) -> Option<Program> {
    let counterpart = example.python.as_ref().filter(|_| !example.is_extension)?;
    Some(Program {
        arguments: vec![counterpart.into()],
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
        // Never inside a character.
        assert_eq!(lines("123é56", 4).await, [expect("123", true)]);
        assert_eq!(lines("123é56", 5).await, [expect("123é", true)]);
        assert_eq!(lines("1🦀6", 4).await, [expect("1", true)]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_learns_nothing_of_the_package_that_starts_it() {
        assert_eq!(std::env::var("CARGO_PKG_NAME").as_deref(), Ok("harness"), "cargo is outside");
        let program = Program { executable: "env".into(), arguments: vec![], folder: "/".into() };
        let mut running = Running::start_unwatched(&program, Limits::default()).unwrap();
        let mut seen = Vec::new();
        while let Some(line) = running.line().await {
            seen.push(line.text);
        }
        assert!(seen.iter().any(|line| line.starts_with("CARGO=")), "it finds cargo: {seen:?}");
        let of_package: Vec<_> = seen.iter().filter(|line| describes_package(line)).collect();
        assert!(of_package.is_empty(), "{of_package:?}");
    }

    #[test]
    fn only_an_error_that_points_at_a_source_file_is_the_compilers() {
        let of = |text: &str| {
            let mut errors = Errors::default();
            text.lines().for_each(|line| errors.read(line));
            errors
        };
        let warning = "warning: unused variable: `x`\n --> src/main.rs:2:9\n";
        let refused = "error[E0499]: no\n  --> src/main.rs:4:5\nerror: could not compile `one`\n";
        assert!(of(&format!("{warning}{refused}")).in_source);
        let full = "error: failed to write /x/y: No space left on device (os error 28)\n\n\
                    error: could not compile `one` (bin \"one\") due to 1 previous error\n";
        let errors = of(&format!("{warning}{full}"));
        assert!(!errors.in_source);
        assert!(errors.text[0].contains("No space left"), "{:?}", errors.text);
        assert!(!of("error: key with no value\n --> Cargo.toml:3:1\n").in_source);
    }
}
