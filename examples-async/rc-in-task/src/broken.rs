//! Rc in a spawned task: two threads must not change its reference count.
//!
//! ```sh
//! cargo run -p rc-in-task --bin rc-in-task-broken --features broken
//! ```
use std::rc::Rc;

use tokio::time::{Duration, sleep};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let name = Rc::new("shared".to_owned());

    let task = tokio::spawn({
        let name = Rc::clone(&name);
        async move {
            sleep(Duration::from_millis(10)).await;
            println!("Task: {name}");
        }
    });

    task.await?;
    println!("Main: {name}");
    Ok(())
}
