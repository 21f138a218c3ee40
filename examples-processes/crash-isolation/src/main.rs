//! Jobs that abort, are killed or run out of memory; the program goes on.
//!
//! ```sh
//! cargo run -p crash-isolation
//! ```
use std::env;
use std::path::Path;
use std::process::{self, Command, ExitCode};

use anyhow::{Context, bail};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, Signal};

const JOBS: [&str; 5] = ["abort", "kill", "memory", "fail", "compute"];

fn job(name: &str) -> anyhow::Result<()> {
    #[cfg(unix)]
    limit(Resource::Core, 0)?; // a crash that is meant leaves no core file
    match name {
        "abort" => process::abort(), // as a bug in C code may do
        // What the system does to a large process when memory is used up.
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
            bail!("the limit did not hold");
        }
        "fail" => bail!("this is no number: seven"),
        "compute" => println!("{}", 6 * 7),
        _ => bail!("not on this system"),
    }
    Ok(())
}

/// The child limits itself, as it starts: that is simplest. A parent that did
/// it between fork and exec would need unsafe code, and slow down every start.
#[cfg(unix)]
fn limit(resource: Resource, bytes: u64) -> anyhow::Result<()> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    rustix::process::setrlimit(resource, limit).context("setting a limit")
}

/// Runs a job in a process of its own, and says what became of it.
fn run(program: &Path, job: &str) -> anyhow::Result<bool> {
    let output = Command::new(program)
        .arg(job)
        .output()
        .with_context(|| format!("starting the job {job}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let first_line = said.lines().next().unwrap_or("nothing");
    println!("{job}: {}; it said: {first_line}", output.status);
    Ok(output.status.success())
}

fn run_all() -> anyhow::Result<()> {
    let program =
        env::current_exe().context("finding this program's own file")?;
    let mut done = 0;
    for job in JOBS {
        done += usize::from(run(&program, job)?);
    }
    println!("{done} of {} jobs done, and this program goes on", JOBS.len());
    Ok(())
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => run_all()?,
        [name] if JOBS.iter().any(|job| name == job) => {
            job(&name.to_string_lossy())?;
        }
        _ => {
            eprintln!("usage: crash-isolation [{}]", JOBS.join("|"));
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
