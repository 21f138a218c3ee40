//! Tests that requests overlap, and how many of them, without measuring
//! time.
//!
//! ```sh
//! cargo run -p overlap-test
//! ```
use futures::{StreamExt, stream};

// ANCHOR: fetch
const MAX_AT_ONCE: usize = 3;

/// Fetches the pages, at most three at once.
async fn fetch_all<T>(
    pages: Vec<u32>,
    fetch: impl AsyncFn(u32) -> T,
) -> Vec<T> {
    let fetches = stream::iter(pages).map(|page| fetch(page));
    fetches.buffer_unordered(MAX_AT_ONCE).collect().await
}
// ANCHOR_END: fetch

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pages = fetch_all(vec![1, 2, 3, 4], async |page| {
        println!("Page {page} starting");
        tokio::task::yield_now().await; // stands for the request
        println!("Page {page} finished");
        page
    });
    println!("{} pages", pages.await.len());
}

// ANCHOR: proof
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Barrier;
    use tokio::time::timeout;

    use super::*;

    /// Returns whether this many requests are under way at the same time.
    /// Each one waits until all of them are there.
    async fn meet(requests: usize) -> bool {
        let barrier = Barrier::new(requests);
        let pages = (0..12).collect();
        let fetches = fetch_all(pages, async |_| barrier.wait().await);
        // If they never meet, everything waits and the paused clock jumps
        // to the limit: the test fails at once instead of hanging.
        timeout(Duration::from_secs(1), fetches).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn three_requests_overlap() {
        assert!(meet(3).await);
    }

    #[tokio::test(start_paused = true)]
    async fn four_do_not() {
        assert!(!meet(4).await);
    }
}
// ANCHOR_END: proof
