//! Jobs on several workers over NATS JetStream. One worker is killed in the
//! middle, and every result comes back.
//!
//! ```sh
//! cargo run -p many-machines
//! ```
mod server;

use std::env;
use std::time::Duration;

use anyhow::{Context, Result};
use job_queue::{Job, JobResult, Options, Queue, Worker, WorkerConfig};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

#[derive(Serialize, Deserialize)]
struct Square(u64);

impl Job for Square {
    type Output = u64;

    fn run(self) -> JobResult<u64> {
        std::thread::sleep(Duration::from_millis(50)); // some work
        Ok(self.0 * self.0)
    }
}

fn main() -> Result<()> {
    job_queue::worker::<Square>(); // never returns in a process for jobs
    match env::args().nth(1) {
        Some(url) => work(url),
        None => supervise(),
    }
}

fn options(url: String) -> Options {
    // The default of 30 s would let the killed worker's job wait that long.
    let ack_wait = Duration::from_secs(1);
    Options { url, ack_wait, ..Options::default() }
}

#[tokio::main]
async fn work(url: String) -> Result<()> {
    let config = WorkerConfig::default();
    let worker = Worker::<Square>::connect(options(url), config).await?;
    worker.run(std::future::pending()).await;
    Ok(())
}

#[tokio::main]
async fn supervise() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_server, url) = server::start(folder.path()).await?;
    let queue = Queue::connect(options(url.clone())).await?;
    let worker = || {
        let program = env::current_exe()?;
        Command::new(program).arg(&url).kill_on_drop(true).spawn()
    };
    let mut workers = [worker()?, worker()?, worker()?];

    println!("Three workers, 60 jobs");
    let kill_one = async {
        queue.run(Square(1)).await?;
        println!("The first result is back: killing a worker");
        workers[0].kill().await.context("killing a worker")
    };
    let jobs = (0..60).map(Square);
    let (killed, results) = tokio::join!(kill_one, queue.map(jobs));
    killed?;
    let results: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
    let sum: u64 = results.iter().sum();
    println!("{} results, sum {sum}", results.len());
    Ok(())
}
