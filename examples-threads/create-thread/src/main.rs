//! A thread works while `main` waits for it.
//!
//! ```sh
//! cargo run -p create-thread
//! ```
use std::thread;
use std::time::Duration;

fn count() {
    for i in 0..5 {
        println!("Thread: {i}");
        thread::sleep(Duration::from_millis(400)); // stands for work
    }
}

fn main() {
    let worker = thread::spawn(count);

    // Without this join, main would end at once, and the thread with it.
    worker.join().expect("the thread panicked");
    println!("Main thread: Execution finished");
}
