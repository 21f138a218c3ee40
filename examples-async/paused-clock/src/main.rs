//! Code that waits for hours, tested in no time on tokio's paused clock.
//!
//! ```sh
//! cargo run -p paused-clock
//! ```
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Checks once per period, until the limit. Returns whether the job is done.
async fn poll(
    period: Duration,
    limit: Duration,
    mut is_done: impl FnMut() -> bool,
) -> bool {
    let done = async {
        while !is_done() {
            sleep(period).await;
        }
    };
    timeout(limit, done).await.is_ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (period, limit) = (Duration::from_millis(10), Duration::from_secs(10));
    let mut checks = 0;
    let is_done = || {
        checks += 1;
        println!("Check {checks}");
        checks == 3
    };
    println!("Done: {}", poll(period, limit, is_done).await);
}

#[cfg(test)]
mod tests;
