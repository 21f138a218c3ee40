//! Runs a command, measures how it computes and waits, and says which model
//! suits it.
//!
//! ```sh
//! cargo run -p choose
//! ```
//!
//! Without a command it measures three small programs of its own. It
//! measures any command:
//!
//! ```sh
//! cargo run -p choose -- sleep 2
//! cargo run -p choose -- --json -- python3 program.py --its --own options
//! cargo run -p choose -- --explain
//! ```
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use std::{env, thread};

use anyhow::Context;
use choose::machine::Machine;
use choose::measure::{self, Measurement};
use choose::pass::{self, Signals};
use choose::report::Report;
use choose::rules::{RULES, Wishes, terms};
use clap::{Parser, ValueEnum};
use tokio::process::Command;

/// Runs a command, measures it, and says which model suits it.
///
/// The command keeps its input, its output, its signals and its exit code;
/// the report goes to stderr. Without a command, choose measures three
/// small programs of its own and reports to stdout.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Print the report as JSON: one line, the last one on stderr. Default:
    /// text
    #[arg(long, requires = "command")]
    json: bool,
    /// The work must be isolated, so that its crash affects nothing else.
    /// Default: it needn't be
    #[arg(long, requires = "command")]
    isolate: bool,
    /// The number of waits that there will be at once. Default: the largest
    /// number of the command's threads that waited at once
    #[arg(long, value_name = "N", requires = "command")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    at_once: Option<u64>,
    /// Print the rules and the terms in them, and run nothing
    #[arg(long)]
    explain: bool,
    /// One of this program's own commands
    #[arg(long, hide = true, conflicts_with = "command")]
    demo: Option<Demo>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true)]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_closed_pipe(&error) => {
            ExitCode::from(pass::CLOSED_PIPE)
        }
        Err(error) => {
            writeln!(io::stderr(), "choose: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Returns true if nothing reads stdout any more, as after `head`. A
/// program ends then, without a message.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if let Some(demo) = arguments.demo {
        demo.run()?;
        return Ok(0);
    }
    let machine = Machine::this();
    if arguments.explain {
        explain(&machine)?;
        return Ok(0);
    }
    check_room_for_files()?;
    // One thread, because it only waits: for the command, for signals and
    // for timers.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    if arguments.command.is_empty() {
        runtime.block_on(demonstrate(&machine))
    } else {
        runtime.block_on(judge(arguments, &machine))
    }
}

/// Measures the command that the user gave.
async fn judge(
    arguments: &Arguments,
    machine: &Machine,
) -> anyhow::Result<u8> {
    // ANCHOR: run
    let signals = Signals::listen().context("listening for signals")?;
    let words = &arguments.command;
    let (status, measurement) = match start(words, machine, signals).await {
        Ok(ended) => ended,
        Err(error) => {
            let text =
                format!("choose: cannot run {:?}: {error}\n", words[0]);
            io::stderr().write_all(text.as_bytes()).ok();
            return Ok(pass::exit_code_of_error(&error));
        }
    };
    let wishes =
        Wishes { isolate: arguments.isolate, at_once: arguments.at_once };
    let report = Report::new(words, status, measurement, wishes, machine);
    // ANCHOR_END: run
    let text = if arguments.json {
        serde_json::to_string(&report).context("writing JSON")? + "\n"
    } else {
        report.to_string()
    };
    // Not eprintln!, which panics when nothing reads stderr any more: the
    // exit code is the command's in any case.
    io::stderr().write_all(text.as_bytes()).ok();
    Ok(report.exit_code)
}

async fn start(
    words: &[OsString],
    machine: &Machine,
    signals: Signals,
) -> io::Result<(ExitStatus, Measurement)> {
    let mut command = if is_script(&words[0]) {
        let mut shell = Command::new("sh");
        shell.args(words);
        shell
    } else {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    };
    measure::run(&mut command, machine, Some(signals)).await
}

