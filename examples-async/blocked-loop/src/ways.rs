//! CPU work, and three ways to run it from a task.
use std::hint::black_box;
use std::panic;

use anyhow::{Result, anyhow};
use tokio::sync::oneshot;
use tokio::task;

/// CPU work: the longest Collatz chain that starts below four million.
fn work() -> u32 {
    let mut longest = 0;
    for start in 1..4_000_000_u64 {
        let (mut n, mut steps) = (start, 0);
        while n != 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        longest = longest.max(steps);
    }
    black_box(longest) // the compiler drops work whose result is not used
}

// ANCHOR: ways
/// The mistake: the work runs on the thread that polls the tasks, and until
/// it is done no other task runs there.
pub(crate) async fn inline() -> Result<u32> {
    Ok(work())
}

/// Runs the work on a thread for blocking calls. There may be up to 512 of
/// them: made for calls that wait, good enough for a little computing.
pub(crate) async fn spawn_blocking() -> Result<u32> {
    Ok(task::spawn_blocking(work).await?)
}

/// Runs the work on one of rayon's threads, of which there is one per core:
/// made for computing. A oneshot channel brings the answer back.
pub(crate) async fn rayon() -> Result<u32> {
    let (sender, answer) = oneshot::channel();
    rayon::spawn(move || {
        // A panic that reached rayon would abort the whole program.
        let result = panic::catch_unwind(work);
        sender.send(result).ok(); // an error: the caller was canceled
    });
    answer.await?.map_err(|_| anyhow!("the work panicked"))
}
// ANCHOR_END: ways
