//! CPU work that benchmarks share. It follows Collatz sequences, because the compiler turns a sum of
//! squares into a formula, which leaves no work to measure.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use process_pool::{Config, JobResult, Pool};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// Returns the number of steps from `start` down to 1.
///
/// Not inlined, so that all implementations run the same machine code.
#[inline(never)]
pub fn chain(start: u64) -> u64 {
    let (mut n, mut steps) = (start, 0);
    while n != 1 {
        n = if n.is_multiple_of(2) { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

/// Returns the length of the longest chain and its start. Of several starts, the largest one.
pub fn longest(starts: Range<u64>) -> (u64, u64) {
    starts.map(|start| (chain(start), start)).max().unwrap_or_default()
}

/// Takes this many steps, continuing with the chain of the next number where one ends, and returns
/// the number that it reaches.
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

/// Returns how many steps of [`walk`] take this long on this machine if nothing else runs.
pub fn steps_in(time: Duration) -> u64 {
    const STEPS: u64 = 1_000_000;

    let trial = |_| {
        let started = Instant::now();
        black_box(walk(black_box(1), STEPS));
        started.elapsed()
    };
    let fastest = (0..20).map(trial).min().unwrap_or_default(); // the slower ones were interrupted
    (STEPS as f64 * time.as_secs_f64() / fastest.as_secs_f64()).max(1.0) as u64
}

/// Returns the number of cores that this process may use. Pools have as many workers.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The jobs of [`with_pool`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Job {
    /// [`longest`].
    Longest(Range<u64>),
    /// [`walk`]: the start, and the number of steps.
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

/// Starts a process pool with one worker per core, and shuts it down when the body is done.
///
/// # Errors
///
/// If the pool cannot be started, or the body fails.
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
    fn longest_returns_the_longest_chain() {
        assert_eq!(longest(1..10), (19, 9));
    }

    #[test]
    fn a_walk_continues_with_the_next_chain() {
        // 3 10 5 16 8 4 2 1, and then 4 2.
        assert_eq!(walk(3, 7), 1);
        assert_eq!(walk(3, 9), 2);
    }
}
