//! Holds the benchmarks: `cargo run --release -p bench`.
//!
//! The tables go to stdout, the progress to stderr, and all figures to `target/bench/results.json`.
//! `cargo run -p guide -- charts` draws them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench::implementation::{Benchmark, Turn, Way};
use bench::runner::{Effort, Runner};
use bench::{benchmarks, child, outcomes, python, report};
use clap::{Parser, Subcommand};
use harness::kept::results::{Category, Results, VERSION};
use harness::run::machine::{self, Machine};
use indicatif::{ProgressBar, ProgressStyle};

/// Measures implementations of the same work side by side, in Rust and in Python, next to a lower
/// bound.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
    /// Run everything in less than two minutes; the figures are rough
    #[arg(long)]
    quick: bool,
    /// Run only this benchmark; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How many rounds to run, with one turn per implementation. Default: 5, or 1 with --quick
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: Option<u8>,
    /// Roughly how many milliseconds a turn measures each figure. Default: 500, or 100 with --quick
    #[arg(long, value_name = "N", conflicts_with = "keep")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=10_000))]
    milliseconds: Option<u64>,
    /// List the benchmarks
    #[arg(long)]
    list: bool,
    /// The folder for the results. Default: target/bench
    #[arg(long, value_name = "FOLDER")]
    dest: Option<PathBuf>,
    /// The Python to use, with the packages that it needs. Default: the one in target/python
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Also write the results to guide/results.json, from which the book takes them
    #[arg(long, conflicts_with = "quick")]
    keep: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Be one of the implementations, and print its figures
    #[command(hide = true)]
    Implementation {
        benchmark: String,
        implementation: String,
        size: u64,
        milliseconds: u64,
        scratch: PathBuf,
        python: Option<PathBuf>,
    },
    /// Count the outcomes of tiny programs on two real cores
    Outcomes {
        /// How many times each variant runs
        #[arg(long, default_value_t = 1_000_000)]
        runs: usize,
        /// Also write the counts to guide/outcomes.json, from which the book takes them
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> ExitCode {
    benchmarks::play_part();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("bench is in a folder")?;
    if let Some(Task::Outcomes { runs, keep }) = arguments.command {
        let counted = outcomes::count_all(runs);
        print!("{}", outcomes::report(&counted));
        if keep {
            counted.write(root)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Task::Implementation {
        benchmark,
        implementation,
        size,
        milliseconds,
        scratch,
        python,
    }) = arguments.command
    {
        let turn = Turn { size, time: Duration::from_millis(milliseconds), scratch, python };
        contend(&benchmark, &implementation, &turn)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = benchmarks::all();
    if arguments.list {
        for benchmark in &all {
            println!("{:13}  {}", benchmark.name, benchmark.question);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.only {
        if !all.iter().any(|benchmark| benchmark.name == name) {
            let known: Vec<_> = all.iter().map(|benchmark| benchmark.name).collect();
            eprintln!("error: no benchmark {name}; there are {}", known.join(", "));
            return Ok(ExitCode::from(2));
        }
    }
    let named = |benchmark: &Benchmark| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == benchmark.name)
    };
    let benchmarks: Vec<_> = all.into_iter().filter(named).collect();
    let (rounds, milliseconds) = if arguments.quick { (1, 100) } else { (5, 500) };
    let effort = Effort {
        rounds: arguments.rounds.unwrap_or(rounds).into(),
        time: Duration::from_millis(arguments.milliseconds.unwrap_or(milliseconds)),
        quick: arguments.quick,
    };
    let destination = arguments.dest.unwrap_or_else(|| root.join("target/bench"));
    // Before the runtime, so that the implementation under way is killed before its files are deleted.
    let scratch = tempfile::tempdir().context("making a folder for temporary files")?;
    let runtime = tokio::runtime::Runtime::new()?;
    // Before anybody listens to Ctrl-C, which then ends cargo and pip as usual.
    build(&benchmarks, root)?;
    let with_packages = benchmarks.iter().any(|benchmark| benchmark.python_packages);
    let python = match arguments.python {
        Some(python) => Some(python),
        None => find_python(&runtime, with_packages, root),
    };
    let runner = Runner {
        executable: child::this_program()?,
        python,
        root: root.to_owned(),
        scratch: scratch.path().to_owned(),
    };
    runtime.block_on(async {
        tokio::select! {
            held = hold(&benchmarks, effort, &runner, &destination, arguments.keep) => held,
            code = told_to_end() => code, // the implementation under way ends with us
        }
    })
}

/// Waits until the program is told to end, and returns its exit code.
async fn told_to_end() -> Result<ExitCode> {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?.recv().await;
        std::io::Result::Ok(())
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<std::io::Result<()>>();
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("waiting for Ctrl-C")?;
            Ok(ExitCode::from(130))
        }
        terminated = terminated => {
            terminated.context("waiting for SIGTERM")?;
            Ok(ExitCode::from(143))
        }
    }
}

/// Takes part in a benchmark as one of its implementations.
fn contend(benchmark: &str, implementation: &str, turn: &Turn) -> Result<()> {
    let all = benchmarks::all();
    let benchmark =
        all.iter().find(|other| other.name == benchmark).context("no such benchmark")?;
    let implementation =
        benchmark.implementations.iter().find(|other| other.name == implementation);
    let Way::Here(way) = implementation.context("no such implementation")?.way else {
        bail!("it is not for this program");
    };
    println!("{}", serde_json::to_string(&way(turn)?)?);
    Ok(())
}

async fn hold(
    benchmarks: &[Benchmark],
    effort: Effort,
    runner: &Runner,
    destination: &Path,
    keep: bool,
) -> Result<ExitCode> {
    let root = &runner.root;
    let mut languages = vec![machine::version_of("rustc", root).await?];
    if let Some(python) = &runner.python {
        languages.push(machine::version_of(python, root).await?);
    }
    std::fs::create_dir_all(destination)
        .with_context(|| format!("making {}", destination.display()))?;
    let mut results =
        Results { version: VERSION, machine: Machine::this(), languages, benchmarks: Vec::new() };
    let file = destination.join("results.json");
    let started = Instant::now();
    let bar = progress_bar();
    let mut ours_failed = false;
    for (number, benchmark) in benchmarks.iter().enumerate() {
        let place = format!("[{}/{}] {}", number + 1, benchmarks.len(), benchmark.name);
        if bar.is_hidden() {
            eprintln!("{place}");
        }
        let held = runner.run(benchmark, effort, |turn, turns, words| {
            bar.set_length(turns as u64);
            bar.set_position(turn as u64 - 1);
            bar.set_message(format!("{place}: {words}"));
        });
        let held = held.await;
        bar.suspend(|| print!("{}", report::table(&held)));
        let may_fail = |name: &str| {
            let who =
                benchmark.implementations.iter().find(|implementation| implementation.name == name);
            who.is_none_or(|implementation| implementation.category == Category::Python)
        };
        ours_failed |= held.left_out.iter().any(|out| !may_fail(&out.implementation));
        results.benchmarks.push(held);
        results.write(&file)?;
    }
    bar.finish_and_clear();

    print!("{}", report::winners(&results.benchmarks));
    let took = started.elapsed().as_secs();
    println!("\n{took} s; all figures are in {}", file.display());
    if keep {
        results.keep(&root.join("guide/results.json"))?;
        println!("kept for the book in guide/results.json");
    }
    Ok(if ours_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Builds the programs that implementations start, as optimized as this one.
fn build(benchmarks: &[Benchmark], root: &Path) -> Result<()> {
    let programs: Vec<_> = benchmarks.iter().flat_map(|benchmark| benchmark.programs).collect();
    if programs.is_empty() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").arg("--quiet").current_dir(root);
    harness::run::forget_package(&mut command);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for program in programs {
        command.args(["-p", program]);
    }
    let built = command.status().context("starting cargo")?;
    ensure!(built.success(), "the programs of the implementations do not compile");
    Ok(())
}

/// Python, with the packages that some implementations need where they can be had. What is missing is
/// said.
fn find_python(
    runtime: &tokio::runtime::Runtime,
    with_packages: bool,
    root: &Path,
) -> Option<PathBuf> {
    let Some(interpreter) = runtime.block_on(harness::run::interpreter()) else {
        eprintln!("there is no Python 3.11 or newer: its implementations are left out");
        return None;
    };
    if !with_packages {
        return Some(interpreter);
    }
    match python::make_environment(root, &interpreter) {
        Ok(()) => Some(python::in_environment(root)),
        Err(error) => {
            eprintln!("implementations that need Python's packages are left out: {error:#}");
            Some(interpreter)
        }
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    let template = "{elapsed} [{bar:20}] {pos}/{len} {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}
