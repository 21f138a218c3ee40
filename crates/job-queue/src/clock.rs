//! The age of a job, although the clocks of machines disagree.

use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::link::Link;

/// The difference between the server's clock and this machine's, measured once
/// per connection. The server stamps each job with its own clock, so ages are
/// measured by that clock alone.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    now: fn() -> SystemTime,
    /// The server's time minus this machine's, in nanoseconds.
    ahead: i128,
}

impl Clock {
    /// Stores an empty message and reads at which time the server did that.
    ///
    /// # Errors
    ///
    /// If the server does not answer.
    pub async fn measure(
        link: &Link,
        now: fn() -> SystemTime,
    ) -> Result<Self, Error> {
        let subject =
            link.names.result(&format!("clock.{}", link.unique()));
        let before = nanoseconds(now());
        let stored =
            link.publish(&subject, None, bytes::Bytes::new()).await;
        let after = nanoseconds(now());
        let sequence = stored.map_err(|fault| link.unreachable(&fault))?;
        let message = link.results().await?.get_raw_message(sequence).await;
        let message = message.map_err(|fault| link.unreachable(&fault))?;
        let server = message.time.unix_timestamp_nanos();
        Ok(Self { now, ahead: server - (before + after) / 2 })
    }

    /// Returns the time that has passed since the server's clock showed this one,
    /// in nanoseconds since 1970.
    pub fn since(&self, published: i128) -> Duration {
        let age = nanoseconds((self.now)()) + self.ahead - published;
        Duration::from_nanos(age.clamp(0, i128::from(u64::MAX)) as u64)
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos())
            .unwrap_or(i128::MAX),
    }
}
