//! What tokio::fs does underneath: it runs ordinary blocking calls in the
//! runtime's pool of threads for blocking calls.
//!
//! ```sh
//! cargo run -p async-files
//! ```
use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

fn main() -> anyhow::Result<()> {
    // A pool of one thread, so that one job fills it. Default: 512.
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let (start, started) = oneshot::channel();
    let (end, ended) = mpsc::channel();
    let job = tokio::task::spawn_blocking(move || {
        println!("Job: holds the only thread of the pool");
        start.send(()).ok();
        ended.recv().ok();
        println!("Job: ends");
    });
    started.await?;

    let mut read = pin!(tokio::fs::read(FILE));
    if timeout(Duration::from_millis(100), &mut read).await.is_err() {
        println!("File: waits, although the runtime's own thread is free");
    }
    end.send(())?;
    read.await?;
    println!("File: read");
    job.await?;
    Ok(())
}
