//! The guide: builds the book, serves it, and lists the examples.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use guide::book::{self, For};
use guide::server::Server;
use guide::words::ENGLISH;
use guide::{chart, stdio};
use harness::examples::Workspace;
use harness::recording;
use harness::results::Results;
use harness::run::Limits;

/// Builds the book of concurrency in Rust, and serves it to you.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Task>,
    /// The port to serve the book on; 0 for any that is free
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Open the book in a browser
    #[arg(long)]
    open: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Write the book to a folder, which is emptied first
    Build {
        /// The folder; target/book if left out
        #[arg(long, value_name = "FOLDER")]
        dest: Option<PathBuf>,
    },
    /// Run examples, and keep what they print, when, and what it costs
    Record {
        /// The examples; all if left out
        names: Vec<String>,
    },
    /// Draw the results of a benchmark run as SVG files
    Charts {
        /// What `bench` wrote. Default: target/bench/results.json; the pictures go next to it
        #[arg(value_name = "FILE")]
        results: Option<PathBuf>,
    },
    /// Name every example, with what it shows
    List,
    /// Serve as the preprocessor of a plain `mdbook build guide`
    #[command(hide = true)]
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

/// What mdBook asks a preprocessor before it sends the book.
#[derive(Subcommand)]
enum Question {
    /// Whether the preprocessor can work for this renderer
    Supports { renderer: String },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    // The guide belongs to the workspace it was built in, from wherever it is started.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("guide is in a folder")?;
    match arguments.command {
        None => tokio::runtime::Runtime::new()?.block_on(async {
            tokio::select! {
                served = serve(root, arguments.port, arguments.open) => served,
                signal = tokio::signal::ctrl_c() => signal.context("waiting for Ctrl-C"),
            }
        }),
        Some(Task::Build { dest }) => {
            let workspace = Workspace::find(root)?;
            let destination = dest.unwrap_or_else(|| workspace.target.join("book"));
            book::build(&workspace, &destination, For::Everyone)?;
            println!("The book is in {}", destination.display());
            Ok(())
        }
        Some(Task::Charts { results }) => {
            let file = results.unwrap_or_else(|| root.join("target/bench/results.json"));
            let drawn = chart::files(&Results::read(&file)?, &file, &ENGLISH)?;
            println!("{drawn} pictures are next to {}", file.display());
            Ok(())
        }
        Some(Task::List) => {
            let workspace = Workspace::find(root)?;
            let width = workspace.examples.keys().map(String::len).max().unwrap_or(0);
            for example in workspace.examples.values() {
                println!("{:width$}  {}", example.name, example.description);
            }
            Ok(())
        }
        Some(Task::Record { names }) => {
            let workspace = Workspace::find(root)?;
            tokio::runtime::Runtime::new()?.block_on(recording::record_all(&workspace, &names))
        }
        Some(Task::Preprocess { question: Some(Question::Supports { .. }) }) => Ok(()),
        Some(Task::Preprocess { question: None }) => stdio::preprocess(Workspace::find(root)?),
    }
}

async fn serve(root: &Path, port: u16, open: bool) -> Result<()> {
    let server = Server::start(root.to_owned(), port, Limits::default()).await?;
    let url = server.url()?;
    println!("The book is at {url} (Ctrl-C ends it)");
    if open && let Err(error) = open::that_detached(&url) {
        eprintln!("no browser could be started: {error}");
    }
    server.run().await
}