/// Returns true if a file is text without a line `#!` that names the
/// program to run it. A shell runs such a file itself, and the kernel
/// refuses it.
fn is_script(file: &OsStr) -> bool {
    let mut begin = Vec::new();
    let mut read = |file: File| file.take(128).read_to_end(&mut begin);
    is_executable(file.as_ref())
        && File::open(file).and_then(&mut read).is_ok()
        && !begin.starts_with(b"#!")
        && !begin.contains(&0) // as in every program for a processor
}

/// Returns true for the path of an executable. Other names are looked up in
/// PATH.
#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let executable = |it: std::fs::Metadata| {
        it.is_file() && it.permissions().mode() & 0o111 != 0
    };
    file.components().count() > 1 && file.metadata().is_ok_and(executable)
}

#[cfg(not(unix))]
fn is_executable(_file: &Path) -> bool {
    false
}

/// Opens as many file descriptors as will be needed, because tokio panics
/// if there is none left for its signals.
fn check_room_for_files() -> anyhow::Result<()> {
    const NEEDED: usize = 16;
    let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let open = (0..NEEDED).map(|_| File::open(null));
    open.collect::<io::Result<Vec<_>>>().with_context(|| {
        format!("{NEEDED} file descriptors are needed (see ulimit -n)")
    })?;
    Ok(())
}

fn explain(machine: &Machine) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "The first rule that holds decides. If")?;
    for (number, rule) in (1..).zip(&RULES) {
        writeln!(out, "{number}. {rule}")?;
        writeln!(
            out,
            "   read {}, start from {}",
            rule.page, rule.example
        )?;
    }
    for (term, meaning) in terms() {
        writeln!(out, "\n{term}: {meaning}")?;
    }
    match machine.few_waits() {
        Some(few) => writeln!(
            out,
            "\nOn this machine up to {few} waits at once are few, {}.",
            machine.why_few()
        ),
        None => writeln!(
            out,
            "\nHow many threads this system can carry is not known, so no \
             number of waits counts as many."
        ),
    }
}

/// The programs that are measured when no command is given.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Demo {
    Compute,
    Wait,
    Both,
}

impl Demo {
    fn run(self) -> io::Result<()> {
        let name = format!("{self:?}").to_lowercase();
        writeln!(io::stdout(), "Program {name} starting")?;
        match self {
            Self::Compute => compute(Duration::from_millis(400)),
            Self::Wait => thread::scope(|scope| {
                for _ in 0..5 {
                    scope.spawn(|| {
                        thread::sleep(Duration::from_millis(400));
                    });
                }
            }),
            Self::Both => {
                for _ in 0..10 {
                    compute(Duration::from_millis(20));
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }
        writeln!(io::stdout(), "Program {name} finished")
    }
}

/// Stands for work: keeps a core busy until it has used this much CPU time.
/// A clock would also count the time in which other programs have the core.
fn compute(time: Duration) {
    let begun = cpu_time();
    while cpu_time() - begun < time {
        std::hint::spin_loop();
    }
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().expect("CPU time is not negative")
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static BEGUN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGUN.elapsed()
}

/// Measures the three programs. It does not listen for signals: Ctrl-C ends
/// all of it.
async fn demonstrate(machine: &Machine) -> anyhow::Result<u8> {
    let file =
        env::current_exe().context("finding this program's own file")?;
    for demo in ["compute", "wait", "both"] {
        let words = ["choose".into(), "--demo".into(), demo.into()];
        let mut command = Command::new(&file);
        command.args(&words[1..]);
        let (status, measurement) =
            measure::run(&mut command, machine, None)
                .await
                .context("starting this program again")?;
        let wishes = Wishes::default();
        let report =
            Report::new(&words, status, measurement, wishes, machine);
        write!(io::stdout(), "{report}")?;
        if !status.success() {
            return Ok(report.exit_code);
        }
    }
    Ok(0)
}
