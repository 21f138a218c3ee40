//! Leave the join out, and the thread dies with `main`.
//!
//! ```sh
//! cargo run -p detached-thread
//! ```
use std::thread;
use std::time::Duration;

fn main() {
    // The JoinHandle is dropped here: the thread runs on, detached.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(1)); // stands for work
        // Never happens: the process is gone by then.
        println!("Thread: work saved");
    });

    println!("Main thread: Execution finished");
}
