//! A semaphore from a Mutex and a Condvar, whose release notifies with and without the lock. The
//! semaphore of the examples is tokio's, which shuttle can't run.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

struct Semaphore {
    permits: AtomicUsize,
    lock: Mutex<()>,
    released: Condvar,
}

impl Semaphore {
    fn acquire(&self) {
        let mut guard = self.lock.lock().expect("no panic");
        while self.permits.load(Ordering::Relaxed) == 0 {
            guard = self.released.wait(guard).expect("no panic");
        }
        self.permits.fetch_sub(1, Ordering::Relaxed);
    }

    // ANCHOR: broken
    /// The notification is lost if it comes after another thread has seen that
    /// no permit is left, and before that thread waits.
    fn release_without_lock(&self) {
        self.permits.fetch_add(1, Ordering::Relaxed);
        self.released.notify_one();
    }
    // ANCHOR_END: broken

    // ANCHOR: fixed
    /// A thread that has the lock can't be between its check and its wait.
    fn release_with_lock(&self) {
        let _guard = self.lock.lock().expect("no panic");
        self.permits.fetch_add(1, Ordering::Relaxed);
        self.released.notify_one();
    }
    // ANCHOR_END: fixed
}

/// Two threads share one permit.
fn share(release: fn(&Semaphore)) {
    let semaphore = Semaphore {
        permits: AtomicUsize::new(1),
        lock: Mutex::new(()),
        released: Condvar::new(),
    };
    thread::scope(|scope| {
        for id in 1..=2 {
            let semaphore = &semaphore;
            scope.spawn(move || {
                semaphore.acquire();
                println!("Thread {id} has a permit");
                release(semaphore);
            });
        }
    });
}

fn main() {
    share(Semaphore::release_with_lock);
}
