//! How long something short takes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::results::Spread;

/// How many seconds one run takes: the median of many batches, so that a moment in which the machine
/// did something else does not count. `run` is told how many make a batch.
///
/// It measures for about the given time. Before that, batches grow until one takes a twentieth of
/// it: that warms up, and the clock, which is as slow as some of what is measured, is seldom asked.
/// If a single run takes all the time by itself, it is the measurement.
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
    fn one_run_is_measured_however_often_it_is_done() {
        let each = Duration::from_micros(100);
        let run = |times| {
            std::thread::sleep(each * u32::try_from(times)?);
            Ok(())
        };
        // A sleep is never shorter than it was asked for, and this one has been done many times.
        assert!(seconds(Duration::from_millis(50), run).unwrap() >= each.as_secs_f64());
    }

    #[test]
    fn a_run_that_fails_ends_it() {
        assert!(seconds(Duration::from_secs(1), |_| anyhow::bail!("it failed")).is_err());
    }
}
