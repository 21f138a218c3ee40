//! A parent that dies leaves its worker running, unless it holds the pipe.
//!
//! ```sh
//! cargo run -p orphan
//! ```
use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, thread};

use anyhow::Context;

fn this_program(role: &str) -> anyhow::Result<Command> {
    let file = env::current_exe().context("finding this program's own file")?;
    let mut command = Command::new(file);
    command.arg(role);
    Ok(command)
}

// ANCHOR: work
/// Works for ever, but leaves when its stdin closes.
fn work() -> ! {
    // In a thread of its own: nothing in the work has to ask.
    thread::spawn(|| {
        for _question in io::stdin().lines().map_while(Result::ok) {
            // Not println!, which panics when nobody listens any more.
            writeln!(io::stdout(), "I still work").ok();
        }
        process::exit(0);
    });
    loop {
        thread::sleep(Duration::from_secs(1)); // stands for a long job
    }
}
// ANCHOR_END: work

/// Starts a worker, tells `main` its id, and works too.
fn parent(worker: &mut Command) -> anyhow::Result<()> {
    // Kept: dropped, it would close the worker's pipe.
    let started = worker.spawn().context("starting a worker")?;
    writeln!(io::stdout(), "{}", started.id()).context("telling its id")?;
    work()
}

// ANCHOR: broken
/// The worker has its parent's stdin. Somebody else holds the other end, and so
/// it stays open when the parent dies.
fn careless() -> anyhow::Result<()> {
    parent(this_program("worker")?.stdin(Stdio::inherit()))
}
// ANCHOR_END: broken

// ANCHOR: mended
/// Nobody but the parent holds the other end. The system closes it when the
/// parent dies, in whatever way.
fn careful() -> anyhow::Result<()> {
    parent(this_program("worker")?.stdin(Stdio::piped()))
}
// ANCHOR_END: mended

fn kill_parent(kind: &str) -> anyhow::Result<()> {
    let mut parent = this_program(kind)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped()) // the worker gets it too
        .spawn()
        .context("starting a parent")?;
    let mut questions = parent.stdin.take().expect("stdin is a pipe");
    let lines = parent.stdout.take().expect("stdout is a pipe");
    let mut lines = BufReader::new(lines).lines();
    let worker = lines.next().context("the parent started no worker")??;
    println!("A {kind} parent started a worker (process {worker})");

    parent.kill().context("killing the parent")?;
    parent.wait().context("waiting for the parent")?;
    writeln!(questions, "Is anybody there?").ok(); // an error: nobody
    match lines.next().transpose()? {
        Some(answer) => println!("Parent killed; its worker: {answer}"),
        None => println!("Parent killed; its worker has left"),
    }

    drop(questions);
    lines.for_each(drop); // to the end: then nobody can write to it any more
    println!("Pipe closed; nobody is left");
    Ok(())
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            kill_parent("careless")?;
            kill_parent("careful")?;
        }
        [role] if role == "careless" => careless()?,
        [role] if role == "careful" => careful()?,
        [role] if role == "worker" => work(),
        _ => {
            eprintln!("usage: orphan [careless|careful|worker]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
