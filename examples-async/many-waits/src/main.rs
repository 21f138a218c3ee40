//! Ten thousand waits at once on one thread, each in a task of its own.
//!
//! ```sh
//! cargo run --release -p many-waits
//! ```
//!
//! Another number, or all waits in one task:
//!
//! ```sh
//! cargo run --release -p many-waits -- 1000000
//! cargo run --release -p many-waits -- 100000 --join-all
//! ```
use std::time::{Duration, Instant};

use clap::Parser;
use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The length of each wait. All waits together cannot take less.
const WAIT: Duration = Duration::from_secs(1);

/// Waits for one second, many times at once
#[derive(Parser)]
struct Arguments {
    /// The number of waits
    #[arg(default_value_t = 10_000)]
    count: u32,
    /// Put all waits into one task
    #[arg(long)]
    join_all: bool,
}

// ANCHOR: ways
async fn in_tasks(count: u32) -> anyhow::Result<()> {
    let mut waits: JoinSet<_> = (0..count).map(|_| sleep(WAIT)).collect();
    while let Some(result) = waits.join_next().await {
        result?; // an error is a panic in the task
    }
    Ok(())
}

/// The pitfall: all waits share the budget of one task. Each time the task
/// runs, 128 of them may finish, and every other one that is ready is
/// polled for nothing.
async fn in_one_task(count: u32) {
    join_all((0..count).map(|_| sleep(WAIT))).await;
}
// ANCHOR_END: ways

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { count, join_all } = Arguments::parse();
    let started = Instant::now();
    if join_all {
        println!("{count} futures in one task wait for {WAIT:?}");
        in_one_task(count).await;
    } else {
        println!("{count} tasks wait for {WAIT:?}");
        in_tasks(count).await?;
    }
    println!("All are done after {:.3} s", started.elapsed().as_secs_f64());
    Ok(())
}
