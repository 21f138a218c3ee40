//! Recorded schedules: the order in which the threads of a small program ran under a scheduler that
//! decides it. `cargo run -p schedules -- record` writes them to `guide/recordings/schedules/NAME.json`,
//! and the book draws them.
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::examples::Workspace;
use crate::files::write_json;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The schedules of a program and of its fixed twin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedules {
    /// [`VERSION`].
    pub version: u32,
    /// The name of the program.
    pub name: String,
    /// The names of its threads, in the order in which they start.
    pub threads: Vec<String>,
    /// The seed of the random schedule in which the broken twin fails.
    pub seed: u64,
    /// The numbers of random schedules that ten searches needed until the broken twin failed.
    pub tries: Vec<u64>,
    /// The failing schedule.
    pub broken: Twin,
    /// The fixed twin, with the same choices as long as they are possible.
    pub fixed: Twin,
    /// Every choice that a scheduler of the broken twin has, if these are few and the first thread
    /// runs whenever it can. The first step is number 0.
    pub choices: Vec<Choice>,
}

/// One schedule of one version of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// The source file, from the workspace's root, with `/`.
    pub source: String,
    /// The steps, in the order in which they ran.
    pub steps: Vec<Step>,
    /// The failure at its end. None if it ended well.
    pub failure: Option<String>,
    /// The number of all schedules, if these are few.
    pub all: Option<All>,
}

/// The number of schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct All {
    /// All of them.
    pub schedules: u64,
    /// Those that fail.
    pub failing: u64,
}

/// The part that one thread runs until it blocks, ends, or is about to touch something that is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The number of the thread that runs.
    pub thread: usize,
    /// The line in which the step begins. None if the thread starts with this step, or has only to end.
    pub line: Option<usize>,
    /// The state of each thread that exists after the step.
    pub states: Vec<State>,
    /// The lines that the step prints.
    pub printed: Vec<String>,
}

/// The state of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It can run.
    Runnable,
    /// It waits for another thread.
    Blocked,
    /// It has returned.
    Finished,
    /// It has panicked, which ends the program here.
    Panicked,
}

/// A step in the tree of all schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The step.
    pub step: Step,
    /// The numbers of the steps that can come next.
    pub next: Vec<usize>,
    /// The failure of the program after this step, if it fails.
    pub failure: Option<String>,
}

/// Returns the file of a program's recording.
pub fn file(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root.join("guide/recordings/schedules").join(format!("{name}.json"))
}

impl Schedules {
    /// Reads the recording of a program.
    ///
    /// # Errors
    ///
    /// When it is missing, not in this format, or names a thread, a step or a line that doesn't
    /// exist. The message names the file and the command that makes a new one.
    pub fn read(workspace: &Workspace, name: &str) -> Result<Self> {
        let read = || -> Result<Self> {
            let text = fs::read_to_string(file(workspace, name))?;
            let schedules: Self = serde_json::from_str(&text)?;
            schedules.check(workspace, name)?;
            Ok(schedules)
        };
        read().with_context(|| {
            format!(
                "guide/recordings/schedules/{name}.json: \
                 `cargo run -p schedules -- record {name}` writes it"
            )
        })
    }

    /// Writes the recording to its file, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// When it can't be written, or could not be read again; then the old file stays.
    pub fn write(&self, workspace: &Workspace) -> Result<()> {
        self.check(workspace, &self.name)?;
        let file = file(workspace, &self.name);
        fs::create_dir_all(file.parent().context("the recording is in a folder")?)?;
        write_json(self, &file)
    }

    fn check(&self, workspace: &Workspace, name: &str) -> Result<()> {
        ensure!(self.version == VERSION, "it has version {}, not {VERSION}", self.version);
        ensure!(self.name == name, "it is a recording of {}", self.name);
        ensure!(self.broken.failure.is_some(), "the broken twin doesn't fail");
        ensure!(self.fixed.failure.is_none(), "the fixed twin fails");
        for twin in [&self.broken, &self.fixed] {
            let lines = twin.lines(workspace)?;
            let choices = self.choices.iter().map(|choice| &choice.step);
            let choices = choices.filter(|_| std::ptr::eq(twin, &self.broken));
            for step in twin.steps.iter().chain(choices) {
                let Step { thread, line, states, .. } = step;
                ensure!(*thread < self.threads.len(), "there is no thread {thread}");
                ensure!(states.len() <= self.threads.len(), "a step has too many threads");
                let exists = line.is_none_or(|line| (1..=lines.len()).contains(&line));
                ensure!(exists, "{} has no line {line:?}", twin.source);
            }
        }
        let mut next = self.choices.iter().flat_map(|choice| &choice.next);
        ensure!(next.all(|&next| next < self.choices.len()), "a choice leads nowhere");
        Ok(())
    }
}

impl Twin {
    /// Reads the lines of its source.
    ///
    /// # Errors
    ///
    /// When the source can't be read.
    pub fn lines(&self, workspace: &Workspace) -> Result<Vec<String>> {
        let text = fs::read_to_string(workspace.root.join(&self.source))
            .with_context(|| format!("reading {}", self.source))?;
        Ok(text.lines().map(|line| line.trim().to_owned()).collect())
    }
}
