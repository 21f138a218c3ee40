//! An unbounded channel stores whatever is sent; a bounded one makes a fast
//! sender wait.
//!
//! ```sh
//! cargo run -p bounded-channel
//! ```
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

const MESSAGES: usize = 100_000;

fn main() {
    // `send` never waits, so all messages can pile up in memory.
    let (sender, receiver) = mpsc::channel();
    for message in 0..MESSAGES {
        sender.send(message).expect("the receiver is gone");
    }
    drop(sender);
    println!("Unbounded: {} messages waited", receiver.iter().count());

    // At most ten messages wait. After that `send` blocks until the
    // receiver takes one: that is backpressure.
    let (sender, receiver) = mpsc::sync_channel(10);
    let sent = AtomicUsize::new(0);
    let max_ahead = thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender; // dropped with this thread
            for message in 0..MESSAGES {
                sender.send(message).expect("the receiver is gone");
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let ahead = |received| sent.load(Ordering::Relaxed) - received;
        receiver.iter().map(ahead).max().unwrap_or(0)
    });
    // Ten in the channel, and the one that the receiver has just taken.
    println!("Bounded: never more than 11 ahead: {}", max_ahead <= 11);

    // Where blocking is not an option, `try_send` fails at once.
    let (sender, _receiver) = mpsc::sync_channel(1);
    for number in 1..=2 {
        match sender.try_send(number) {
            Ok(()) => println!("Message {number}: sent"),
            Err(_) => println!("Message {number}: the channel is full"),
        }
    }
}
