//! A worker outlives its killed parent, unless a pipe connects the two.
//!
//! ```sh
//! cargo run -p orphan
//! ```
use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result};
#[cfg(unix)]
use rustix::process::{Signal, getpid, kill_process};

fn program(role: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(role);
    Ok(command)
}

// ANCHOR: work
/// Works forever, but ends when its stdin closes.
fn work() -> ! {
    thread::spawn(|| {
        for _question in io::stdin().lines().map_while(Result::ok) {
            // Not println!, which panics when the reader is gone.
            writeln!(io::stdout(), "I still work").ok();
        }
        // Not process::exit, whose exit handlers could wait for the work.
        #[cfg(unix)]
        kill_process(getpid(), Signal::KILL).ok();
        process::abort()
    });
    loop {
        thread::sleep(Duration::from_secs(1)); // stands for a long job
    }
}
// ANCHOR_END: work

// ANCHOR: parent
fn parent(role: &str) -> Result<()> {
    let stdin = match role {
        // `main` holds the other end: it stays open when the parent dies.
        "careless" => Stdio::inherit(),
        // Only the parent holds the other end, which closes when it dies.
        _ => Stdio::piped(),
    };
    let worker = program("worker")?.stdin(stdin).spawn()?;
    println!("{}", worker.id());
    work() // never returns: dropping `worker` would close the pipe
}
// ANCHOR_END: parent

/// Kills a parent, and asks whether its worker is still there.
fn kill_parent(role: &str) -> Result<()> {
    let mut parent = program(role)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut questions = parent.stdin.take().context("no stdin")?;
    // The worker inherits this pipe, so it also brings the worker's lines.
    let stdout = parent.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let worker = lines.next().context("the parent started no worker")??;
    println!("A {role} parent started a worker (process {worker})");

    parent.kill()?;
    parent.wait()?;
    // Fails if no reader is left.
    writeln!(questions, "Are you there?").ok();
    let answer = lines.next().transpose()?;
    let answer = answer.unwrap_or_else(|| "nothing".to_owned());
    println!("Parent killed; its worker says: {answer}");

    drop(questions);
    lines.for_each(drop); // until no process is left that could write
    println!("Pipe closed; no process is left");
    Ok(())
}

fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        None => {
            kill_parent("careless")?;
            kill_parent("careful")
        }
        Some("worker") => work(),
        Some(role) => parent(role),
    }
}
