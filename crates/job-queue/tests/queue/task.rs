//! The jobs that the tests send to their workers.
//!
//! A worker finds its jobs by the path of their type. So this module is a part
//! of two crates that have one name: the test `queue` and the example `queue`.
#![allow(dead_code)] // each of the two uses a part

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use job_queue::{Job, JobResult};
use serde::{Deserialize, Serialize};

/// A job that does what a test needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Returns the text.
    Echo(String),
    /// Returns a text of this many bytes.
    Large(usize),
    /// Fails with this message.
    Fail(String),
    /// Fails with a message of this many bytes that starts with "begin".
    FailAtLength(usize),
    /// Panics with this message.
    Panic(String),
    /// Ends its process by a signal.
    Abort,
    /// Ends its process with an exit code.
    Exit(i32),
    /// Replaces its process by a shell that runs this text.
    Exec(String),
    /// Computes forever.
    Loop,
    /// Prints the text to stdout, and returns it.
    Print(String),
    /// Adds a line to the file, and then does the other job.
    Mark(PathBuf, Box<Task>),
    /// Adds the number to the file, computes a little, and returns the number.
    Log(PathBuf, u64),
    /// Waits until the file exists.
    Wait(PathBuf),
}

impl Job for Task {
    type Output = String;

    fn run(self) -> JobResult<String> {
        match self {
            Self::Echo(text) => Ok(text),
            Self::Large(bytes) => Ok("x".repeat(bytes)),
            Self::Fail(message) => Err(message.into()),
            Self::FailAtLength(bytes) => {
                Err(format!("begin{}", "x".repeat(bytes - 5)).into())
            }
            Self::Panic(message) => panic!("{message}"),
            Self::Abort => std::process::abort(),
            Self::Exit(code) => std::process::exit(code),
            #[cfg(unix)]
            Self::Exec(text) => {
                use std::os::unix::process::CommandExt;
                Err(Command::new("sh").args(["-c", &text]).exec().into())
            }
            Self::Loop => loop {
                std::hint::spin_loop();
            },
            Self::Print(text) => {
                println!("{text}");
                Ok(text)
            }
            Self::Mark(file, task) => {
                append(&file, "started\n")?;
                task.run()
            }
            Self::Log(file, number) => {
                append(&file, &format!("{number}\n"))?;
                // Long enough for a signal to arrive in the middle of it.
                let step = |sum: u64, step| black_box(sum ^ step);
                black_box((0..20_000).fold(number, step));
                Ok(number.to_string())
            }
            Self::Wait(file) => {
                while !file.exists() {
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(String::new())
            }
            #[cfg(not(unix))]
            other => Err(format!("not here: {other:?}").into()),
        }
    }
}

/// Adds to a file by a single write, so that lines of several processes do not
/// mix.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(line.as_bytes())
}
