//! The condvar example with `if` in place of `while`: it fails if another thread takes the job
//! between the notification and the moment at which the waiting thread has the lock again.
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<u32>>,
    changed: Condvar,
}

impl Queue {
    fn push(&self, job: u32) {
        self.jobs.lock().expect("no panic").push_back(job);
        self.changed.notify_one();
    }

    fn pop(&self) -> u32 {
        let mut jobs = self.jobs.lock().expect("no panic");
        if jobs.is_empty() {
            jobs = self.changed.wait(jobs).expect("no panic");
        }
        jobs.pop_front().expect("the queue is empty")
    }
}

fn main() {
    let queue = Queue::default();
    thread::scope(|scope| {
        for id in 0..2 {
            let queue = &queue;
            scope.spawn(move || println!("Worker {id}: job {}", queue.pop()));
        }
        queue.push(7);
        queue.push(8);
    });
    println!("Main: both jobs are done");
}
