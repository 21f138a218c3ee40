//! The inside of tokio::fs: it runs ordinary blocking calls in the
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
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let (start, has_started) = oneshot::channel();
    let (end, has_ended) = mpsc::channel();
    let job = tokio::task::spawn_blocking(move || {
        println!("Job: holds the only thread of the pool");
        start.send(()).ok();
        has_ended.recv().ok();
        println!("Job: ends");
    });
    has_started.await?;

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
