//! A job takes longer than the period of its interval. What happens to the
//! ticks that it missed: three behaviors.
//!
//! ```sh
//! cargo run -p interval-missed-ticks
//! ```
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

const PERIOD: Duration = Duration::from_millis(50);
const SLOW_JOB: Duration = Duration::from_millis(125);

/// Returns the times of five ticks in milliseconds. The job after the first
/// one misses two ticks.
async fn ticks(behavior: MissedTickBehavior) -> Vec<u128> {
    let started = Instant::now();
    let mut interval = interval(PERIOD); // the first tick comes immediately
    interval.set_missed_tick_behavior(behavior);
    let mut times = Vec::new();
    for tick in 1..=5 {
        interval.tick().await;
        times.push(started.elapsed().as_millis());
        if tick == 1 {
            sleep(SLOW_JOB).await;
        }
    }
    times
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for behavior in [
        MissedTickBehavior::Burst, // the default
        MissedTickBehavior::Delay,
        MissedTickBehavior::Skip,
    ] {
        let times = ticks(behavior).await;
        println!("{behavior:?}: ticks after {times:?} ms");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches up, and is then on schedule again.
    #[tokio::test(start_paused = true)]
    async fn burst() {
        let times = ticks(MissedTickBehavior::Burst).await;
        assert_eq!(times, [0, 125, 125, 150, 200]);
    }

    /// Counts a full period from the late tick.
    #[tokio::test(start_paused = true)]
    async fn delay() {
        let times = ticks(MissedTickBehavior::Delay).await;
        assert_eq!(times, [0, 125, 175, 225, 275]);
    }

    /// Drops what was missed, and keeps to the multiples of the period.
    #[tokio::test(start_paused = true)]
    async fn skip() {
        let times = ticks(MissedTickBehavior::Skip).await;
        assert_eq!(times, [0, 125, 150, 200, 250]);
    }
}
