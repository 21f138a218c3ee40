//! When one of several tasks fails: three ways to wait, and what happens to
//! the other tasks in each.
//!
//! ```sh
//! cargo run -p one-fails-all-stop
//! ```
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Prints whether it finished or was canceled.
struct Step {
    name: &'static str,
    finished: bool,
}

impl Drop for Step {
    fn drop(&mut self) {
        let outcome = if self.finished { "finished" } else { "canceled" };
        println!("  {}: {outcome}", self.name);
    }
}

async fn copy(name: &'static str) -> Result<()> {
    let mut step = Step { name, finished: false };
    sleep(Duration::from_millis(500)).await; // stands for the copy
    step.finished = true;
    Ok(())
}

async fn fail() -> Result<()> {
    sleep(Duration::from_millis(20)).await;
    bail!("disk full")
}

/// Returns the first error, after the other tasks are gone.
async fn in_a_join_set() -> Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(copy("C"));
    tasks.spawn(fail());
    while let Some(result) = tasks.join_next().await {
        if let Err(error) = result? {
            tasks.shutdown().await; // aborts, and waits until they are gone
            return Err(error);
        }
    }
    Ok(())
}

fn report<T>(result: Result<T>, when: &str) {
    if let Err(error) = result {
        println!("  {error}, known {when}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("join!:");
    let (_, failed) = tokio::join!(copy("A"), fail());
    report(failed, "after the others have finished");

    println!("try_join!:");
    report(tokio::try_join!(copy("B"), fail()), "at once");

    println!("JoinSet:");
    report(in_a_join_set().await, "at once");
}
