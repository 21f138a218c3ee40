//! A flag that asks a thread to stop, and a counter that shows its
//! progress.
//!
//! ```sh
//! cargo run -p stop-flag
//! ```
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

fn main() {
    let stop = AtomicBool::new(false);
    let done = AtomicU64::new(0);

    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            // Relaxed: the flag says only "stop". If the thread also had to
            // see data that was written before, the flag would need
            // Release and Acquire.
            while !stop.load(Ordering::Relaxed) {
                done.fetch_add(1, Ordering::Relaxed); // stands for one job
            }
            println!("Worker: asked to stop");
        });

        while done.load(Ordering::Relaxed) < 1000 {
            thread::yield_now();
        }
        println!("Main: 1000 jobs are done");
        // A thread can't be stopped from outside, only asked.
        stop.store(true, Ordering::Relaxed);
        worker.join().expect("the thread panicked");
    });
    println!("Main: the worker has ended");
}
