//! Calling async code from blocking code, the wrong way and the right way.
//!
//! ```sh
//! cargo run -p block-on-in-async
//! ```
use std::thread;

use anyhow::Result;
use tokio::runtime::{Handle, Runtime};
use tokio::task;

async fn answer() -> u32 {
    42
}

// ANCHOR: caller
/// A blocking function that needs the result of an async one.
fn blocking_caller() -> Result<u32> {
    match Handle::try_current() {
        // The thread belongs to a runtime, whose block_on decides.
        Ok(runtime) => Ok(runtime.block_on(answer())),
        // An ordinary thread has none, so start one.
        Err(_) => Ok(Runtime::new()?.block_on(answer())),
    }
}
// ANCHOR_END: caller

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // ANCHOR: broken
    // On a thread that runs tasks, block_on panics: while it waited, no
    // task could run there, perhaps not even the one that it waits for.
    let wrong = tokio::spawn(async { blocking_caller() }).await;
    let panicked = wrong.is_err_and(|error| error.is_panic());
    let outcome = if panicked { "panic" } else { "an answer" };
    println!("On the runtime's thread: {outcome}");
    // ANCHOR_END: broken

    // ANCHOR: fixed
    // It may wait on a thread for blocking calls, or on one of your own.
    let right = task::spawn_blocking(blocking_caller).await??;
    println!("On a blocking thread: {right}");
    let thread = thread::spawn(blocking_caller);
    let right = thread.join().expect("the thread panicked")?;
    println!("On a thread without a runtime: {right}");

    // Best of all is a caller that is async itself.
    println!("With await: {}", answer().await);
    // ANCHOR_END: fixed
    Ok(())
}
