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

/// What a function returns, or `None` if it still runs after a second.
fn within_limit(count: fn() -> usize) -> Option<usize> {
    let (done, counted) = mpsc::channel();
    thread::spawn(move || done.send(count()));
    counted.recv_timeout(Duration::from_secs(1)).ok()
}

fn main() {
    for (name, count) in [
        ("Sender kept", keep_the_sender as fn() -> usize),
        ("Sender moved", move_the_sender),
    ] {
        match within_limit(count) {
            Some(count) => println!("{name}: {count} message, then the end"),
            None => println!("{name}: still waiting for more"),
        }
    }
}
