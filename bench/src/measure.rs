//! Measures how long short operations take.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::results::Spread;

/// Returns how many seconds one run takes: the median of many batches, so that moments in which the
/// machine did something else do not count. `run` gets the number of runs in a batch.
///
/// It measures for about the given time. Before that, batches grow until one takes a twentieth of
/// the time. That is the warm-up, and it keeps the share of the clock small, which takes as long as
/// some of the operations. If a single batch takes the whole time, it is the measurement.
///
/// # Errors
///
/// When `run` fails.
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

#[cfg(test)]
mod tests {
    use super::*;

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
