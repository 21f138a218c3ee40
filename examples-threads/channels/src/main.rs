//! Many senders and one receiver: the loop ends when the last sender is
//! gone.
//!
//! ```sh
//! cargo run -p channels
//! ```
use std::sync::mpsc;
use std::thread;

fn main() {
    let (sender, receiver) = mpsc::channel();

    for id in 0..3 {
        let sender = sender.clone(); // one for each thread, which owns it
        thread::spawn(move || {
            for page in 1..=2 {
                // Fails only if the receiver is gone.
                sender.send(format!("Worker {id}: page {page}")).ok();
            }
        }); // the thread ends, and its sender is dropped
    }
    // The first sender has to go too, or the loop below never ends.
    drop(sender);

    // No join: when the loop ends, every thread has sent everything.
    for message in receiver {
        println!("{message}");
    }
    println!("Main: every sender is gone");
}
