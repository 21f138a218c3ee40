//! Five processes wait at the same time.
//!
//! ```sh
//! cargo run -p worker-processes
//! ```
use std::process::{self, Child, Command, ExitCode};
use std::time::Duration;
use std::{env, io, thread};

fn worker(id: u32) {
    println!("Worker {id} starting (process {})", process::id());
    thread::sleep(Duration::from_secs(2)); // stands for I/O
    println!("Worker {id} finished");
}

/// Rust has no fork: a worker is this program, started again with an argument.
fn start_worker(id: u32) -> io::Result<Child> {
    let program = env::current_exe()?;
    Command::new(program).args(["worker", &id.to_string()]).spawn()
}

fn run_workers() -> ExitCode {
    // collect starts all five before the first is waited for.
    let workers: Vec<_> = (0..5).map(start_worker).collect();

    // A process that nobody waits for stays in the process table as a zombie.
    // So wait for each, also when another one has failed.
    let mut all_well = true;
    for (id, worker) in workers.into_iter().enumerate() {
        let failure = match worker.and_then(|mut worker| worker.wait()) {
            Ok(status) if status.success() => continue,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        eprintln!("Worker {id} failed: {failure}");
        all_well = false;
    }
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    // args_os, because args panics on an argument that is not valid UTF-8.
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let worker_id = match arguments.as_slice() {
        [] => return run_workers(),
        [role, id] if role == "worker" => {
            id.to_str().and_then(|id| id.parse().ok())
        }
        _ => None,
    };
    match worker_id {
        Some(id) => {
            worker(id);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!(
                "usage: worker-processes [worker ID], with ID a whole number"
            );
            ExitCode::from(2)
        }
    }
}
