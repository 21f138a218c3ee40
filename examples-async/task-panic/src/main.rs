//! The error or panic of a task goes to its handle. Drop the handle, and an
//! error is lost.
//!
//! ```sh
//! cargo run -p task-panic
//! ```
use std::fmt::Display;
use std::num::ParseIntError;

use tokio::task::{JoinError, JoinHandle};

async fn parse(text: &str) -> Result<u32, ParseIntError> {
    assert!(!text.is_empty(), "an empty message"); // panics: a bug
    text.parse() // fails: bad input
}

/// Spawns a task that nothing will await, and reports how it failed.
fn spawn_and_report<T, E>(
    name: &'static str,
    future: impl Future<Output = Result<T, E>> + Send + 'static,
) -> JoinHandle<()>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let task = tokio::spawn(future);
    tokio::spawn(async move {
        match task.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => println!("{name} failed: {error}"),
            Err(error) if error.is_panic() => println!("{name} panicked"),
            Err(_) => println!("{name} was canceled"),
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    // No handle: the error disappears, and the panic is a line on stderr.
    tokio::spawn(parse("seven"));
    tokio::spawn(parse(""));
    tokio::task::yield_now().await; // both run now
    println!("Detached: main knows nothing");

    // The handle has it: a panic is a `JoinError`.
    let handle = tokio::spawn(parse(""));
    let panicked = handle.await.is_err_and(|error| error.is_panic());
    println!("Awaited: a panic? {panicked}");

    for (name, text) in [("Input 1", "seven"), ("Input 2", "")] {
        spawn_and_report(name, parse(text)).await?;
    }
    println!("Main goes on");
    Ok(())
}
