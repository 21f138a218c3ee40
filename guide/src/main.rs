//! The guide: builds the book, serves it, and lists the examples.
use std::convert::Infallible;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use guide::book::repository::Repository;
use guide::book::{self, For, measured, screenshot, stdio};
use guide::figures::chart;
use guide::figures::words::ENGLISH;
use guide::serve::watchdog::{self, Watchdog};
use guide::serve::{Server, Settings};
use harness::examples::Workspace;
use harness::kept::recording;
use harness::kept::results::Results;

/// Builds the book "Concurrency in Rust" and serves it on this machine.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
    /// The port to serve the book on; 0 for any free port
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Open the book in a browser
    #[arg(long)]
    open: bool,
    /// Serve another workspace than the one that this program was built in
    #[arg(long, hide = true, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Task {
    /// Build the book in a folder, whose old contents are deleted
    Build {
        /// The folder. Default: target/book
        #[arg(long, value_name = "FOLDER")]
        dest: Option<PathBuf>,
    },
    /// Run examples, and keep their output with its times and the costs of the runs
    Record {
        /// The names of the examples. Default: all
        names: Vec<String>,
    },
    /// Draw the results of a benchmark run as SVG files
    Charts {
        /// The file of results that `bench` wrote; the pictures go next to it. Default:
        /// target/bench/results.json
        #[arg(value_name = "FILE")]
        results: Option<PathBuf>,
    },
    /// Take the screenshot of the book that the README shows; it needs Chromium
    Screenshot,
    /// List the statements of the book that the results of a benchmark run contradict
    Check {
        /// The file of results that `bench` wrote. Default: target/bench/results.json
        #[arg(value_name = "FILE")]
        results: Option<PathBuf>,
    },
    /// List the examples with their descriptions
    List,
    /// End the programs of a server that was killed; see guide::serve::watchdog
    #[command(hide = true, name = watchdog::SUBCOMMAND)]
    Watchdog,
    /// Serve as the preprocessor of a plain `mdbook build guide`
    #[command(hide = true)]
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

/// The question that mdBook asks a preprocessor before it sends the book.
#[derive(Subcommand)]
enum Question {
    /// Succeed, because the preprocessor works for every renderer
    Supports { renderer: String },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Prints a line. Printing may fail, for example because the terminal has been closed, and the book
/// is still served then.
fn say(line: impl Display) {
    writeln!(io::stdout(), "{line}").ok();
}

/// Returns the folder of the workspace that this program was built in: it belongs to it, from wherever
/// it is started.
fn root(manifest: &Path) -> Result<&Path> {
    let root = manifest.parent().context("guide is in a folder")?;
    ensure!(
        manifest.is_dir(),
        "the folder that guide was built in, {}, is missing; if it has moved, build guide again there",
        manifest.display()
    );
    Ok(root)
}

fn run(arguments: Arguments) -> Result<()> {
    let root = || match &arguments.workspace {
        Some(folder) => Ok(folder.as_path()),
        None => root(Path::new(env!("CARGO_MANIFEST_DIR"))),
    };
    let file_or_default = |file: Option<PathBuf>| match file {
        Some(file) => Ok(file),
        None => root().map(|root| root.join("target/bench/results.json")),
    };
    match arguments.command {
        None => tokio::runtime::Runtime::new()?.block_on(async {
            tokio::select! {
                failed = serve(root()?, arguments.port, arguments.open) => match failed? {},
                stopped = stop_signal() => stopped,
            }
        }),
        Some(Task::Watchdog) => {
            watchdog::watch(io::stdin().lock());
            Ok(())
        }
        Some(Task::Build { dest }) => {
            let workspace = Workspace::find(root()?)?;
            let destination = dest.unwrap_or_else(|| workspace.target.join("book"));
            let repository = Repository::find(root()?);
            book::build(&workspace, &destination, For::Everyone, repository.as_ref())?;
            say(format_args!("The book is in {}", destination.display()));
            Ok(())
        }
        Some(Task::Charts { results }) => {
            let file = file_or_default(results)?;
            let number = chart::files(&Results::read(&file)?, &file, &ENGLISH)?;
            say(format_args!("{number} pictures are next to {}", file.display()));
            Ok(())
        }
        Some(Task::Screenshot) => {
            let workspace = Workspace::find(root()?)?;
            tokio::runtime::Runtime::new()?.block_on(screenshot::take(&workspace))?;
            say(format_args!("The screenshot is in {}", screenshot::FILE));
            Ok(())
        }
        Some(Task::Check { results }) => {
            let report = measured::check(root()?, Results::read(&file_or_default(results)?)?)?;
            for fault in &report.faults {
                say(fault);
            }
            say(&report);
            ensure!(report.faults.is_empty(), "the book and the results don't agree");
            Ok(())
        }
        Some(Task::List) => {
            let workspace = Workspace::find(root()?)?;
            let width = workspace.examples.keys().map(String::len).max().unwrap_or(0);
            for example in workspace.examples.values() {
                say(format_args!("{:width$}  {}", example.name, example.description));
            }
            Ok(())
        }
        Some(Task::Record { names }) => {
            let workspace = Workspace::find(root()?)?;
            tokio::runtime::Runtime::new()?.block_on(recording::record_all(&workspace, &names))
        }
        Some(Task::Preprocess { question: Some(Question::Supports { .. }) }) => Ok(()),
        Some(Task::Preprocess { question: None }) => stdio::preprocess(Workspace::find(root()?)?),
    }
}

async fn serve(root: &Path, port: u16, open: bool) -> Result<Infallible> {
    let mut server = Server::start(root.to_owned(), port, Settings::default()).await?;
    if cfg!(unix) {
        let executable = std::env::current_exe().context("finding the executable of guide")?;
        server = server.watched_by(Watchdog::start(&executable)?);
    }
    say(format_args!("The book is at {} (Ctrl-C ends it)", server.link()?));
    if open && let Err(error) = open::that_detached(server.link_file()?) {
        writeln!(io::stderr(), "no browser could be started: {error}").ok();
    }
    server.run().await
}

/// Waits for a signal that asks the server to end: Ctrl-C, SIGTERM, or SIGHUP, which the system sends
/// when the terminal is closed.
#[cfg(unix)]
async fn stop_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).context("listening for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let hangup = async {
        if hangup_is_ignored() {
            return std::future::pending().await;
        }
        listen(SignalKind::hangup())?.recv().await;
        anyhow::Ok(())
    };
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        stopped = hangup => stopped,
    }
}

/// Returns true if this program was started with SIGHUP ignored, as nohup does. Then it stays so.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is signal 1, SIGHUP.
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

/// Waits for a signal that asks the server to end.
#[cfg(not(unix))]
async fn stop_signal() -> Result<()> {
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_that_has_moved_is_named() {
        let error = root(Path::new("/moved/away/guide")).expect_err("it is missing").to_string();
        assert!(error.contains("/moved/away/guide, is missing"), "{error}");
    }
}
