//! A channel without any room: each `send` waits until the receiver takes
//! the message. This is called a rendezvous.
//!
//! ```sh
//! cargo run -p rendezvous
//! ```
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

const MESSAGES: usize = 3;

/// Returns how many messages the sender was ahead of the receiver, at most.
fn max_ahead(capacity: usize) -> usize {
    let (sender, receiver) = mpsc::sync_channel(capacity);
    let sent = AtomicUsize::new(0); // calls of `send` that have returned
    thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender; // dropped with this thread
            for message in 0..MESSAGES {
                sender.send(message).expect("the receiver is gone");
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut max = 0;
        for received in 0..MESSAGES {
            // Read before the next message is received.
            let sent = sent.load(Ordering::Relaxed);
            max = max.max(sent.saturating_sub(received));
            receiver.recv().expect("the sender is gone");
        }
        max
    })
}

fn main() {
    println!("The sender was {} messages ahead", max_ahead(0));

    // `try_send` doesn't wait, so it fails unless a receiver is waiting.
    let (sender, receiver) = mpsc::sync_channel(0);
    if let Err(error) = sender.try_send("hello") {
        println!("No receiver waits: {error}");
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            sender.send("hello").expect("the receiver is gone");
        });
        println!("A receiver waits: {:?}", receiver.recv());
    });
}
