//! Recordings: one run of each example, and of its Python counterpart, in
//! `guide/recordings/NAME.json` for the book to draw.
//!
//! The file is JSON: a [`Recording`], with times in seconds and sizes in bytes. It is read
//! strictly: another version, an unknown or missing field, and output that the tested snapshot does
//! not admit are errors. They name the file and the command that records the example again.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::examples::{Example, Kind, Workspace};
use crate::files::write_json;
use crate::kept::transcript::Transcript;
use crate::run::costs::Costs;
use crate::run::machine::{Machine, now, version_of};
use crate::run::{self, Build, End, Limits, Program, Running, TimedLine};
use process_tree::activity::{Activity, seconds};

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 3;

/// A run of an example, and of its Python counterpart if there is one, on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// [`VERSION`].
    pub version: u32,
    /// The example's name.
    pub example: String,
    /// The time of the recording: UTC, RFC 3339, to the second.
    pub recorded: String,
    /// The machine.
    pub machine: Machine,
    /// The run of the Rust program.
    pub rust: Run,
    /// The run of the Python program, if there is one.
    pub python: Option<Run>,
}

/// One run of one program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The command that the page shows.
    pub command: String,
    /// The compiler or the interpreter, or both: `rustc 1.95.0`, `Python 3.11.7`.
    pub language: String,
    /// The lines in the order in which they were printed.
    pub lines: Vec<TimedLine>,
    /// The exit code. There are no recordings of runs that a signal ended.
    pub exit: i32,
    /// The wall-clock time in seconds.
    pub wall: f64,
    /// The CPU time in seconds.
    pub cpu: Option<f64>,
    /// The peak memory in bytes.
    pub memory: Option<u64>,
    /// The largest number of OS threads at once.
    pub threads: Option<u64>,
    /// The largest number of processes at once.
    pub processes: Option<u64>,
    /// The activity of its threads. None for a run of less than about 20 ms, and where the system does not
    /// show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
}

impl Run {
    /// Makes a run that printed these lines and had these costs. A line may have been read shortly after
    /// the exit of the program; it gets the time of the exit, because it was printed before.
    pub fn new(
        command: String,
        language: String,
        mut lines: Vec<TimedLine>,
        exit: i32,
        costs: Costs,
    ) -> Self {
        let wall = seconds(costs.wall);
        lines.iter_mut().for_each(|line| line.at = line.at.min(wall));
        Self {
            command,
            language,
            lines,
            exit,
            wall,
            cpu: costs.cpu.map(seconds),
            memory: costs.memory,
            threads: costs.threads,
            processes: costs.processes,
            activity: costs.activity,
        }
    }
}

/// Returns the file of an example's recording.
pub fn file(workspace: &Workspace, example: &Example) -> PathBuf {
    workspace.root.join("guide/recordings").join(format!("{}.json", example.name))
}

