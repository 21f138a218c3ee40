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
    // spawn hands the future to the runtime and returns at once. A future that
    // is only kept in a variable would start at its own await.
    let task = tokio::spawn(fetch());

    println!("Doing something else while waiting...");
    sleep(Duration::from_secs(1)).await; // the task runs meanwhile
    println!("Something else is done");

    // An error here is a panic in the task, or its abort.
    println!("Task result: {}", task.await?);
    Ok(())
}
