//! The jobs that the tests send to their workers.
//!
//! A worker finds its jobs by the path of their type. So this module is a part
//! of two crates that have one name: the test `pool` and the example `pool`.
#![allow(dead_code)] // each of the two uses a part

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use process_pool::{Config, Job, JobResult, Pool};
use serde::ser::SerializeTupleStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::runtime::Builder;

/// A job that does what a test needs. The worker is the program `examples/pool.rs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Returns the text.
    Echo(String),
    /// Returns a text of this many bytes.
    Large(usize),
    /// Fails with this message.
    Fail(String),
    /// Fails with [`long_text`] of this many bytes.
    FailAtLength(usize),
    /// Panics with this message.
    Panic(String),
    /// Panics with [`long_text`] of this many bytes.
    PanicAtLength(usize),
    /// Ends its worker by a signal.
    Abort,
    /// Ends its worker with an exit code.
    Exit(i32),
    /// Replaces its worker by a shell that runs this text, which closes the worker's pipes.
    Exec(String),
    /// Computes forever.
    Loop,
    /// Prints the text to stdout, and returns it.
    Print(String),
    /// Adds a line to the file, and then does the other job.
    Mark(PathBuf, Box<Task>),
    /// Adds the number to the file, computes a little, and returns the number.
    Log(PathBuf, u64),
    /// If the file does not exist, creates it and ends its worker by a signal.
    AbortOnce(PathBuf),
    /// Waits until the file exists.
    Wait(PathBuf),
    /// Fills this many bytes of memory.
    Allocate(usize),
    /// Fills this many bytes of memory that is shared, and returns how many are in use.
    Share(usize),
    /// Starts a thread with a stack of this many bytes, which does nothing and stays.
    Thread(usize),
    /// Returns the worker's process id.
    Pid,
    /// Returns the worker's niceness.
    Niceness,
    /// Returns the targets of the worker's descriptors, and of those of a process
    /// that the job starts.
    Descriptors,
    /// Starts a process that outlives the job, and returns its id.
    Spawn,
    /// Starts such a process in a process group of its own.
    SpawnApart,
    /// Starts a pool in the worker, and runs a job in that pool.
    Nested,
}

impl Job for Task {
    type Output = String;

