//! Jobs that abort, are killed or run out of memory; the program keeps
//! running.
//!
//! ```sh
//! cargo run -p crash-isolation
//! ```
use std::env;
use std::process::{self, Command};

use anyhow::{Context, Result, bail};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, Signal};

const JOBS: [&str; 5] = ["abort", "kill", "memory", "fail", "compute"];

fn job(name: &str) -> Result<()> {
    #[cfg(unix)]
    limit(Resource::Core, 0)?; // these crashes are intended: no core files
    match name {
        "abort" => process::abort(), // as a bug in C code may do
        // As the system does to a large process when memory runs out.
        #[cfg(unix)]
        "kill" => {
            let myself = rustix::process::getpid();
            rustix::process::kill_process(myself, Signal::KILL)?;
        }
        #[cfg(target_os = "linux")]
        "memory" => {
            limit(Resource::As, 256 << 20)?;
            let mut hoard = Vec::new();
            while hoard.len() < 1 << 30 {
                hoard.extend_from_slice(&[1; 1 << 20]);
            }
            bail!("the limit did not stop it");
        }
        "fail" => bail!("this is no number: seven"),
        "compute" => println!("{}", 6 * 7),
        _ => bail!("not on this system"),
    }
    Ok(())
}

/// The child limits itself when it starts, because that is simplest. A
/// parent that did it between fork and exec would need unsafe code.
#[cfg(unix)]
fn limit(resource: Resource, bytes: u64) -> Result<()> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    rustix::process::setrlimit(resource, limit).context("setting a limit")
}

/// Runs a job in its own process, and prints how it ended. Returns whether
/// it succeeded.
fn run(job: &str) -> Result<bool> {
    let output = Command::new(env::current_exe()?)
        .arg(job)
        .output()
        .with_context(|| format!("starting the job {job}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let first_line = said.lines().next().unwrap_or("nothing");
    println!("{job}: {}; it said: {first_line}", output.status);
    Ok(output.status.success())
}

fn main() -> Result<()> {
    if let Some(name) = env::args().nth(1) {
        return job(&name); // a child, in a process of its own
    }
    let mut done = 0;
    for job in JOBS {
        if run(job)? {
            done += 1;
        }
    }
    let jobs = JOBS.len();
    println!("{done} of {jobs} jobs done, and this program goes on");
    Ok(())
}
