//! A lock that is held while rayon works: the waiting thread runs another
//! job, which wants the same lock.
//!
//! ```sh
//! cargo run -p rayon-under-lock
//! ```
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

type Total = Mutex<u64>;

fn one_thread() -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.expect("the thread did not start")
}

/// Stands for a computation in a pool of its own.
fn compute(pool: &ThreadPool, row: u64) -> u64 {
    pool.install(|| {
        thread::sleep(Duration::from_millis(100));
        row * row
    })
}

// ANCHOR: broken
/// While `compute` waits for the other pool, its thread does not sleep:
/// rayon lets it run the next job. That job wants the lock, which its own
/// thread holds.
fn compute_under_the_lock(total: &Total, pool: &ThreadPool, row: u64) {
    let mut total = total.lock().expect("another thread panicked");
    *total += compute(pool, row);
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Computes first, then locks for one addition.
fn compute_then_lock(total: &Total, pool: &ThreadPool, row: u64) {
    let result = compute(pool, row);
    *total.lock().expect("another thread panicked") += result;
}
// ANCHOR_END: fixed

/// Returns the total of two rows, or `None` if that takes over a second.
fn total(add: fn(&Total, &ThreadPool, u64)) -> Option<u64> {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let (rows, computing) = (one_thread(), one_thread());
        let total = Total::default();
        let add = |row| add(&total, &computing, row);
        rows.install(|| rayon::join(|| add(1), || add(2)));
        done.send(total.into_inner().expect("another thread panicked"))
    });
    ended.recv_timeout(Duration::from_secs(1)).ok()
}

fn main() {
    println!("Compute under the lock: {:?}", total(compute_under_the_lock));
    println!("Compute, then lock: {:?}", total(compute_then_lock));
}
