//! Recordings: one run of each example, and of its Python counterpart, kept in
//! `guide/recordings/NAME.json` for the book to draw.
//!
//! The file is JSON: a [`Recording`], with times in seconds and sizes in bytes. It is read
//! strictly. One of another version, with a field too many or too few, or with output that the
//! tested snapshot would not allow, is an error that names the file and the command that makes
//! it anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::costs::Costs;
use crate::examples::{Example, Kind, Workspace};
use crate::run::{self, Build, End, Limits, Line, Program, Running, Stream};
use crate::timeline::{self, Track};
use crate::transcript::Transcript;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// A run of an example, and of its Python counterpart where there is one, on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// [`VERSION`].
    pub version: u32,
    /// The example's name.
    pub example: String,
    /// When it was made: UTC, RFC 3339, to the second.
    pub recorded: String,
    /// Where.
    pub machine: Machine,
    /// The run of the Rust program.
    pub rust: Run,
    /// The run of the Python program.
    pub python: Option<Run>,
}

/// What a reader must know of a machine to compare figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The cores that a program may use.
    pub cores: u32,
    /// The memory, in bytes, where the system tells it.
    pub memory: Option<u64>,
    /// The operating system, with its version where it tells it.
    pub system: String,
}

/// One run of one program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The command, as the page shows it.
    pub command: String,
    /// What compiled or ran it: `rustc 1.95.0`, `Python 3.11.7`.
    pub language: String,
    /// The lines, in the order in which they came.
    pub lines: Vec<TimedLine>,
    /// The exit code. A run that was ended by a signal is not kept.
    pub exit: i32,
    /// The time from start to end, in seconds.
    pub wall: f64,
    /// The processor time, in seconds.
    pub cpu: Option<f64>,
    /// The most memory, in bytes.
    pub memory: Option<u64>,
    /// The most OS threads at once.
    pub threads: Option<u64>,
    /// The most processes at once.
    pub processes: Option<u64>,
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

impl Run {
    /// What a run printed and cost, for keeping or drawing. Its output may go on growing.
    pub fn new(
        command: String,
        language: String,
        lines: &[Line],
        exit: i32,
        costs: &Costs,
    ) -> Self {
        Self {
            command,
            language,
            lines: lines.iter().map(TimedLine::from).collect(),
            exit,
            wall: seconds(costs.wall),
            cpu: costs.cpu.map(seconds),
            memory: costs.memory,
            threads: costs.threads,
            processes: costs.processes,
        }
    }

    /// The run as it is drawn.
    pub fn track<'a>(&'a self, name: &'a str) -> Track<'a> {
        Track { name, lines: &self.lines, wall: self.wall, ended: true }
    }

    /// What it cost, in a line: `5 workers · 6 OS threads · 1 process · 2.00 s · CPU 0.00 s ·
    /// 2.1 MiB`, without what is not known.
    pub fn cost_line(&self) -> String {
        let workers = timeline::workers(&self.lines).map(|(n, kind)| count(n as u64, &kind));
        [
            workers,
            self.threads.map(|n| count(n, "OS thread")),
            self.processes.map(|n| count(n, "process")),
            Some(format!("{:.2} s", self.wall)),
            self.cpu.map(|cpu| format!("CPU {cpu:.2} s")),
            self.memory.map(|bytes| format!("{:.1} MiB", mebibytes(bytes))),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
    }
}

fn count(n: u64, what: &str) -> String {
    let plural = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{n} {what}{plural}")
}

/// Bytes in MiB, for people.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// In steps of 0.1 ms: what lies below is noise, and would make the files longer.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 1e4
}

/// The file of an example's recording.
pub fn file(workspace: &Workspace, example: &Example) -> PathBuf {
    workspace.root.join("guide/recordings").join(format!("{}.json", example.name))
}

impl Recording {
    /// Reads the recording of an example, and compares it with the example's tested output. None
    /// for one that does not run to an end, and so has nothing to record.
    ///
    /// # Errors
    ///
    /// When it is missing, not in this format, or has other output than was tested. The message
    /// names the file and the command that makes it anew.
    pub fn read(workspace: &Workspace, example: &Example) -> Result<Option<Self>> {
        if example.kind != Kind::Program {
            return Ok(None);
        }
        let file = file(workspace, example);
        let read = || -> Result<Self> {
            let recording: Self = serde_json::from_str(&fs::read_to_string(&file)?)?;
            recording.check(workspace, example)?;
            Ok(recording)
        };
        read().map(Some).with_context(|| {
            let (file, name) = (relative(workspace, &file), &example.name);
            format!(
                "the recording {file}: run `cargo run -p guide -- record {name}` to make it anew"
            )
        })
    }

    /// Whether this is a recording of the example as it is now, with the output that was tested.
    fn check(&self, workspace: &Workspace, example: &Example) -> Result<()> {
        let Self { version, example: name, rust, python, .. } = self;
        ensure!(*version == VERSION, "it has version {version}, not {VERSION}");
        ensure!(*name == example.name, "it is a recording of {name}");

        let tested = Transcript::read(&workspace.snapshot(name))?;
        tested.admits(&rust.lines).context("the Rust program's output")?;
        let command = example.command.join(" ");
        ensure!(rust.command == command, "it was made by `{}`, not `{command}`", rust.command);

        match (python, example.python_command()) {
            (Some(python), Some(command)) => {
                let own = workspace.snapshot(&format!("{name}.py"));
                let tested = if own.is_file() { Transcript::read(&own)? } else { tested };
                tested.admits(&python.lines).context("the Python program's output")?;
                let made_by = &python.command;
                ensure!(*made_by == command, "it was made by `{made_by}`, not `{command}`");
            }
            (None, None) => {}
            (None, Some(_)) => bail!("it lacks the Python program"),
            (Some(_), None) => bail!("the example has no Python program any more"),
        }
        Ok(())
    }

