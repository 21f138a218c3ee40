//! A value that belongs to a task, wherever its thread takes it: a request
//! id without a parameter.
//!
//! ```sh
//! cargo run -p task-local
//! ```
use std::time::Duration;

use tokio::time::sleep;

tokio::task_local! {
    /// The id of the request. Not `thread_local!`: many tasks share a
    /// thread, and a task may change its thread at an await.
    static REQUEST: u32;
}

fn log(text: &str) {
    match REQUEST.try_with(|id| *id) {
        Ok(id) => println!("Request {id}: {text}"),
        Err(_) => println!("No request: {text}"),
    }
}

async fn handle() {
    log("starts");
    sleep(Duration::from_millis(20)).await;
    // A spawned task does not inherit the value.
    let task = tokio::spawn(async { log("in a spawned task") });
    task.await.expect("the task panicked");
    log("ends");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let one = REQUEST.scope(1, handle());
    let two = REQUEST.scope(2, handle());
    tokio::join!(one, two);
    log("outside");
}
