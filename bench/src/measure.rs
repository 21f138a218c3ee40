//! How long something short takes.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How many seconds one run takes on average. `run` is told how often to do it.
///
/// It runs for about the given time, after a tenth of that to warm up, which does not count unless
/// the first run takes all the time by itself. The clock is asked only once in a while: some of
/// what is measured takes no longer than that.
///
/// # Errors
///
/// When `run` fails.
pub fn mean(time: Duration, mut run: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let mut times = 1;
    let mut mean_in = |time: Duration| -> Result<(f64, Duration)> {
        let (mut took, mut done) = (Duration::ZERO, 0);
        while took < time {
            let started = Instant::now();
            run(times)?;
            let this = started.elapsed();
            (took, done) = (took + this, done + times);
            if this < time / 50 {
                times *= 2;
            }
        }
        Ok((took.as_secs_f64() / done as f64, took))
    };
    let (first, took) = mean_in(time / 10)?;
    if took >= time { Ok(first) } else { Ok(mean_in(time)?.0) }
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
        assert!(mean(Duration::from_millis(50), run).unwrap() >= each.as_secs_f64());
    }

    #[test]
    fn a_run_that_fails_ends_it() {
        assert!(mean(Duration::from_secs(1), |_| anyhow::bail!("it failed")).is_err());
    }
}
