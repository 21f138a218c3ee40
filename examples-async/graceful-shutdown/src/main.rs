//! Graceful shutdown: ask every task to stop, wait until they have, and
//! don't wait forever.
//!
//! ```sh
//! cargo run -p graceful-shutdown
//! ```
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Works until it is asked to stop, but finishes what it has begun.
async fn worker(id: u32, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(Duration::from_millis(10)) => {} // a job has arrived
        }
        // Outside of the select, so it is not dropped halfway.
        sleep(Duration::from_millis(30)).await; // stands for the job
    }
    println!("Worker {id}: finished its job, ends");
}

/// A task that does not listen.
async fn stubborn() {
    sleep(Duration::from_secs(3600)).await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    for id in 0..3 {
        tasks.spawn(worker(id, stop.clone()));
    }
    let stubborn = tasks.spawn(stubborn());

    sleep(Duration::from_millis(100)).await; // here: until Ctrl-C
    println!("Main: asks {} tasks to stop", tasks.len());
    stop.cancel();
    tasks.close(); // no more tasks are coming, so `wait` can end

    // The grace period. After it, what is left is aborted.
    let grace = Duration::from_millis(300);
    if timeout(grace, tasks.wait()).await.is_err() {
        println!("Main: {} task does not stop, aborts it", tasks.len());
        stubborn.abort();
        tasks.wait().await;
    }
    println!("Main: {} tasks are left", tasks.len());
}
