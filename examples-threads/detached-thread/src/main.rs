//! Without a join, the thread ends with `main`.
//!
//! ```sh
//! cargo run -p detached-thread
//! ```
use std::thread;
use std::time::Duration;

fn main() {
    // Drops the JoinHandle, which detaches the thread: it keeps running.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(1)); // stands for work
        // Never happens: the process has ended by then.
        println!("Thread: work saved");
    });

    println!("Main thread: Execution finished");
}
