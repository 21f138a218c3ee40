//! A watchdog: a thread expects heartbeats from the runtime, and reports
//! when they stop because a task blocks the runtime's thread.
//!
//! ```sh
//! cargo run -p watchdog
//! ```
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;

// ANCHOR: watchdog
const PERIOD: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_millis(300);

/// Beats as long as the runtime runs its tasks. The channel is unbounded,
/// so its `send` never blocks.
async fn beat(heart: Sender<()>) {
    while heart.send(()).is_ok() {
        sleep(PERIOD).await;
    }
}

/// Runs in a thread of its own, which a blocked runtime can't stop. A task
/// could not report anything.
fn watch(beats: &Receiver<()>) {
    let mut blocked = false;
    loop {
        match beats.recv_timeout(LIMIT) {
            Ok(()) if blocked => {
                println!("Watchdog: the runtime runs again");
                blocked = false;
            }
            Err(RecvTimeoutError::Timeout) if !blocked => {
                println!("Watchdog: no heartbeat for {LIMIT:?}");
                blocked = true;
            }
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
// ANCHOR_END: watchdog

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (heart, beats) = channel();
    let watchdog = thread::spawn(move || watch(&beats));
    let heartbeat = tokio::spawn(beat(heart));

    println!("Task: waits, and the runtime runs other tasks");
    sleep(LIMIT / 3).await;
    println!("Task: blocks the thread of the runtime");
    thread::sleep(LIMIT * 2); // the mistake
    println!("Task: waits again");
    sleep(PERIOD * 2).await;

    heartbeat.abort(); // drops the sender, which ends the watchdog
    heartbeat.await.ok();
    watchdog.join().expect("the watchdog panicked");
}
