//! Measures the time of short operations, and the number that several threads complete together.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::kept::results::Spread;

/// Returns the seconds that one run takes: the median of many batches, so that moments in which the
/// machine did something else do not count. `run` gets the number of runs in a batch.
///
/// It measures for about the given time. Before that, batches grow until one takes a twentieth of
/// the time. That is the warm-up, and it keeps the share of the clock small, which takes as long as
/// some of the operations. If a single batch takes the whole time, it is the measurement.
///
/// # Errors
///
/// If `run` fails.
pub fn seconds(time: Duration, mut run: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let mut batch = |times: u64| -> Result<Duration> {
        let started = Instant::now();
        run(times)?;
        Ok(started.elapsed())
    };
    let mut times = 1;
    let mut took = batch(times)?;
    while took < time / 20 {
        times *= 2;
        took = batch(times)?;
    }
    let each = |took: Duration| took.as_secs_f64() / times as f64;
    if took >= time {
        return Ok(each(took));
    }
    let started = Instant::now();
    let mut batches = Vec::new();
    while batches.is_empty() || started.elapsed() < time {
        batches.push(each(batch(times)?));
    }
    Ok(Spread::of(batches).context("nothing was measured")?.median)
}

/// Returns the operations per second that this many threads complete together. Each thread repeats
/// the operation that `worker` makes from the thread's number until the time is over, and runs it at
/// least once.
pub fn per_second<F: FnMut()>(
    threads: usize,
    time: Duration,
    worker: impl Fn(usize) -> F + Sync,
) -> f64 {
    let (start, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    let done = AtomicU64::new(0);
    let run = |number| {
        let mut operation = worker(number);
        let mut times = 0;
        start.wait();
        loop {
            operation();
            times += 1;
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        done.fetch_add(times, Ordering::Relaxed);
    };
    let took = thread::scope(|scope| {
        for number in 0..threads {
            let run = &run;
            scope.spawn(move || run(number));
        }
        start.wait();
        let started = Instant::now();
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        started.elapsed()
    });
    done.into_inner() as f64 / took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every thread takes part: they meet before any of them counts.
    #[test]
    fn the_operations_of_all_threads_are_counted() {
        let (all, counted) = (Barrier::new(3), AtomicU64::new(0));
        let time = Duration::from_millis(20);
        let rate = per_second(3, time, |_| {
            let mut met = false;
            let (all, counted) = (&all, &counted);
            move || {
                if !met {
                    all.wait();
                    met = true;
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The threads may have worked for longer than the time, but not for less.
        let max = counted.into_inner() as f64 / time.as_secs_f64();
        assert!(rate > 0.0 && rate <= max, "{rate} of at most {max}");
    }

    #[test]
    fn the_time_is_that_of_one_run_whatever_the_batch() {
        let each = Duration::from_micros(100);
        let run = |times| {
            std::thread::sleep(each * u32::try_from(times)?);
            Ok(())
        };
        // A sleep is never shorter than requested, so neither is the median.
        assert!(seconds(Duration::from_millis(50), run).unwrap() >= each.as_secs_f64());
    }

    #[test]
    fn a_run_that_fails_ends_it() {
        assert!(seconds(Duration::from_secs(1), |_| anyhow::bail!("it failed")).is_err());
    }
}
