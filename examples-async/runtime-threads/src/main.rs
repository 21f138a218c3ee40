//! `join!` stays on one thread; `spawn` uses all threads of the runtime.
//!
//! ```sh
//! cargo run -p runtime-threads
//! ```
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

// ANCHOR: ways
/// Holds its thread until it is done, as computing would.
/// (`tokio::time::sleep` would free the thread instead.)
async fn worker(id: u32) {
    println!("Worker {id} starting");
    thread::sleep(Duration::from_millis(250));
    println!("Worker {id} finished");
}

/// Both futures are one task, and a task runs on one thread at a time.
async fn joined(first: u32, second: u32) {
    tokio::join!(worker(first), worker(second));
}

/// Two tasks: they run at the same time if the runtime has two threads.
async fn spawned(first: u32, second: u32) -> anyhow::Result<()> {
    let first = tokio::spawn(worker(first));
    let second = tokio::spawn(worker(second));
    tokio::try_join!(first, second)?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let one_thread = Builder::new_current_thread().build()?;
    let two_threads =
        Builder::new_multi_thread().worker_threads(2).build()?;

    println!("One thread, join!");
    one_thread.block_on(joined(1, 2));
    println!("One thread, spawn");
    one_thread.block_on(spawned(3, 4))?;
    println!("Two threads, join!");
    two_threads.block_on(joined(5, 6));
    println!("Two threads, spawn");
    two_threads.block_on(spawned(7, 8))
}
// ANCHOR_END: ways
