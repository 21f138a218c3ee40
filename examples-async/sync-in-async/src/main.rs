//! An ordinary blocking function, called from async code.
//!
//! ```sh
//! cargo run -p sync-in-async
//! ```
use std::thread;
use std::time::Duration;

use tokio::task;

/// Knows nothing about async: think of SQLite or a file format library.
fn blocking_call() -> &'static str {
    thread::sleep(Duration::from_secs(2)); // stands for blocking I/O
    "Completed"
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // A direct call would block the only thread, which all tasks share.
    let answer = task::spawn_blocking(blocking_call).await?;
    println!("{answer}");
    Ok(())
}
