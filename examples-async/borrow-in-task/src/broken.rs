//! A spawned task borrows a local variable, which it may outlive.
//!
//! ```sh
//! cargo run -p borrow-in-task --bin borrow-in-task-broken --features broken
//! ```

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let name = "borrowed".to_owned();

    let task = tokio::spawn(async { println!("Task: {name}") });

    task.await?;
    println!("Main: {name}");
    Ok(())
}
