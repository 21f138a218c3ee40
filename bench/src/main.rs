//! Runs the benchmarks: `cargo run --release -p bench`.
//!
//! The tables go to stdout, the progress to stderr, and all figures to `target/bench/results.json`.
//! `cargo run -p guide -- charts` draws them, and `cargo run -p guide -- check` compares the book
//! with them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bench::benchmark::Benchmark;
use bench::parts::{self, python};
use bench::runner::{Effort, Runner};
use bench::{benchmarks, outcomes, report};
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
    command: Option<Subcommands>,
    /// Run everything in less than two minutes; the figures are rough
    #[arg(long)]
    quick: bool,
    /// Run only this benchmark; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// The number of rounds, with one turn per implementation. Default: 5, or 1 with --quick
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: Option<u8>,
    /// The rough duration of each measurement in milliseconds. Default: 500, or 100 with --quick
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
enum Subcommands {
    /// Count the outcomes of tiny programs on two real cores
    Outcomes {
        /// The number of runs of each variant
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
    if let Some(Subcommands::Outcomes { runs, keep }) = arguments.command {
        let outcomes = outcomes::count_all(runs);
        print!("{}", outcomes::report(&outcomes));
        if keep {
            outcomes.write(root)?;
        }
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
    let is_selected = |benchmark: &Benchmark| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == benchmark.name)
    };
    let benchmarks: Vec<_> = all.into_iter().filter(is_selected).collect();
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
    // Before this program handles Ctrl-C, which therefore ends cargo and pip as usual.
    build(&benchmarks, root)?;
    let with_packages = benchmarks.iter().any(|benchmark| benchmark.python_packages);
    let python = match arguments.python {
        Some(python) => Some(python),
        None => find_python(&runtime, with_packages, root),
    };
    let runner = Runner {
        executable: parts::this_program()?,
        python,
        root: root.to_owned(),
        scratch: scratch.path().to_owned(),
    };
    runtime.block_on(async {
        tokio::select! {
            code = measure(&benchmarks, effort, &runner, &destination, arguments.keep) => code,
            code = end_signal() => code, // the implementation under way ends with us
        }
    })
}

/// Waits for a signal that asks the program to end, and returns the exit code for it.
async fn end_signal() -> Result<ExitCode> {
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

/// Runs the benchmarks, and fails if an implementation in Rust has failed.
async fn measure(
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
    let mut rust_failed = false;
    for (number, benchmark) in benchmarks.iter().enumerate() {
        let title = format!("[{}/{}] {}", number + 1, benchmarks.len(), benchmark.name);
        if bar.is_hidden() {
            eprintln!("{title}");
        }
        let result = runner.run(benchmark, effort, |turn, turns, words| {
            bar.set_length(turns as u64);
            bar.set_position(turn as u64 - 1);
            bar.set_message(format!("{title}: {words}"));
        });
        let result = result.await;
        bar.suspend(|| print!("{}", report::table(&result)));
        let may_fail = |name: &str| {
            let mut implementations = benchmark.implementations.iter();
            let implementation = implementations.find(|it| it.name == name);
            implementation.is_none_or(|it| it.category == Category::Python)
        };
        rust_failed |= result.left_out.iter().any(|out| !may_fail(&out.implementation));
        results.benchmarks.push(result);
        results.write(&file)?;
    }
    bar.finish_and_clear();

    print!("{}", report::best(&results.benchmarks));
    let took = started.elapsed().as_secs();
    println!("\n{took} s; all figures are in {}", file.display());
    if keep {
        results.keep(&root.join("guide/results.json"))?;
        println!("kept for the book in guide/results.json");
    }
    let check = format!("cargo run -p guide -- check {}", file.display());
    println!("`{check}` lists the statements of the book that they contradict");
    Ok(if rust_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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

/// Returns a Python interpreter, with the packages that some implementations need if they can be
/// installed. Reports to stderr if something is missing.
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
