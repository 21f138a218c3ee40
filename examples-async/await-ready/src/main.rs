//! An await yields to other tasks only if it has to wait.
//!
//! ```sh
//! cargo run -p await-ready
//! ```
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::task;

static OTHER_HAS_RUN: AtomicBool = AtomicBool::new(false);

/// A function that never waits. (Tokio's own channels, sockets and timers
/// yield now and then even when they are ready, to be fair to other tasks.)
async fn ready() {}

fn report(after: &str) {
    let not = if OTHER_HAS_RUN.load(Relaxed) { "" } else { "not " };
    println!("After {after}: the other task has {not}run");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let other = tokio::spawn(async { OTHER_HAS_RUN.store(true, Relaxed) });

    for _ in 0..1_000_000 {
        ready().await;
    }
    report("a million awaits of a ready future");

    // Not ready when it is first polled, so the other tasks get their turn.
    task::yield_now().await;
    report("one yield_now");

    other.await?;
    Ok(())
}
