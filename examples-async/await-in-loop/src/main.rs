//! Awaiting in a loop runs one future after the other; spawned tasks run
//! together.
//!
//! ```sh
//! cargo run -p await-in-loop
//! ```
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

async fn fetch(page: u32) -> u32 {
    println!("Page {page} starting");
    sleep(Duration::from_millis(200)).await; // stands for the request
    println!("Page {page} finished");
    page
}

// ANCHOR: broken
async fn one_after_the_other() {
    for page in 1..=3 {
        fetch(page).await; // the next one is not even created yet
    }
}
// ANCHOR_END: broken

// ANCHOR: fixed
async fn together() {
    let mut fetches = JoinSet::new();
    for page in 1..=3 {
        fetches.spawn(fetch(page)); // runs from now on
    }
    // In the order in which they finish. An error is a panic in the task.
    while let Some(page) = fetches.join_next().await {
        page.expect("the task panicked");
    }
}
// ANCHOR_END: fixed

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let started = Instant::now();
    one_after_the_other().await;
    println!("In a loop: {} ms", started.elapsed().as_millis());

    let started = Instant::now();
    together().await;
    println!("In a JoinSet: {} ms", started.elapsed().as_millis());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_waits_add_up_in_a_loop_and_overlap_in_a_join_set() {
        let started = Instant::now();
        one_after_the_other().await;
        assert_eq!(started.elapsed().as_millis(), 600);

        let started = Instant::now();
        together().await;
        assert_eq!(started.elapsed().as_millis(), 200);
    }
}
