//! A client disconnects, so its handler is canceled. Work that must not
//! stop halfway still finishes, and the program waits for it before it
//! ends.
//!
//! ```sh
//! cargo run -p shield
//! ```
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// Prints when it is dropped in the middle.
struct Payment {
    name: &'static str,
    finished: bool,
}

impl Drop for Payment {
    fn drop(&mut self) {
        if !self.finished {
            println!("{}: canceled in the middle", self.name);
        }
    }
}

static IN_THE_MIDDLE: Notify = Notify::const_new();

async fn pay(name: &'static str) {
    println!("{name}: takes the money");
    let mut payment = Payment { name, finished: false };
    IN_THE_MIDDLE.notify_one();
    sleep(Duration::from_millis(50)).await; // stands for a second server
    payment.finished = true;
    println!("{name}: delivers the goods");
}

// ANCHOR: broken
/// A framework drops the future of a handler whose client is gone.
async fn handler() {
    pay("In the handler").await;
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// The handler awaits a task, which keeps running if the handler is
/// dropped. The tracker knows the task even when its handle is gone.
async fn shielded_handler(payments: &TaskTracker) {
    let payment = payments.spawn(pay("Shielded"));
    payment.await.expect("the task panicked");
}
// ANCHOR_END: fixed

#[tokio::main(flavor = "current_thread")]
async fn main() {
    tokio::select! {
        () = handler() => println!("Answered"),
        () = IN_THE_MIDDLE.notified() => println!("The client is gone"),
    }

    let payments = TaskTracker::new();
    tokio::select! {
        () = shielded_handler(&payments) => println!("Answered"),
        () = IN_THE_MIDDLE.notified() => println!("The client is gone"),
    }
    // Without these lines, the end of the program would cancel the payment.
    payments.close();
    payments.wait().await;
}