    /// The runs, by language.
    pub fn runs(&self) -> impl Iterator<Item = (&'static str, &Run)> {
        [("Rust", Some(&self.rust)), ("Python", self.python.as_ref())]
            .into_iter()
            .filter_map(|(language, run)| Some((language, run?)))
    }

    /// Runs an example and its Python counterpart, and gives the recording.
    ///
    /// # Errors
    ///
    /// When one cannot be run, or fails.
    pub async fn make(workspace: &Workspace, example: &Example) -> Result<Self> {
        let mut messages = Vec::new();
        let build = run::build(workspace, example, |line| messages.push(line.text)).await?;
        let Build::Done(program) = build else {
            bail!("it does not compile:\n{}", messages.join("\n"));
        };
        let rustc = version_of("rustc", &workspace.root).await?;
        let rust = record(&program, example.command.join(" "), rustc).await?;

        let python = match example.python_command() {
            None => None,
            Some(command) => {
                let program =
                    run::python(workspace, example).await.context("there is no Python")?;
                let version = version_of(&program.executable, &workspace.root).await?;
                Some(record(&program, command, version).await.context("the Python program")?)
            }
        };
        Ok(Self {
            version: VERSION,
            example: example.name.clone(),
            recorded: now(),
            machine: Machine::this(),
            rust,
            python,
        })
    }

    /// Writes the recording to its file, as a whole or not at all, if its output is what was
    /// tested.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or is not what was tested; then the old file stays.
    pub fn write(&self, workspace: &Workspace, example: &Example) -> Result<()> {
        self.check(workspace, example)?;
        let file = file(workspace, example);
        let folder = file.parent().context("the recording is in a folder")?;
        fs::create_dir_all(folder)?;
        write_json(self, &file)
    }
}

/// Writes a file of JSON, as a whole or not at all.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_json(value: &impl Serialize, file: &Path) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    let new = file.with_extension("json.new");
    fs::write(&new, text).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, file).with_context(|| format!("writing {}", file.display()))
}

async fn record(program: &Program, command: String, language: String) -> Result<Run> {
    let mut running = Running::start(program, Limits::default())?;
    let mut lines = Vec::new();
    while let Some(line) = running.line().await {
        lines.push(line);
    }
    let (end, costs) = running.end().await?;
    match end {
        End::Exited(status) if status.success() => {
            Ok(Run::new(command, language, &lines, 0, &costs))
        }
        End::Exited(status) => bail!("it failed: {status}"),
        End::PastLimit => bail!("it was ended after {:?}", Limits::default().time),
    }
}

/// The time: UTC, RFC 3339, to the second.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The name and number that a tool prints for `--version`.
///
/// # Errors
///
/// When it cannot be started, or says nothing.
pub async fn version_of(tool: impl AsRef<Path>, folder: &Path) -> Result<String> {
    let tool = tool.as_ref();
    let program = Program {
        executable: tool.to_owned(),
        arguments: vec!["--version".into()],
        folder: folder.to_owned(),
    };
    let mut running = Running::start(&program, Limits::default())?;
    let line = running.line().await.with_context(|| format!("{} says nothing", tool.display()))?;
    running.end().await?;
    Ok(line.text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

impl Machine {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: u32::try_from(cores).unwrap_or(u32::MAX), memory: memory(), system: system() }
    }

    /// A day, from a time in RFC 3339, and this machine: `2026-11-22 on 2 cores, 24 GiB, Linux 6.18`.
    pub fn at(&self, time: &str) -> String {
        let day = time.get(..10).unwrap_or_default();
        let memory = self.memory.map(|bytes| format!(", {:.0} GiB", mebibytes(bytes) / 1024.0));
        format!("{day} on {} cores{}, {}", self.cores, memory.unwrap_or_default(), self.system)
    }
}

#[cfg(target_os = "linux")]
fn memory() -> Option<u64> {
    use procfs::Current;
    Some(procfs::Meminfo::current().ok()?.mem_total)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<u64> {
    None
}

#[cfg(unix)]
fn system() -> String {
    let name = rustix::system::uname();
    // Of `6.18.0-1-amd64` only what says how old it is.
    let release = name.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    format!("{} {release}", name.sysname().to_string_lossy())
}

#[cfg(not(unix))]
fn system() -> String {
    std::env::consts::OS.to_owned()
}

/// A path as it is named from the workspace's root, with `/`.
fn relative(workspace: &Workspace, file: &Path) -> String {
    let file = file.strip_prefix(&workspace.root).unwrap_or(file);
    file.to_string_lossy().replace('\\', "/")
}

/// Records examples, all if none is named, with a line for each as it goes.
///
/// # Errors
///
/// When one fails. Its old recording stays, and the others are still made.
pub async fn record_all(workspace: &Workspace, names: &[String]) -> Result<()> {
    let named: Result<Vec<_>> = names.iter().map(|name| workspace.example(name)).collect();
    let mut examples = named?;
    if examples.is_empty() {
        examples.extend(workspace.examples.values());
    }

    let mut failed = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        let place = format!("[{}/{}] {}", number + 1, examples.len(), example.name);
        if example.kind != Kind::Program {
            println!("{place}: does not run to an end, nothing to record");
            continue;
        }
        println!("{place}");
        let made =
            async { Recording::make(workspace, example).await?.write(workspace, example) }.await;
        if let Err(error) = made {
            eprintln!("{place} failed: {error:#}");
            failed.push(example.name.as_str());
        }
    }
    ensure!(failed.is_empty(), "not recorded: {}", failed.join(", "));
    Ok(())
}
