//! A worker process is replaced after three jobs, so that memory that leaks
//! in a job is returned to the system.
//!
//! ```sh
//! cargo run -p worker-recycling
//! ```
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, io};

use anyhow::{Context, Result};

const JOBS_PER_WORKER: usize = 3;

/// The worker: squares the number on each line, and ends when its stdin is
/// closed.
fn work() -> Result<()> {
    for job in io::stdin().lines() {
        let job: u64 = job?.parse()?;
        println!("{} (process {})", job * job, process::id());
    }
    Ok(())
}

struct Worker {
    process: Child,
    jobs: ChildStdin,
    results: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start() -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a worker")?;
        let jobs = process.stdin.take().context("no stdin")?;
        let results = process.stdout.take().context("no stdout")?;
        Ok(Self { process, jobs, results: BufReader::new(results).lines() })
    }

    fn run(&mut self, job: u64) -> Result<String> {
        writeln!(self.jobs, "{job}")?;
        Ok(self.results.next().context("the worker is gone")??)
    }

    /// Closes the worker's stdin, and waits until the process has ended.
    fn stop(self) -> Result<()> {
        let Self { mut process, jobs, .. } = self;
        drop(jobs); // the worker ends with its stdin
        process.wait()?;
        Ok(())
    }
}

fn main() -> Result<()> {
    if env::args().nth(1).is_some() {
        return work();
    }
    let mut jobs = 1..=7_u64;
    while !jobs.is_empty() {
        println!("Main: starts a worker");
        let mut worker = Worker::start()?;
        for job in jobs.by_ref().take(JOBS_PER_WORKER) {
            println!("Job {job}: {}", worker.run(job)?);
        }
        worker.stop()?;
    }
    Ok(())
}
