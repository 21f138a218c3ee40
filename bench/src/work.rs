//! CPU work that benchmarks share. It walks Collatz's sequences: a sum of squares is turned into a
//! formula by the compiler, and then there is no work left to measure.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use process_pool::{Config, JobResult, Pool};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// The steps from `start` down to 1.
///
/// Not inlined, so that all who measure it run the same machine code.
#[inline(never)]
pub fn chain(start: u64) -> u64 {
    let (mut n, mut steps) = (start, 0);
    while n != 1 {
        n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

/// The most steps that a chain takes, and where it starts; the last of those that take as many.
pub fn longest(starts: Range<u64>) -> (u64, u64) {
    starts.map(|start| (chain(start), start)).max().unwrap_or_default()
}

/// Goes so many steps, along the chain of the next number where one ends, and tells where that is.
#[inline(never)]
pub fn walk(mut start: u64, steps: u64) -> u64 {
    let mut n = start;
    for _ in 0..steps {
        if n == 1 {
            start += 1;
            n = start;
        } else {
            n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
        }
    }
    n
}

/// How many steps of [`walk`] take so long on this machine while nothing disturbs them.
pub fn steps_in(time: Duration) -> u64 {
    const STEPS: u64 = 1_000_000;

    let trial = |_| {
        let started = Instant::now();
        black_box(walk(black_box(1), STEPS));
        started.elapsed()
    };
    let fastest = (0..20).map(trial).min().unwrap_or_default(); // the others were disturbed
    (STEPS as f64 * time.as_secs_f64() / fastest.as_secs_f64()).max(1.0) as u64
}

/// The cores that this process may use, which is one when it is kept to one; and so as many workers
/// as pools have.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The jobs of [`with_pool`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Job {
    /// [`longest`].
    Longest(Range<u64>),
    /// [`walk`]: the start, and how many steps.
    Walk(u64, u64),
}

impl process_pool::Job for Job {
    type Output = (u64, u64);

    fn run(self) -> JobResult<(u64, u64)> {
        Ok(match self {
            Self::Longest(starts) => longest(starts),
            Self::Walk(start, steps) => (walk(start, steps), start),
        })
    }
}

/// Starts a pool of processes, a worker for each core, and ends it when the body is done.
///
/// # Errors
///
/// When the pool cannot be started, or the body fails.
pub fn with_pool<T>(
    runtime: &Runtime,
    niceness: i32,
    body: impl FnOnce(&Arc<Pool<Job>>) -> Result<T>,
) -> Result<T> {
    let config = Config { niceness, queue: 1000, ..Config::default() };
    let pool = runtime.block_on(Pool::start(config)).context("starting the process pool")?;
    let pool = Arc::new(pool);
    let result = body(&pool);
    runtime.block_on(pool.shutdown());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_chain_is_found() {
        assert_eq!(longest(1..10), (19, 9));
    }

    #[test]
    fn a_walk_goes_on_along_the_next_chain() {
        // 3 10 5 16 8 4 2 1, and then 4 2.
        assert_eq!(walk(3, 7), 1);
        assert_eq!(walk(3, 9), 2);
    }
}
