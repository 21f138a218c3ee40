//! The jobs that the tests of the process pool send to their workers, and what they look at.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use process_pool::{Config, Job, JobResult, Pool};
use serde::{Deserialize, Serialize};

use crate::LIMIT;

/// A job that does what a test needs. The worker is the program `pool-host`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Gives the text back.
    Echo(String),
    /// Gives a text of so many bytes back.
    Large(usize),
    /// Fails with this message.
    Fail(String),
    /// Panics with this message.
    Panic(String),
    /// Ends its worker by a signal.
    Abort,
    /// Ends its worker with an exit code.
    Exit(i32),
    /// Computes for ever.
    Loop,
    /// Prints the text to stdout, and gives it back.
    Print(String),
    /// Adds a line to the file, and then does the other job.
    Mark(PathBuf, Box<Task>),
    /// Adds the number to the file, computes a little, and gives the number back.
    Log(PathBuf, u64),
    /// Ends its worker by a signal if the file is not there, having made it.
    AbortOnce(PathBuf),
    /// Waits until the file is there.
    Wait(PathBuf),
    /// Fills so many bytes of memory.
    Allocate(usize),
    /// Tells the worker's process id.
    Pid,
    /// Tells the worker's niceness.
    Niceness,
    /// Tells where the worker's descriptors lead, and those of a process that the job starts.
    Descriptors,
    /// Starts a process that outlives the job, and tells its id.
    Spawn,
    /// Starts a pool in the worker, and runs a job in that.
    Nested,
}

impl Job for Task {
    type Output = String;

    fn run(self) -> JobResult<String> {
        match self {
            Self::Echo(text) => return Ok(text),
            Self::Large(bytes) => return Ok("x".repeat(bytes)),
            Self::Fail(message) => return Err(message.into()),
            Self::Panic(message) => panic!("{message}"),
            Self::Abort => std::process::abort(),
            Self::Exit(code) => std::process::exit(code),
            Self::Loop => loop {
                std::hint::spin_loop();
            },
            Self::Print(text) => {
                println!("{text}");
                return Ok(text);
            }
            Self::Mark(file, task) => {
                append(&file, "started\n")?;
                return task.run();
            }
            Self::Log(file, number) => {
                append(&file, &format!("{number}\n"))?;
                // Long enough for a signal to arrive in the middle of it.
                let steps = (0..20_000_u64).fold(number, |sum, step| {
                    std::hint::black_box(sum.wrapping_mul(31).wrapping_add(step))
                });
                std::hint::black_box(steps);
                return Ok(number.to_string());
            }
            Self::AbortOnce(file) => {
                if !file.exists() {
                    fs::write(file, "")?;
                    std::process::abort();
                }
            }
            Self::Wait(file) => {
                while !file.exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Self::Allocate(bytes) => {
                std::hint::black_box(vec![1_u8; bytes]);
            }
            Self::Pid => return Ok(std::process::id().to_string()),
            #[cfg(unix)]
            Self::Niceness => {
                return Ok(rustix::process::getpriority_process(None)?.to_string());
            }
            #[cfg(target_os = "linux")]
            Self::Descriptors => {
                let mut list = std::process::Command::new("ls");
                let child = list.args(["-l", "/proc/self/fd"]).output()?;
                let child = String::from_utf8(child.stdout)?;
                let child = child.lines().filter_map(|line| line.split_once(" -> "));
                let child: Vec<_> = child.map(|(_, target)| target.to_owned()).collect();
                return Ok(format!("{}\n\n{}", descriptors()?.join("\n"), child.join("\n")));
            }
            #[cfg(unix)]
            Self::Spawn => {
                let child = std::process::Command::new("sleep").arg("1000").spawn()?;
                return Ok(child.id().to_string());
            }
            Self::Nested => {
                let text = crate::runtime().block_on(async {
                    let config = Config { workers: 1, ..Config::default() };
                    let pool = Pool::start(config).await?;
                    let text = pool.run(Self::Echo("from within".into())).await;
                    pool.shutdown().await;
                    text
                });
                return Ok(text?);
            }
            #[cfg(not(target_os = "linux"))]
            other => return Err(format!("not here: {other:?}").into()),
        }
        Ok(String::new())
    }
}

/// One write, so that processes do not come between each other.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(line.as_bytes())
}

/// A job of another type: its pool's workers find no line for it in the main of `pool-host`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unknown;

impl Job for Unknown {
    type Output = ();

    fn run(self) -> JobResult<()> {
        Ok(())
    }
}

/// Where the descriptors of this process lead.
///
/// # Errors
///
/// When the system does not tell.
#[cfg(target_os = "linux")]
pub fn descriptors() -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir("/proc/self/fd")?;
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let mut targets: Vec<_> = targets.map(|target| target.display().to_string()).collect();
    // The one that this function itself has opened.
    targets.retain(|target| !target.ends_with("/fd"));
    targets.sort();
    Ok(targets)
}

/// Looks again and again until it holds; fails after [`LIMIT`].
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The same in async code, which goes on meanwhile.
pub async fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