    fn run(self) -> JobResult<String> {
        match self {
            Self::Echo(text) => return Ok(text),
            Self::Large(bytes) => return Ok("x".repeat(bytes)),
            Self::Fail(message) => return Err(message.into()),
            Self::FailAtLength(bytes) => {
                return Err(long_text(bytes).into());
            }
            Self::Panic(message) => panic!("{message}"),
            Self::PanicAtLength(bytes) => panic!("{}", long_text(bytes)),
            Self::Abort => std::process::abort(),
            Self::Exit(code) => std::process::exit(code),
            #[cfg(unix)]
            Self::Exec(text) => {
                use std::os::unix::process::CommandExt;
                return Err(std::process::Command::new("sh")
                    .args(["-c", &text])
                    .exec()
                    .into());
            }
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
                    std::hint::black_box(
                        sum.wrapping_mul(31).wrapping_add(step),
                    )
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
            #[cfg(target_os = "linux")]
            Self::Share(bytes) => {
                let file = tempfile::tempfile()?;
                file.set_len(bytes.try_into()?)?;
                // Filling it in advance is what a program does by writing to all of it.
                let mut options = memmap2::MmapOptions::new();
                let memory = options.populate().map_raw(&file)?;
                let status =
                    procfs::process::Process::myself()?.status()?;
                drop(memory);
                // In KiB; which of the two depends on where temporary files are.
                let used = status
                    .rssfile
                    .zip(status.rssshmem)
                    .ok_or("no such figures")?;
                return Ok(((used.0 + used.1) * 1024).to_string());
            }
            Self::Thread(stack) => {
                std::thread::Builder::new()
                    .stack_size(stack)
                    .spawn(std::thread::park)?;
            }
            Self::Pid => return Ok(std::process::id().to_string()),
            #[cfg(unix)]
            Self::Niceness => {
                return Ok(
                    rustix::process::getpriority_process(None)?.to_string()
                );
            }
            #[cfg(target_os = "linux")]
            Self::Descriptors => {
                let mut list = std::process::Command::new("ls");
                let child = list.args(["-l", "/proc/self/fd"]).output()?;
                let child = String::from_utf8(child.stdout)?;
                let child = child
                    .lines()
                    .filter_map(|line| line.split_once(" -> "));
                let child: Vec<_> =
                    child.map(|(_, target)| target.to_owned()).collect();
                return Ok(format!(
                    "{}\n\n{}",
                    descriptors()?.join("\n"),
                    child.join("\n")
                ));
            }
            #[cfg(unix)]
            Self::Spawn => {
                let child = std::process::Command::new("sleep")
                    .arg("1000")
                    .spawn()?;
                return Ok(child.id().to_string());
            }
            #[cfg(unix)]
            Self::SpawnApart => {
                use std::os::unix::process::CommandExt;
                let mut sleep = std::process::Command::new("sleep");
                let child = sleep.arg("1000").process_group(0).spawn()?;
                return Ok(child.id().to_string());
            }
            Self::Nested => {
                let runtime =
                    Builder::new_current_thread().enable_all().build()?;
                let text = runtime.block_on(async {
                    let config = Config { workers: 1, ..Config::default() };
                    let pool = Pool::start(config).await?;
                    let text =
                        pool.run(Self::Echo("from within".into())).await;
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

/// Adds to a file by a single write, so that lines of several processes do not mix.
fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(line.as_bytes())
}

/// A text of this many bytes, with characters of one and of two bytes. It begins with "begin".
pub fn long_text(bytes: usize) -> String {
    let rest = bytes - "begin".len();
    format!("begin{}{}", "x".repeat(rest % 2), "é".repeat(rest / 2))
}

/// A job that panics outside of its `run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Trap {
    /// It does not: its result is this number.
    None(u32),
    /// It panics when the worker decodes the job.
    Decode,
    /// It panics when its error is turned into text.
    Error,
    /// It panics again when the value that it has panicked with is dropped.
    Payload,
    /// It panics when its result is encoded.
    Encode,
    /// It panics when its result is dropped.
    Drop,
}

/// The result of a [`Trap`].
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Sprung(pub u32, #[serde(skip)] Option<Trap>);

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        /// A `Trap` that does not panic.
        #[derive(Deserialize)]
        enum Plain {
            None(u32),
            Decode,
            Error,
            Payload,
            Encode,
            Drop,
        }

        Ok(match Plain::deserialize(deserializer)? {
            Plain::None(number) => Self::None(number),
            Plain::Decode => panic!("decoding"),
            Plain::Error => Self::Error,
            Plain::Payload => Self::Payload,
            Plain::Encode => Self::Encode,
            Plain::Drop => Self::Drop,
        })
    }
}

impl Serialize for Sprung {
    fn serialize<S: Serializer>(
        &self,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        assert!(self.1 != Some(Trap::Encode), "encoding");
        let mut fields = serializer.serialize_tuple_struct("Sprung", 1)?;
        fields.serialize_field(&self.0)?;
        fields.end()
    }
}

impl Drop for Sprung {
    fn drop(&mut self) {
        assert!(self.1 != Some(Trap::Drop), "dropping");
    }
}

/// An error without a text, and a panic's value that panics once more.
#[derive(Debug)]
struct Sharp;

impl std::fmt::Display for Sharp {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("printing")
    }
}

impl std::error::Error for Sharp {}

impl Drop for Sharp {
    fn drop(&mut self) {
        // Not while it is dropped by a panic already, which would abort.
        assert!(std::thread::panicking(), "dropping");
    }
}

impl Job for Trap {
    type Output = Sprung;

    fn run(self) -> JobResult<Sprung> {
        match self {
            Self::None(number) => Ok(Sprung(number, None)),
            Self::Error => Err(Sharp.into()),
            Self::Payload => std::panic::panic_any(Sharp),
            trap => Ok(Sprung(0, Some(trap))),
        }
    }
}

/// A job of a type that the main of `examples/pool.rs` does not know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unknown;

impl Job for Unknown {
    type Output = ();

    fn run(self) -> JobResult<()> {
        Ok(())
    }
}

/// Returns the targets of the descriptors of this process.
///
/// # Errors
///
/// If the system does not say.
#[cfg(target_os = "linux")]
pub fn descriptors() -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir("/proc/self/fd")?;
    let targets =
        entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let mut targets: Vec<_> =
        targets.map(|target| target.display().to_string()).collect();
    // The target that this function itself has opened.
    targets.retain(|target| !target.ends_with("/fd"));
    targets.sort();
    Ok(targets)
}
