//! `buffered` polls its futures only while its consumer waits for the next
//! item. Tasks make progress during a slow loop body too.
//!
//! ```sh
//! cargo run -p buffered-starves
//! ```
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::time::sleep;

const STEP: Duration = Duration::from_millis(30);

async fn fetch(page: u32) -> u32 {
    println!("Page {page} starting");
    sleep(STEP).await; // stands for connecting
    sleep(STEP).await; // stands for reading
    println!("Page {page} finished");
    page
}

/// Takes longer to handle a page than it takes to fetch it.
async fn handle_all(pages: impl Stream<Item = u32>) {
    let mut pages = pin!(pages);
    while let Some(page) = pages.next().await {
        println!("Handler of page {page} starting");
        sleep(STEP * 4).await; // stands for writing to a database
        println!("Handler of page {page} finished");
    }
}

// ANCHOR: broken
/// No future of `buffered` is polled during the loop body.
async fn futures_in_buffered() {
    handle_all(stream::iter(1..=3).map(fetch).buffered(2)).await;
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// The runtime polls the tasks, and `buffered` only awaits their handles.
async fn tasks_in_buffered() {
    let pages = stream::iter(1..=3)
        .map(|page| tokio::spawn(fetch(page)))
        .buffered(2)
        .map(|page| page.expect("the task panicked"));
    handle_all(pages).await;
}
// ANCHOR_END: fixed

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("Futures in buffered");
    futures_in_buffered().await;
    println!("Tasks in buffered");
    tasks_in_buffered().await;
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn futures_stand_still_while_the_consumer_works() {
        let started = Instant::now();
        futures_in_buffered().await;
        assert_eq!(started.elapsed().as_millis(), 480);
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_go_on_while_the_consumer_works() {
        let started = Instant::now();
        tasks_in_buffered().await;
        assert_eq!(started.elapsed().as_millis(), 420);
    }
}