impl Recording {
    /// Reads the recording of an example, and compares it with the example's tested output. None
    /// for an example that does not end on its own or does not compile: it has no recording.
    ///
    /// # Errors
    ///
    /// When the recording is missing or not in this format, and when its output is not what was
    /// tested. The message names the file and the command that records the example again.
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
            format!("the recording {file}: run `cargo run -p guide -- record {name}` to replace it")
        })
    }

    /// Checks that this is a recording of the example as it is now, with the tested output.
    fn check(&self, workspace: &Workspace, example: &Example) -> Result<()> {
        let Self { version, example: name, rust, python, .. } = self;
        ensure!(*version == VERSION, "it has version {version}, not {VERSION}");
        ensure!(*name == example.name, "it is a recording of {name}");

        for (language, run) in self.runs() {
            let is_late = |line: &TimedLine| line.at > run.wall;
            ensure!(!run.lines.iter().any(is_late), "{language}: a line is later than the run");
        }
        let transcript = Transcript::read(&workspace.snapshot(name))?;
        transcript.admits(&rust.lines).context("the Rust program's output")?;
        let command = example.command.join(" ");
        ensure!(rust.command == command, "it was made by `{}`, not `{command}`", rust.command);

        match (python, example.python_command()) {
            (Some(python), Some(command)) => {
                let own = workspace.snapshot(&format!("{name}.py"));
                let transcript = if own.is_file() { Transcript::read(&own)? } else { transcript };
                transcript.admits(&python.lines).context("the Python program's output")?;
                let old = &python.command;
                ensure!(*old == command, "it was made by `{old}`, not `{command}`");
            }
            (None, None) => {}
            (None, Some(_)) => bail!("it lacks the Python program"),
            (Some(_), None) => bail!("the example no longer has a Python program"),
        }
        Ok(())
    }

    /// Returns the runs with their languages.
    pub fn runs(&self) -> impl Iterator<Item = (&'static str, &Run)> {
        [("Rust", Some(&self.rust)), ("Python", self.python.as_ref())]
            .into_iter()
            .filter_map(|(language, run)| Some((language, run?)))
    }

    /// Runs an example and its Python counterpart, and returns the recording.
    ///
    /// # Errors
    ///
    /// When one of them cannot be run or fails.
    pub async fn make(workspace: &Workspace, example: &Example) -> Result<Self> {
        let mut messages = Vec::new();
        let build = run::build(workspace, example, |line| messages.push(line)).await?;
        let Build::Done(program) = build else {
            bail!("it does not compile:\n{}", messages.join("\n"));
        };
        let mut language = version_of("rustc", &workspace.root).await?;
        if example.is_extension {
            let python = run::extension_python().await.context("there is no Python")?;
            language += &format!(", {}", version_of(&python, &workspace.root).await?);
        }
        let rust = record(&program, example.command.join(" "), language).await?;

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

    /// Writes the recording to its file, if its output is what was tested.
    ///
    /// # Errors
    ///
    /// When the output is not what was tested, and when the file cannot be written. The old file
    /// is kept.
    pub fn write(&self, workspace: &Workspace, example: &Example) -> Result<()> {
        self.check(workspace, example)?;
        let file = file(workspace, example);
        let folder = file.parent().context("the recording is in a folder")?;
        fs::create_dir_all(folder)?;
        write_json(self, &file)
    }
}

async fn record(program: &Program, command: String, language: String) -> Result<Run> {
    let mut running = Running::start(program, Limits::default())?;
    let mut lines = Vec::new();
    while let Some(line) = running.line().await {
        lines.push(TimedLine::from(line));
    }
    let (end, costs) = running.end().await?;
    match end {
        End::Exited(status) if status.success() => Ok(Run::new(command, language, lines, 0, costs)),
        End::Exited(status) => bail!("it failed: {status}"),
        End::PastLimit => bail!("it was killed after {:?}", Limits::default().time),
    }
}

/// Returns a path from the workspace's root, with `/`.
fn relative(workspace: &Workspace, file: &Path) -> String {
    let file = file.strip_prefix(&workspace.root).unwrap_or(file);
    file.to_string_lossy().replace('\\', "/")
}

/// Records examples with their variants, all of them if none is named, and prints a line for each.
///
/// # Errors
///
/// When one fails. Its old recording is kept, and the others are still recorded.
pub async fn record_all(workspace: &Workspace, names: &[String]) -> Result<()> {
    let examples: Result<Vec<_>> = names.iter().map(|name| workspace.example(name)).collect();
    let mut examples: Vec<_> = examples?.into_iter().flat_map(Example::with_variants).collect();
    if examples.is_empty() {
        examples.extend(workspace.with_variants());
    }

    let mut failed = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        let place = format!("[{}/{}] {}", number + 1, examples.len(), example.name);
        if example.kind != Kind::Program {
            println!("{place}: nothing to record, it does not end on its own or does not compile");
            continue;
        }
        println!("{place}");
        let record = async { Recording::make(workspace, example).await?.write(workspace, example) };
        if let Err(error) = record.await {
            eprintln!("{place} failed: {error:#}");
            failed.push(example.name.as_str());
        }
    }
    ensure!(failed.is_empty(), "not recorded: {}", failed.join(", "));
    Ok(())
}
