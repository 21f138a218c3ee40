//! Holds the contests: `cargo run --release -p bench`.
//!
//! The tables go to stdout, the progress to stderr, all figures to `target/bench/results.json`, and
//! pictures of them beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench::arena::{Arena, Effort};
use bench::contender::{Contest, Turn, Way};
use bench::{contests, python, report};
use clap::{Parser, Subcommand};
use guide::chart;
use guide::contest::{Language, Results, Statement, VERSION, directive};
use guide::recording::{self, Machine};
use guide::words::ENGLISH;
use indicatif::{ProgressBar, ProgressStyle};

/// Measures the ways to do the same work side by side: in Rust, in Python, and beside what cannot
/// be beaten.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
    /// Try everything in under a minute; the figures are rough
    #[arg(long)]
    quick: bool,
    /// Hold only this contest; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How often each contender has its turn [default: 5; 1 if quick]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: Option<u8>,
    /// Name the contests
    #[arg(long)]
    list: bool,
    /// Where to put the results; target/bench if left out
    #[arg(long, value_name = "FOLDER")]
    dest: Option<PathBuf>,
    /// Also put the results where the book takes them from: guide/results.json
    #[arg(long, conflicts_with = "quick")]
    keep: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Be one of the contenders, and print its figures
    #[command(hide = true)]
    Contender {
        contest: String,
        contender: String,
        size: u64,
        milliseconds: u64,
        python: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    contests::play_part();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    if let Some(Task::Contender { contest, contender, size, milliseconds, python }) =
        arguments.command
    {
        let turn = Turn { size, time: Duration::from_millis(milliseconds), python };
        contend(&contest, &contender, &turn)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = contests::all();
    if arguments.list {
        for contest in &all {
            println!("{:12}  {}", contest.name, contest.question);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for name in &arguments.only {
        if !all.iter().any(|contest| contest.name == name) {
            let known: Vec<_> = all.iter().map(|contest| contest.name).collect();
            eprintln!("error: no contest {name}; there are {}", known.join(", "));
            return Ok(ExitCode::from(2));
        }
    }
    let named = |contest: &Contest| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == contest.name)
    };
    let contests: Vec<_> = all.into_iter().filter(named).collect();
    let effort = Effort {
        rounds: arguments.rounds.unwrap_or(if arguments.quick { 1 } else { 5 }).into(),
        time: Duration::from_millis(if arguments.quick { 100 } else { 500 }),
        quick: arguments.quick,
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        tokio::select! {
            held = hold(&contests, effort, arguments.dest, arguments.keep) => held,
            signal = tokio::signal::ctrl_c() => {
                signal.context("waiting for Ctrl-C")?;
                Ok(ExitCode::from(130)) // the contender under way ends with us
            }
        }
    })
}

/// Takes part in a contest as one of its contenders.
fn contend(contest: &str, contender: &str, turn: &Turn) -> Result<()> {
    let all = contests::all();
    let contest = all.iter().find(|other| other.name == contest).context("no such contest")?;
    let contender = contest.contenders.iter().find(|other| other.name == contender);
    let Way::Here(way) = contender.context("no such contender")?.way else {
        bail!("it is not for this program");
    };
    println!("{}", serde_json::to_string(&way(turn)?)?);
    Ok(())
}

