//! Tasks that never leave their thread may hold an `Rc` across an await: in
//! a local runtime, or in a LocalSet.
//!
//! ```sh
//! cargo run -p local-tasks
//! ```
use std::cell::RefCell;
use std::rc::Rc;
use std::thread;

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::task::{LocalSet, spawn_local, yield_now};

/// Counts three visits in tasks that share a value without a lock.
async fn count(place: &str) -> Result<()> {
    let visits = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let visits = Rc::clone(&visits);
        tasks.push(spawn_local(async move {
            yield_now().await; // stands for I/O
            // Don't await during the borrow: another task could borrow it.
            visits.borrow_mut().push(thread::current().id());
        }));
    }
    for task in tasks {
        task.await?;
    }
    let here = thread::current().id();
    let visits = visits.borrow();
    let all_here = visits.iter().all(|thread| *thread == here);
    println!("{place}: {} visits, one thread: {all_here}", visits.len());
    Ok(())
}

/// The whole program has only one thread for tasks.
#[tokio::main(flavor = "local")]
async fn in_a_local_runtime() -> Result<()> {
    count("Local runtime").await
}

fn main() -> Result<()> {
    in_a_local_runtime()?;
    // Only the set's tasks stay on one thread: the one that waits for it.
    let runtime = Runtime::new()?;
    runtime.block_on(LocalSet::new().run_until(count("LocalSet")))
}
