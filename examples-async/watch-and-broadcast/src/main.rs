//! One sender, many receivers: `watch` keeps the latest value, `broadcast`
//! keeps the last few, and `Notify` has no value at all.
//!
//! ```sh
//! cargo run -p watch-and-broadcast
//! ```
use std::iter;

use futures::FutureExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast, watch};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // A configuration: a reader needs only the latest value, and may skip
    // older ones.
    let (sender, mut reader) = watch::channel("level 1");
    sender.send_replace("level 2");
    sender.send_replace("level 3");
    if reader.changed().await.is_ok() {
        println!("watch: {}", *reader.borrow_and_update());
    }
    println!("watch: anything newer? {:?}", reader.has_changed());

    // Chat messages: every receiver that is fast enough gets each one. The
    // sender never waits. A slow receiver learns how many it has missed.
    let (sender, mut fast) = broadcast::channel(2);
    let mut slow = sender.subscribe();
    for message in 1..=3 {
        sender.send(message)?;
        println!("broadcast, fast: {:?}", fast.recv().await);
    }
    if let Err(RecvError::Lagged(missed)) = slow.recv().await {
        println!("broadcast, slow: missed {missed}");
    }
    println!("broadcast, slow: {:?}", slow.recv().await);

    // A signal without a value. `notify_one` before `notified` is not lost:
    // one permit is stored, but not two. `notify_waiters` wakes only the
    // tasks that are already waiting.
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    println!("Notify, notify_one twice: {} stored", permits(&notify));
    notify.notify_waiters();
    println!("Notify, notify_waiters: {} stored", permits(&notify));
    Ok(())
}

/// Counts how many times `notified` can be awaited without having to wait.
fn permits(notify: &Notify) -> usize {
    iter::from_fn(|| notify.notified().now_or_never()).count()
}
