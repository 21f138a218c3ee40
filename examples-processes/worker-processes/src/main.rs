//! Five processes wait at the same time.
//!
//! ```sh
//! cargo run -p worker-processes
//! ```
use std::process::{self, Command, ExitCode};
use std::thread;
use std::time::Duration;
use std::{env, io};

use anyhow::Context;

fn worker(id: u32) {
    println!("Worker {id} starting (process {})", process::id());
    thread::sleep(Duration::from_secs(2)); // stands for I/O
    println!("Worker {id} finished");
}

/// Rust has no fork: a worker is this program, started again with an argument.
fn run_workers() -> anyhow::Result<ExitCode> {
    let program =
        env::current_exe().context("finding this program's own file")?;

    let workers: Vec<_> = (0..5)
        .map(|id| {
            Command::new(&program).args(["worker", &id.to_string()]).spawn()
        })
        .collect::<io::Result<_>>()
        .context("starting a worker")?;

    // A process that nobody waits for stays in the process table as a zombie,
    // so wait for all of them, also when one has failed.
    let mut all_well = true;
    for (id, mut worker) in workers.into_iter().enumerate() {
        let status = worker.wait().context("waiting for a worker")?;
        if !status.success() {
            eprintln!("Worker {id} failed: {status}");
            all_well = false;
        }
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn main() -> anyhow::Result<ExitCode> {
    // args_os, because args panics on an argument that is not valid UTF-8.
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let arguments: Vec<_> =
        arguments.iter().map(|a| a.to_str().unwrap_or("?")).collect();

    match arguments[..] {
        [] => return run_workers(),
        ["worker", id] => {
            if let Ok(id) = id.parse() {
                worker(id);
                return Ok(ExitCode::SUCCESS);
            }
        }
        _ => {}
    }
    eprintln!("usage: worker-processes [worker ID], with ID a whole number");
    Ok(ExitCode::from(2))
}
