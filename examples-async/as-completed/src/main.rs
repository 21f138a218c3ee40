//! Results in the order in which they finish: from tasks, and from futures
//! that share one task.
//!
//! ```sh
//! cargo run -p as-completed
//! ```
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::task::JoinSet;
use tokio::time::sleep;

async fn fetch(page: usize) -> usize {
    println!("Page {page} starting");
    let millis = [450, 150, 300][page - 1]; // page 2 is the fastest
    sleep(Duration::from_millis(millis)).await; // stands for the request
    println!("Page {page} finished");
    page
}

// ANCHOR: way
/// Tasks: they make progress while a result is handled, too.
async fn from_tasks(mut handle: impl FnMut(usize)) -> Result<()> {
    let mut fetches: JoinSet<_> = (1..=3).map(fetch).collect();
    while let Some(page) = fetches.join_next().await {
        handle(page?); // an error means that the task panicked
    }
    Ok(())
}

/// Futures in this task: they may borrow from it, but they make progress
/// only while `next` is awaited.
async fn from_futures(mut handle: impl FnMut(usize)) {
    let mut fetches: FuturesUnordered<_> = (1..=3).map(fetch).collect();
    while let Some(page) = fetches.next().await {
        handle(page);
    }
}
// ANCHOR_END: way

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let handle = |page| println!("Main: page {page}");
    from_tasks(handle).await?;
    println!("Main: the same again");
    from_futures(handle).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const AS_COMPLETED: [(usize, u128); 3] = [(2, 150), (3, 300), (1, 450)];

    #[tokio::test(start_paused = true)]
    async fn each_result_arrives_when_its_task_is_done() {
        let started = Instant::now();
        let mut results = Vec::new();
        let handle =
            |page| results.push((page, started.elapsed().as_millis()));
        from_tasks(handle).await.unwrap();
        assert_eq!(results, AS_COMPLETED);
    }

    #[tokio::test(start_paused = true)]
    async fn each_result_arrives_when_its_future_is_done() {
        let started = Instant::now();
        let mut results = Vec::new();
        let handle =
            |page| results.push((page, started.elapsed().as_millis()));
        from_futures(handle).await;
        assert_eq!(results, AS_COMPLETED);
    }
}
