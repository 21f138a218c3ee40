//! A sender that is kept alive keeps the receiver waiting forever.
//!
//! ```sh
//! cargo run -p forgotten-sender
//! ```
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

// ANCHOR: broken
fn keep_the_sender() -> usize {
    let (sender, receiver) = mpsc::channel();
    let its_own = sender.clone();
    thread::spawn(move || its_own.send("a page").ok());
    // Waits for messages from `sender`, which lives until the end of this
    // function.
    receiver.iter().count()
}
// ANCHOR_END: broken

// ANCHOR: fixed
fn move_the_sender() -> usize {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send("a page").ok());
    receiver.iter().count() // ends when the thread has dropped the sender
}
// ANCHOR_END: fixed

/// Returns the function's result, or `None` if it takes over a second.
fn within_limit(count: fn() -> usize) -> Option<usize> {
    let (done, counted) = mpsc::channel();
    thread::spawn(move || done.send(count()));
    counted.recv_timeout(Duration::from_secs(1)).ok()
}

fn main() {
    let outcome = |count| match within_limit(count) {
        Some(count) => format!("{count} message, then the end"),
        None => "still waiting for more".to_owned(),
    };
    println!("Sender kept: {}", outcome(keep_the_sender));
    println!("Sender moved: {}", outcome(move_the_sender));
}
