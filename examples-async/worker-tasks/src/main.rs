//! Five tasks wait at the same time.
//!
//! ```sh
//! cargo run -p worker-tasks
//! ```
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

async fn worker(id: u32) {
    println!("Worker {id} starting");
    sleep(Duration::from_secs(2)).await; // stands for I/O; frees the thread
    println!("Worker {id} finished");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // A JoinSet rather than join!: it holds any number of tasks and returns
    // each one as it ends. If it is dropped early, it aborts the rest.
    let mut workers: JoinSet<_> = (0..5).map(worker).collect();

    while let Some(result) = workers.join_next().await {
        result?; // an error is a panic in the task
    }
    Ok(())
}
