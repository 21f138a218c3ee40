//! Three waits at once, on one thread.
//!
//! ```sh
//! cargo run -p gather
//! ```
use std::time::Duration;

use tokio::time::sleep;

async fn task(name: &str) {
    println!("Task {name} starting");
    sleep(Duration::from_secs(2)).await; // stands for I/O; frees the thread
    println!("Task {name} finished");
}

// One thread, like asyncio's event loop: waits overlap, computing does not.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::join!(task("A"), task("B"), task("C"));
}
