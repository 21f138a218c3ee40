//! At most three requests at the same time: a semaphore hands out permits.
//!
//! ```sh
//! cargo run -p semaphore-limit
//! ```
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let permits = Arc::new(Semaphore::new(3));
    let (running, most) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

    let mut requests = JoinSet::new();
    for id in 0..9 {
        // Before the spawn, so that no task has to wait for a permit.
        let permit = Arc::clone(&permits).acquire_owned().await;
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        requests.spawn(async move {
            // The permit is released when it is dropped, after the request.
            let _permit = permit.expect("the semaphore is not closed");
            println!("Request {id} starting");
            most.fetch_max(
                running.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
            sleep(Duration::from_millis(100)).await; // stands for the request
            running.fetch_sub(1, Ordering::Relaxed);
            println!("Request {id} finished");
        });
    }
    requests.join_all().await;
    println!("Most at once: {}", most.load(Ordering::Relaxed));
}