async fn hold(
    contests: &[Contest],
    effort: Effort,
    destination: Option<PathBuf>,
    keep: bool,
) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("bench is in a folder")?;
    build(contests, root)?;
    let with_packages = contests.iter().any(|contest| contest.python_packages);
    let python = find_python(with_packages, root).await;
    let mut languages = vec![recording::version_of("rustc", root).await?];
    if let Some(python) = &python {
        languages.push(recording::version_of(python, root).await?);
    }
    let arena = Arena { executable: std::env::current_exe()?, python, root: root.to_owned() };

    let target = destination.unwrap_or_else(|| root.join("target/bench"));
    std::fs::create_dir_all(&target).with_context(|| format!("making {}", target.display()))?;
    let mut results =
        Results { version: VERSION, machine: Machine::this(), languages, contests: Vec::new() };
    let started = Instant::now();
    let bar = progress_bar();
    let mut ours_failed = false;
    for (number, contest) in contests.iter().enumerate() {
        let place = format!("[{}/{}] {}", number + 1, contests.len(), contest.name);
        if bar.is_hidden() {
            eprintln!("{place}");
        }
        let held = arena.hold(contest, effort, |turn, turns, words| {
            bar.set_length(turns as u64);
            bar.set_position(turn as u64 - 1);
            bar.set_message(format!("{place}: {words}"));
        });
        let held = held.await;
        bar.suspend(|| print!("{}", report::table(&held)));
        let may_fail = |name: &str| {
            let who = contest.contenders.iter().find(|contender| contender.name == name);
            who.is_none_or(|contender| contender.language == Language::Python)
        };
        ours_failed |= held.left_out.iter().any(|out| !may_fail(&out.contender));
        draw(&held, &target)?;
        results.contests.push(held);
        results.write(&target.join("results.json"))?;
    }
    bar.finish_and_clear();

    print!("{}", report::winners(&results.contests));
    for contradiction in contradictions(&results, root)? {
        println!("the book says otherwise: {contradiction}");
    }
    let took = started.elapsed().as_secs();
    println!("\n{took} s; all figures and pictures are in {}", target.display());
    if keep {
        results.keep(&root.join("guide/results.json"))?;
        println!("kept for the book in guide/results.json");
    }
    Ok(if ours_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The statement in a line of a page, where it is one.
fn statement(line: &str) -> Option<Statement<'_>> {
    Statement::parse(directive(line)?.strip_prefix("measured ")?).ok()
}

/// What the book's pages say of these contests, and what was measured does not bear out.
fn contradictions(results: &Results, root: &Path) -> Result<Vec<String>> {
    let mut contradictions = Vec::new();
    for page in std::fs::read_dir(root.join("guide/en")).context("reading the book's pages")? {
        let page = page?;
        let name = page.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".md") {
            continue;
        }
        let text = std::fs::read_to_string(page.path()).with_context(|| name.clone())?;
        for statement in text.lines().filter_map(statement) {
            let held = results.contests.iter().any(|held| held.name == statement.contest());
            if let (true, Err(error)) = (held, statement.check(results)) {
                contradictions.push(format!("{name}: {error:#}"));
            }
        }
    }
    contradictions.sort();
    Ok(contradictions)
}

/// Draws a picture of each measure of a contest, as the book shows it.
fn draw(contest: &guide::contest::Contest, folder: &Path) -> Result<()> {
    for measure in &contest.measures {
        let name = format!("{}, {}.svg", contest.name, measure.name).replace('/', "");
        let picture = chart::file(contest, measure, &ENGLISH);
        std::fs::write(folder.join(&name), picture).with_context(|| format!("writing {name}"))?;
    }
    Ok(())
}

/// Builds the programs that contenders start, as optimised as this one.
fn build(contests: &[Contest], root: &Path) -> Result<()> {
    let programs: Vec<_> = contests.iter().flat_map(|contest| contest.programs).collect();
    if programs.is_empty() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").arg("--quiet").current_dir(root);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for program in programs {
        command.args(["-p", program]);
    }
    let built = command.status().context("starting cargo")?;
    ensure!(built.success(), "the programs of the contenders do not compile");
    Ok(())
}

/// Python, with the packages that some contenders need where they can be had. What is missing is
/// said.
async fn find_python(with_packages: bool, root: &Path) -> Option<PathBuf> {
    let Some(interpreter) = guide::run::interpreter().await else {
        eprintln!("there is no Python 3.10 or newer: its contenders are left out");
        return None;
    };
    if !with_packages {
        return Some(interpreter);
    }
    match python::make_environment(root, &interpreter) {
        Ok(()) => Some(python::in_environment(root)),
        Err(error) => {
            eprintln!("contenders that need Python's packages are left out: {error:#}");
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
