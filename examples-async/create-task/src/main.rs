//! Start a task, do something else, then await it.
//!
//! ```sh
//! cargo run -p create-task
//! ```
use std::time::Duration;

use tokio::time::sleep;

async fn fetch() -> &'static str {
    println!("Task: fetching");
    sleep(Duration::from_secs(2)).await; // stands for I/O
    "Done"
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // spawn passes the future to the runtime and returns immediately. If it
    // were only stored in a variable, it would not start before its await.
    let task = tokio::spawn(fetch());

    println!("Doing something else while waiting...");
    sleep(Duration::from_secs(1)).await; // the task runs meanwhile
    println!("Something else is done");

    // An error here means that the task panicked or was aborted.
    println!("Task result: {}", task.await?);
    Ok(())
}
