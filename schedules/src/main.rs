//! Finds failing schedules of the examples and records them for the book.
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use harness::examples::Workspace;
use schedules::programs::PROGRAMS;
use schedules::recording;

/// Runs the races of the examples under a scheduler that decides which thread runs when.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find a failing schedule of each program, and keep it for the book
    Record {
        /// The programs. Default: all
        names: Vec<String>,
    },
}

fn main() -> Result<()> {
    let Task::Record { names } = Arguments::parse().task;
    for name in &names {
        let known: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
        ensure!(
            known.contains(&name.as_str()),
            "no program {name}; there are {}",
            known.join(", ")
        );
    }
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("schedules is in a folder")?;
    let workspace = Workspace::find(root)?;
    // Failing is what the programs are for; their messages are in the recordings.
    std::panic::set_hook(Box::new(|_| {}));
    for program in PROGRAMS {
        if names.is_empty() || names.iter().any(|name| name == program.name) {
            let schedules = recording::make(program)?;
            schedules.write(&workspace)?;
            println!(
                "{}: seed {} fails in {} steps; ten searches took {:?} schedules; all: {:?}, fixed {:?}",
                program.name,
                schedules.seed,
                schedules.broken.steps.len(),
                schedules.tries,
                schedules.broken.all,
                schedules.fixed.all,
            );
        }
    }
    Ok(())
}
