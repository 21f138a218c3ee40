//! Retry after a temporary error, and wait longer each time.
//!
//! ```sh
//! cargo run -p retry-backoff
//! ```
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::{sleep, timeout};

#[derive(Debug)]
enum Error {
    /// The server has too much to do: worth another try.
    Overloaded,
    /// Trying again can't help.
    NotFound,
}

async fn fetch(page: &str, attempt: u32) -> Result<String, Error> {
    match page {
        "gone" => Err(Error::NotFound),
        _ if attempt < 3 => Err(Error::Overloaded),
        _ => Ok(format!("{page} at attempt {attempt}")),
    }
}

// ANCHOR: retry
const MAX_ATTEMPTS: u32 = 5;
const MAX_WAIT: Duration = Duration::from_secs(1);

async fn fetch_with_retry(page: &str) -> Result<String, Error> {
    let mut wait = Duration::from_millis(20);
    for attempt in 1..MAX_ATTEMPTS {
        match fetch(page, attempt).await {
            Err(Error::Overloaded) => {}
            result => return result,
        }
        println!("Attempt {attempt}: overloaded, waits up to {wait:?}");
        // A random part of the wait, called jitter: without it all clients
        // come back at the same moment.
        sleep(wait.mul_f64(random())).await;
        wait = (wait * 2).min(MAX_WAIT);
    }
    fetch(page, MAX_ATTEMPTS).await
}
// ANCHOR_END: retry

/// Returns a number from 0 to 1. A crate such as `fastrand` does it better.
fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // One deadline for all attempts together.
    let limit = Duration::from_secs(5);
    println!("{:?}", timeout(limit, fetch_with_retry("index")).await);
    println!("{:?}", timeout(limit, fetch_with_retry("gone")).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_are_random_and_limited() {
        let mut waits = Vec::new();
        for _ in 0..100 {
            let started = tokio::time::Instant::now();
            assert!(fetch_with_retry("index").await.is_ok());
            waits.push(started.elapsed().as_millis());
        }
        // One of up to 20 ms, and one of up to 40 ms.
        assert!(waits.iter().all(|wait| *wait <= 60), "{waits:?}");
        waits.dedup();
        assert!(waits.len() > 1, "no jitter");
    }
}
