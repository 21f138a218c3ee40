//! Several workers take jobs from one queue, and a lock that is held for
//! too long makes them work one at a time.
//!
//! ```sh
//! cargo run -p work-queue
//! ```
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

type Jobs = Mutex<Receiver<u32>>;

fn lock_while_working(jobs: &Jobs, work: &(dyn Fn(u32) + Sync)) {
    // The guard is a temporary of the `while let`: it lives until the end
    // of the loop's body, so the lock is held during the work.
    while let Ok(job) = jobs.lock().expect("another thread panicked").recv()
    {
        work(job);
    }
}

fn lock_while_taking(jobs: &Jobs, work: &(dyn Fn(u32) + Sync)) {
    loop {
        // The guard is dropped at the end of this statement.
        let job = jobs.lock().expect("another thread panicked").recv();
        let Ok(job) = job else { return };
        work(job);
    }
}

/// Runs six jobs on three workers, and returns how many ran at once.
fn most_at_once(worker: fn(&Jobs, &(dyn Fn(u32) + Sync))) -> usize {
    let (sender, receiver) = mpsc::channel();
    for job in 0..6 {
        sender.send(job).expect("the receiver is gone");
    }
    drop(sender);

    let jobs = Mutex::new(receiver);
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |_job| {
        let now = running.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(now, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100)); // stands for the work
        running.fetch_sub(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| worker(&jobs, &work));
        }
    });
    most.into_inner()
}

fn main() {
    let most = most_at_once(lock_while_working);
    println!("Lock held while working: {most} at once");
    let most = most_at_once(lock_while_taking);
    println!("Lock held while taking: {most} at once");
}
