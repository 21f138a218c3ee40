//! At most three requests at the same time: a semaphore hands out permits.
//!
//! ```sh
//! cargo run -p semaphore-limit
//! ```
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MAX_RUNNING: AtomicUsize = AtomicUsize::new(0);

async fn request(id: u32) {
    println!("Request {id} starting");
    let running = RUNNING.fetch_add(1, Relaxed) + 1;
    MAX_RUNNING.fetch_max(running, Relaxed);
    sleep(Duration::from_millis(100)).await; // stands for the request
    RUNNING.fetch_sub(1, Relaxed);
    println!("Request {id} finished");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let permits = Arc::new(Semaphore::new(3));
    let mut requests = JoinSet::new();
    for id in 0..9 {
        // Before the spawn, so that no task has to wait for a permit.
        let permit = Arc::clone(&permits).acquire_owned().await?;
        requests.spawn(async move {
            request(id).await;
            drop(permit); // releases it, as a panic would too
        });
    }
    requests.join_all().await;
    println!("Most at once: {}", MAX_RUNNING.load(Relaxed));
    Ok(())
}
