//! A heartbeat next to CPU work: inline, with spawn_blocking, on rayon.
//!
//! ```sh
//! cargo run --release -p blocked-loop
//! ```
//!
//! One of the ways alone:
//!
//! ```sh
//! cargo run --release -p blocked-loop -- rayon
//! ```
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use tokio::task::JoinHandle;
use tokio::{select, time};

mod ways;

/// A heartbeat next to CPU work
#[derive(Parser)]
struct Arguments {
    /// The ways to run the work, one after the other
    #[arg(default_values = ["inline", "spawn-blocking", "rayon"])]
    ways: Vec<Way>,
}

#[derive(Clone, ValueEnum)]
enum Way {
    Inline,
    SpawnBlocking,
    Rayon,
}

/// Beats every 50 ms until the job is done.
async fn heartbeat(
    name: &str,
    mut job: JoinHandle<Result<u32>>,
) -> Result<()> {
    println!("{name} starting");
    let mut clock = time::interval(Duration::from_millis(50));
    clock.tick().await; // the first tick comes immediately
    loop {
        select! {
            biased; // if both are ready, the job is done: no beat
            result = &mut job => {
                result??;
                println!("{name} finished");
                return Ok(());
            }
            _ = clock.tick() => println!("Heart: beat"),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    for way in Arguments::parse().ways {
        let (name, job) = match way {
            Way::Inline => ("Job 1 (inline)", tokio::spawn(ways::inline())),
            Way::SpawnBlocking => (
                "Job 2 (spawn_blocking)",
                tokio::spawn(ways::spawn_blocking()),
            ),
            Way::Rayon => ("Job 3 (rayon)", tokio::spawn(ways::rayon())),
        };
        heartbeat(name, job).await?;
    }
    Ok(())
}
