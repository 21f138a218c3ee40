//! A lock guard in a `match` lives until the closing brace, which is longer
//! than it looks.
//!
//! ```sh
//! cargo run -p guard-lifetime
//! ```
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

// ANCHOR: broken
/// The guard is a temporary of the `match`, so it lives until the closing
/// brace. The second `lock` waits for it, in the same thread: forever.
fn lock_in_the_match(queue: &Mutex<Vec<u32>>) {
    match queue.lock().expect("another thread panicked").first().copied() {
        Some(first) => {
            queue.lock().expect("another thread panicked").push(first + 1);
        }
        None => queue.lock().expect("another thread panicked").push(0),
    }
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Locks in a statement of its own: the guard is dropped at the semicolon.
fn lock_before_the_match(queue: &Mutex<Vec<u32>>) {
    let first =
        queue.lock().expect("another thread panicked").first().copied();
    match first {
        Some(first) => {
            queue.lock().expect("another thread panicked").push(first + 1);
        }
        None => queue.lock().expect("another thread panicked").push(0),
    }
}
// ANCHOR_END: fixed

/// Returns whether a function ends within a second.
fn ends(run: fn(&Mutex<Vec<u32>>)) -> bool {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        run(&Mutex::new(vec![1]));
        done.send(()).ok();
    });
    ended.recv_timeout(Duration::from_secs(1)).is_ok()
}

fn main() {
    let outcome = |ends| if ends { "ends" } else { "is stuck" };
    println!("Lock in the match: {}", outcome(ends(lock_in_the_match)));
    println!("Lock before it: {}", outcome(ends(lock_before_the_match)));
}
