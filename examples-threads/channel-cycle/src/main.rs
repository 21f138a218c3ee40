//! Two threads send to each other over bounded channels until both are
//! full: a deadlock without a lock.
//!
//! ```sh
//! cargo run -p channel-cycle
//! ```
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

const MESSAGES: usize = 100;

// ANCHOR: broken
/// Sends everything, then receives everything. The other thread does the
/// same, so with both channels full neither gets to receive.
fn send_then_receive(to: &SyncSender<usize>, from: Receiver<usize>) {
    for message in 0..MESSAGES {
        to.send(message).expect("the other thread is gone");
    }
    assert_eq!(from.into_iter().take(MESSAGES).count(), MESSAGES);
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// A second thread receives meanwhile, so the channel never stays full.
fn receive_meanwhile(to: &SyncSender<usize>, from: Receiver<usize>) {
    thread::scope(|scope| {
        scope.spawn(move || {
            assert_eq!(from.iter().take(MESSAGES).count(), MESSAGES);
        });
        for message in 0..MESSAGES {
            to.send(message).expect("the other thread is gone");
        }
    });
}
// ANCHOR_END: fixed

/// Lets two threads talk to each other, and returns whether both end
/// within a second.
fn both_end(talk: fn(&SyncSender<usize>, Receiver<usize>)) -> bool {
    let (done, ended) = mpsc::channel();
    let (to_b, from_a) = mpsc::sync_channel(10);
    let (to_a, from_b) = mpsc::sync_channel(10);
    for (to, from) in [(to_b, from_b), (to_a, from_a)] {
        let done = done.clone();
        // Not a scope: it would wait for threads that never end.
        thread::spawn(move || {
            talk(&to, from);
            done.send(()).ok();
        });
    }
    let limit = Duration::from_secs(1);
    (0..2).all(|_| ended.recv_timeout(limit).is_ok())
}

fn main() {
    let outcome = |talk| match both_end(talk) {
        true => "both end",
        false => "both are stuck",
    };
    println!("Send, then receive: {}", outcome(send_then_receive));
    println!("Receive meanwhile: {}", outcome(receive_meanwhile));
}
