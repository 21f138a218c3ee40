//! Two threads send to each other over bounded channels until both are full:
//! a deadlock without a lock.
//!
//! ```sh
//! cargo run -p channel-cycle
//! ```
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

const MESSAGES: u32 = 100;

// ANCHOR: broken
/// Sends everything, then receives everything. The other thread does the same,
/// so with both channels full neither gets to receive.
fn send_then_receive(to: SyncSender<u32>, from: Receiver<u32>) {
    for message in 0..MESSAGES {
        to.send(message).expect("the other thread is there");
    }
    assert_eq!(from.iter().take(100).count(), 100);
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// A second thread receives all the time, so every `send` gets room in the end.
fn receive_meanwhile(to: SyncSender<u32>, from: Receiver<u32>) {
    thread::scope(|scope| {
        scope.spawn(move || assert_eq!(from.iter().take(100).count(), 100));
        for message in 0..MESSAGES {
            to.send(message).expect("the other thread is there");
        }
    });
}
// ANCHOR_END: fixed

/// Whether two threads that talk to each other end within a second.
fn both_end(talk: fn(SyncSender<u32>, Receiver<u32>)) -> bool {
    let (done, ended) = mpsc::channel();
    let (to_b, from_a) = mpsc::sync_channel(10);
    let (to_a, from_b) = mpsc::sync_channel(10);
    for (to, from) in [(to_b, from_b), (to_a, from_a)] {
        let done = done.clone();
        // Not a scope: it would wait for threads that never end.
        thread::spawn(move || {
            talk(to, from);
            done.send(()).ok();
        });
    }
    let limit = Duration::from_secs(1);
    (0..2).all(|_| ended.recv_timeout(limit).is_ok())
}

fn main() {
    let outcome = |ends| if ends { "both end" } else { "both are stuck" };
    println!("Send, then receive: {}", outcome(both_end(send_then_receive)));
    println!("Receive meanwhile: {}", outcome(both_end(receive_meanwhile)));
}
