//! Arc in a spawned task: it may move to another thread.
//!
//! ```sh
//! cargo run -p rc-in-task
//! ```
use std::sync::Arc;

use tokio::time::{Duration, sleep};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let name = Arc::new("shared".to_owned());

    let task = tokio::spawn({
        let name = Arc::clone(&name);
        async move {
            sleep(Duration::from_millis(10)).await;
            println!("Task: {name}");
        }
    });

    task.await?;
    println!("Main: {name}");
    Ok(())
}
