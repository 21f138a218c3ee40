//! CPU work off the event loop, which keeps ticking.
//!
//! ```sh
//! cargo run --release -p to-thread
//! ```
use std::time::Duration;

use tokio::{select, task, time};

/// Counts the numbers below `limit` that are the sum of their proper
/// divisors. It tries every number with every possible divisor, so it never
/// waits and only computes.
fn count_perfect_numbers(limit: u32) -> usize {
    (2..limit)
        .filter(|&n| {
            (1..=n / 2).filter(|divisor| n % divisor == 0).sum::<u32>() == n
        })
        .count()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // For a single job spawn_blocking is enough. For many at once use
    // rayon, which has one thread per core: spawn_blocking would start a
    // thread for each job, up to 512.
    let mut job = task::spawn_blocking(|| count_perfect_numbers(60_000));
    let mut clock = time::interval(Duration::from_millis(100));

    let result = loop {
        select! {
            _ = clock.tick() => println!("tick"),
            result = &mut job => break result?,
        }
    };
    println!("Result: {result}");
    Ok(())
}
