//! A task owns what it uses: the value is moved into it.
//!
//! ```sh
//! cargo run -p borrow-in-task
//! ```

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let name = "owned".to_owned();

    // `move` makes `name` part of the task. To keep it here too, clone it
    // first, or share it in an Arc.
    let task = tokio::spawn(async move { println!("Task: {name}") });

    task.await?;
    println!("Main: the task is done");
    Ok(())
}
