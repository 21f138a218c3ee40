//! Five threads wait at the same time.
//!
//! ```sh
//! cargo run -p worker-threads
//! ```
use std::thread;
use std::time::Duration;

fn worker(id: u32) {
    println!("Worker {id} starting");
    thread::sleep(Duration::from_secs(2)); // stands for I/O
    println!("Worker {id} finished");
}

fn main() {
    // collect starts all five before the first join. The iterator is lazy,
    // so without collect each join would come before the next start.
    let workers: Vec<_> =
        (0..5).map(|id| thread::spawn(move || worker(id))).collect();

    for worker in workers {
        worker.join().expect("the thread panicked");
    }
}
