//! Blocking calls in rayon's pool keep every other job waiting; a pool of their
//! own does not.
//!
//! ```sh
//! cargo run -p rayon-blocking
//! ```
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("the threads start")
}

/// A job that waits for an answer from outside. The thread that runs it can do
/// nothing else meanwhile, because rayon can't take it away from the job.
fn wait_for_answer(pool: &ThreadPool, answer: Receiver<()>) {
    pool.spawn(move || {
        answer.recv().ok();
    });
}

/// Whether a job of the computing pool runs within a second.
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
    println!(
        "Two blocked jobs on two threads: a third {}",
        computes(&computing)
    );
    drop(answers); // both jobs end

    let waiting = pool(2);
    let (_answer, question) = mpsc::channel();
    wait_for_answer(&waiting, question);
    println!(
        "Blocked jobs in a pool of their own: a third {}",
        computes(&computing)
    );
}
