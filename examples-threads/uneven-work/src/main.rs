//! Work in unequal pieces: a fixed split leaves a thread idle, work
//! stealing does not.
//!
//! ```sh
//! cargo run --release -p uneven-work
//! ```
use std::collections::HashMap;
use std::sync::Mutex;
use std::thread::{self, ThreadId};
use std::time::Duration;

use rayon::ThreadPoolBuilder;
use rayon::iter::{
    IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator,
};

/// Milliseconds for each job: the long ones are next to each other.
const JOBS: [u64; 8] = [40, 40, 40, 40, 1, 1, 1, 1];

/// The milliseconds of work that each thread has done.
type Done = Mutex<HashMap<ThreadId, u64>>;

fn work(done: &Done, milliseconds: u64) {
    // Stands for computing.
    thread::sleep(Duration::from_millis(milliseconds));
    let mut done = done.lock().expect("another thread panicked");
    *done.entry(thread::current().id()).or_default() += milliseconds;
}

fn report(way: &str, done: Done) {
    let done = done.into_inner().expect("another thread panicked");
    let (threads, busiest) =
        (done.len(), done.values().max().unwrap_or(&0));
    println!(
        "{way}: the busiest of {threads} threads had {busiest} ms of work"
    );
}

fn main() -> Result<(), rayon::ThreadPoolBuildError> {
    // Half of the jobs for each of two threads, decided before they start.
    let done = Done::default();
    thread::scope(|scope| {
        for jobs in JOBS.chunks(JOBS.len() / 2) {
            let done = &done;
            scope.spawn(move || jobs.iter().for_each(|ms| work(done, *ms)));
        }
    });
    report("Fixed split", done);

    // A thread that has nothing left takes jobs from the other one.
    let done = Done::default();
    let pool = ThreadPoolBuilder::new().num_threads(2).build()?;
    pool.install(|| {
        JOBS.par_iter()
            .with_max_len(1) // small jobs: any of them may be taken
            .for_each(|ms| work(&done, *ms));
    });
    report("Work stealing", done);
    Ok(())
}
