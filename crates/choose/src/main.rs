//! Runs a command, measures how it computes and waits, and says which model
//! suits it.
//!
//! ```sh
//! cargo run -p choose
//! ```
//!
//! So it measures three small programs of its own. Or any command:
//!
//! ```sh
//! cargo run -p choose -- sleep 2
//! cargo run -p choose -- --json -- python3 program.py --its --own options
//! cargo run -p choose -- --explain
//! ```
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, thread};

use anyhow::Context;
use choose::machine::Machine;
use choose::measure;
use choose::pass::{self, Signals};
use choose::report::Report;
use choose::rules::{RULES, Wishes, terms};
use clap::{Parser, ValueEnum};
use tokio::process::Command;

/// Runs a command, measures it, and says which model suits it.
///
/// Input, output, signals and the exit code are the command's; the report goes
/// to stderr. Without a command it measures three small programs of its own.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Print the report as JSON, in one line, the last one on stderr
    #[arg(long, requires = "command")]
    json: bool,
    /// The work is to be isolated: its crash must not be mine
    #[arg(long, requires = "command")]
    isolate: bool,
    /// How many waits there are to be at once
    #[arg(long, value_name = "N", requires = "command")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    at_once: Option<u64>,
    /// Print the rules, and run nothing
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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            // The first paragraph, as one line.
            let text = error.to_string();
            let lines = text.lines().map(str::trim);
            let lines: Vec<_> = lines.take_while(|l| !l.is_empty()).collect();
            let line = lines.join(" ");
            eprintln!("choose: {}", line.trim_start_matches("error: "));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("choose: {error:#}");
            ExitCode::FAILURE
        }
    }
}

// One thread: it waits, for the command, for signals and for its next look.
#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let machine = Machine::this();
    if arguments.explain {
        explain(&machine).context("printing the rules")?;
        return Ok(0);
    }
    if let Some(demo) = arguments.demo {
        demo.run();
        return Ok(0);
    }
    let Some((program, words)) = arguments.command.split_first() else {
        return demonstrate(&machine).await;
    };

    // ANCHOR: run
    let signals = Signals::listen().context("listening for signals")?;
    let mut command = Command::new(program);
    command.args(words);
    let (status, measured) =
        match measure::run(&mut command, &machine, Some(signals)).await {
            Ok(ended) => ended,
            Err(error) => {
                eprintln!("choose: cannot run {program:?}: {error}");
                return Ok(pass::exit_code_of_error(&error));
            }
        };
    let wishes =
        Wishes { isolate: arguments.isolate, at_once: arguments.at_once };
    let report =
        Report::new(&arguments.command, status, measured, wishes, &machine);
    // ANCHOR_END: run
    let text = if arguments.json {
        serde_json::to_string(&report).context("writing JSON")? + "\n"
    } else {
        report.to_string()
    };
    // Not eprintln!, which panics when nobody listens any more: the exit code
    // is the command's all the same.
    io::stderr().write_all(text.as_bytes()).ok();
    Ok(report.exit_code)
}

fn explain(machine: &Machine) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "The first rule that holds decides. If")?;
    for (number, rule) in (1..).zip(&RULES) {
        writeln!(out, "{number}. {rule}")?;
        writeln!(out, "   read {}, start from {}", rule.page, rule.example)?;
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
            "\nHow many threads this system can carry is not known, and so no \
             number of waits is many."
        ),
    }
}

/// What is measured when no command is given.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Demo {
    Compute,
    Wait,
    Both,
}

impl Demo {
    fn run(self) {
        let name = format!("{self:?}").to_lowercase();
        println!("Program {name} starting");
        match self {
            Self::Compute => compute(Duration::from_millis(800)),
            Self::Wait => thread::scope(|scope| {
                for _ in 0..5 {
                    scope.spawn(|| thread::sleep(Duration::from_millis(800)));
                }
            }),
            Self::Both => {
                for _ in 0..20 {
                    compute(Duration::from_millis(20));
                    thread::sleep(Duration::from_millis(20));
                }
            }
        }
        println!("Program {name} finished");
    }
}

/// Stands for work: keeps a core busy, for so much CPU time. Not for so much
/// time on the clock, in which others may have the core.
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

/// Measures the three. Does not listen to signals: Ctrl-C ends all.
async fn demonstrate(machine: &Machine) -> anyhow::Result<u8> {
    let file = env::current_exe().context("finding this program's own file")?;
    for demo in ["compute", "wait", "both"] {
        let words = ["choose".into(), "--demo".into(), demo.into()];
        let mut command = Command::new(&file);
        command.args(&words[1..]);
        let (status, measured) = measure::run(&mut command, machine, None)
            .await
            .context("starting this program again")?;
        let wishes = Wishes::default();
        let report = Report::new(&words, status, measured, wishes, machine);
        print!("{report}");
        if !status.success() {
            return Ok(report.exit_code);
        }
    }
    Ok(0)
}
