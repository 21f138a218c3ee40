//! Jobs on several workers over NATS JetStream. One worker is killed in the
//! middle, and every result comes back.
//!
//! ```sh
//! cargo run -p many-machines
//! ```
use std::env::current_exe as this;
use std::time::Duration;
use std::{env, fs};

use anyhow::Context;
use job_queue::{Job, JobResult, Options, Queue, Worker, WorkerConfig};
use serde::{Deserialize, Serialize};
use tokio::{process::Command, time::sleep};

#[derive(Serialize, Deserialize)]
struct Square(u64);

impl Job for Square {
    type Output = u64;

    fn run(self) -> JobResult<u64> {
        std::thread::sleep(Duration::from_millis(50)); // some work
        Ok(self.0 * self.0)
    }
}

fn main() -> anyhow::Result<()> {
    job_queue::worker::<Square>(); // does not return in a process that runs jobs
    match env::args().nth(1) {
        Some(url) => work(options(url)),
        None => supervise(),
    }
}

fn options(url: String) -> Options {
    // The default of 30 s would let the killed worker's job wait that long.
    Options { url, ack_wait: Duration::from_secs(1), ..Options::default() }
}

#[tokio::main]
async fn work(options: Options) -> anyhow::Result<()> {
    let worker = Worker::<Square>::connect(options, WorkerConfig::default());
    worker.await?.run(std::future::pending()).await;
    Ok(())
}

#[tokio::main]
async fn supervise() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Command::new("nats-server")
        .args(["-js", "-a", "127.0.0.1", "-p", "-1", "-l", "/dev/null", "-sd"])
        .args([folder.path(), "--ports_file_dir".as_ref(), folder.path()])
        .kill_on_drop(true)
        .spawn()
        .context("get nats-server: apt install nats-server, or nats.io")?;
    let file = format!("nats-server_{}.ports", server.id().unwrap_or(0));
    let url = loop {
        let ports = fs::read_to_string(folder.path().join(&file));
        let ports = ports.unwrap_or_default();
        match ports.split('"').find(|part| part.starts_with("nats://")) {
            Some(url) => break url.to_owned(),
            None => sleep(Duration::from_millis(5)).await,
        }
    };
    let queue = Queue::connect(options(url.clone())).await?;
    let worker = || Command::new(this()?).arg(&url).kill_on_drop(true).spawn();
    let mut workers = [worker()?, worker()?, worker()?];
    println!("Three workers, 60 jobs");
    let first = async {
        queue.run(Square(1)).await?;
        println!("The first result is back: killing a worker");
        workers[0].kill().await.context("cannot kill the worker")
    };
    let (_, results) = tokio::join!(first, queue.map((0..60).map(Square)));
    let results: Vec<_> = results.into_iter().collect::<Result<_, _>>()?;
    println!("{} results, sum {}", results.len(), results.iter().sum::<u64>());
    Ok(())
}
