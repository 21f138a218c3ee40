//! Five processes wait at the same time.
//!
//! ```sh
//! cargo run -p worker-processes
//! ```
use std::process::{self, Child, Command};
use std::time::Duration;
use std::{env, io, thread};

fn worker(id: &str) {
    println!("Worker {id} starting (process {})", process::id());
    thread::sleep(Duration::from_secs(2)); // stands for I/O
    println!("Worker {id} finished");
}

/// Rust has no fork: a worker is this program, started with an argument.
fn start_worker(id: u32) -> io::Result<Child> {
    Command::new(env::current_exe()?).arg(id.to_string()).spawn()
}

fn main() -> anyhow::Result<()> {
    if let Some(id) = env::args().nth(1) {
        worker(&id);
        return Ok(());
    }

    // collect starts all five before the first wait.
    let workers: Vec<_> = (0..5).map(start_worker).collect();

    // A process stays in the process table as a zombie until its parent
    // waits for it. So wait for each one, even if another one has failed.
    let ended: Vec<_> = workers
        .into_iter()
        .map(|worker| worker.and_then(|mut worker| worker.wait()))
        .collect();
    for (id, ended) in ended.into_iter().enumerate() {
        let status = ended?;
        anyhow::ensure!(status.success(), "worker {id} failed: {status}");
    }
    Ok(())
}
