//! Wait until a condition holds: a Condvar sleeps instead of checking again
//! and again, and the condition is checked in a loop.
//!
//! ```sh
//! cargo run -p condvar
//! ```
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

/// A queue whose readers sleep while it is empty.
#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<u32>>,
    changed: Condvar,
}

impl Queue {
    fn push(&self, job: u32) {
        self.jobs.lock().expect("another thread panicked").push_back(job);
        self.changed.notify_one(); // wakes one thread that waits, if any
    }

    fn pop(&self) -> u32 {
        let mut jobs = self.jobs.lock().expect("another thread panicked");
        // `while`, not `if`: another thread may take the job before this
        // thread has the lock, and a thread may wake up without a reason.
        while jobs.is_empty() {
            // Unlocks, sleeps and locks again. No notification can be lost
            // in between, because the lock is held until the thread sleeps.
            let woken = self.changed.wait(jobs);
            jobs = woken.expect("another thread panicked");
        }
        jobs.pop_front().expect("the queue is empty")
    }
}

fn main() {
    let queue = Queue::default();
    thread::scope(|scope| {
        for id in 0..2 {
            let queue = &queue;
            scope.spawn(move || {
                let job = queue.pop();
                println!("Worker {id}: job {job}");
            });
        }
        // The workers may be asleep by now, or not started yet: both work.
        queue.push(7);
        queue.push(8);
    });
    println!("Main: both jobs are done");
}
