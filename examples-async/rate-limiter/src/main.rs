//! A token bucket: a request takes a token, and one comes back per period.
//!
//! ```sh
//! cargo run -p rate-limiter
//! ```
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

const PERIOD: Duration = Duration::from_millis(100);

// ANCHOR: bucket
struct RateLimiter {
    /// The tokens. Callers get theirs in the order of arrival.
    tokens: Arc<Semaphore>,
    refill: JoinHandle<()>,
}

impl RateLimiter {
    fn new(capacity: usize) -> Self {
        let tokens = Arc::new(Semaphore::new(capacity));
        let bucket = Arc::clone(&tokens);
        let refill = tokio::spawn(async move {
            let mut interval = interval(PERIOD);
            interval.tick().await; // the first tick comes immediately
            loop {
                interval.tick().await;
                if bucket.available_permits() < capacity {
                    bucket.add_permits(1);
                }
            }
        });
        Self { tokens, refill }
    }

    async fn acquire(&self) {
        let token = self.tokens.acquire().await;
        let token = token.expect("the semaphore is closed");
        token.forget(); // only the refill task puts it back
    }
}

impl Drop for RateLimiter {
    fn drop(&mut self) {
        self.refill.abort();
    }
}
// ANCHOR_END: bucket

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let limiter = RateLimiter::new(3);
    let started = Instant::now();
    for request in 1..=6 {
        limiter.acquire().await;
        println!("Request {request}: {} ms", started.elapsed().as_millis());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_request_per_period() {
        let limiter = RateLimiter::new(3);
        // The long pause fills the bucket, but only with three tokens.
        for (pause, expected) in
            [(0, [0, 0, 0, 100, 200]), (60_050, [0, 0, 0, 50, 150])]
        {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let started = Instant::now();
            for expected in expected {
                limiter.acquire().await;
                assert_eq!(started.elapsed().as_millis(), expected);
            }
        }
    }
}
