//! Blocking calls in rayon's pool keep every other job waiting; a pool of
//! their own does not.
//!
//! ```sh
//! cargo run -p rayon-blocking
//! ```
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("the threads did not start")
}

/// Starts a job that waits for an answer from outside. Its thread can do
/// nothing else meanwhile, because rayon can't interrupt a job.
fn wait_for_answer(pool: &ThreadPool, answer: Receiver<()>) {
    pool.spawn(move || {
        answer.recv().ok();
    });
}

/// Starts a job that computes, and waits at most a second for its result.
fn computes(pool: &ThreadPool) -> &'static str {
    let (done, ended) = mpsc::channel();
    pool.spawn(move || {
        done.send((1..=1000_u64).sum::<u64>()).ok();
    });
    match ended.recv_timeout(Duration::from_secs(1)) {
        Ok(sum) => {
            assert_eq!(sum, 500_500);
            "computes"
        }
        Err(_) => "has to wait",
    }
}

fn main() {
    let computing = pool(2);
    let answers: [_; 2] = std::array::from_fn(|_| {
        let (answer, question) = mpsc::channel();
        wait_for_answer(&computing, question);
        answer
    });
    let outcome = computes(&computing);
    println!("Two blocked jobs on two threads: a third {outcome}");
    drop(answers); // both jobs end

    let waiting = pool(2);
    let (_answer, question) = mpsc::channel();
    wait_for_answer(&waiting, question);
    let outcome = computes(&computing);
    println!("Blocked jobs in a pool of their own: a third {outcome}");
}
