//! Calling async code from blocking code, the wrong way and the right way.
//!
//! ```sh
//! cargo run -p block-on-in-async
//! ```
use tokio::runtime::Handle;
use tokio::task;

async fn answer() -> u32 {
    42
}

// ANCHOR: caller
/// An ordinary function that needs the result of an async one.
fn blocking_caller() -> u32 {
    // current() is the runtime that this thread belongs to. Where there is
    // none, as in an ordinary main, make one: Runtime::new()?.block_on(…).
    Handle::current().block_on(answer())
}
// ANCHOR_END: caller

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // ANCHOR: broken
    // On a thread that runs tasks, block_on panics: while it waited, no task
    // could run, and so perhaps not the one that it waits for.
    let wrong = tokio::spawn(async { blocking_caller() }).await;
    println!(
        "On the runtime's thread: {}",
        if wrong.is_err_and(|error| error.is_panic()) {
            "panic"
        } else {
            "an answer"
        }
    );
    // ANCHOR_END: broken

    // ANCHOR: mended
    // On a thread made for blocking, it may wait.
    match task::spawn_blocking(blocking_caller).await {
        Ok(answer) => println!("On a blocking thread: {answer}"),
        Err(error) => println!("On a blocking thread: {error}"),
    }

    // Best of all: do not go through blocking code.
    println!("With await: {}", answer().await);
    // ANCHOR_END: mended
}
