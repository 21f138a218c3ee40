//! One timer for all rounds of a loop: it is pinned once, and `select!`
//! gets a reference to it.
//!
//! ```sh
//! cargo run -p pin-in-select
//! ```
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (sender, mut messages) = mpsc::channel(3);
    for message in ["one", "two", "three"] {
        sender.send(message).await?;
    }

    // pin! promises that the timer is not moved any more. The timer relies
    // on that: the runtime's list of timers points to it.
    let mut timer = pin!(sleep(Duration::from_millis(50)));
    loop {
        tokio::select! {
            biased;
            Some(message) = messages.recv() => println!("{message}"),
            // A reference: a new timer in each round would start again.
            () = &mut timer => break,
        }
    }
    println!("The time is over");
    Ok(())
}
