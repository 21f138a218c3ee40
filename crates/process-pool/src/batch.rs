//! The batches of a map: many short jobs in one message to a worker.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::wire;

/// Size of a batch, in bytes: as much as a pipe holds by default. With more, the
/// parent would have to wait for the worker.
const BYTES: usize = 64 << 10;
/// Maximum number of jobs in a batch.
const JOBS: usize = 1000;
/// A batch that took less time than this could have been larger.
const SHORT: Duration = Duration::from_millis(1);
/// A batch that took more time than this would lose too many results if its
/// worker died.
const LONG: Duration = Duration::from_millis(4);

/// Some consecutive jobs of a map.
pub struct Batch {
    /// The jobs that can be sent, as frames.
    pub frames: Vec<u8>,
    /// Number of jobs in the frames.
    pub jobs: usize,
    /// The jobs that cannot be sent: their position in the batch, and why.
    pub faults: Vec<(usize, Error)>,
}

impl Batch {
    /// Takes the next jobs; none when there are no more.
    pub fn take<J: Serialize>(
        jobs: &mut impl Iterator<Item = J>,
        max: usize,
        limit: usize,
    ) -> Option<Self> {
        let mut batch =
            Self { frames: Vec::new(), jobs: 0, faults: Vec::new() };
        for (position, job) in jobs.take(max).enumerate() {
            match wire::append(&job, limit, &mut batch.frames) {
                Ok(()) => batch.jobs += 1,
                Err(error) => batch.faults.push((position, error)),
            }
            if batch.frames.len() >= BYTES {
                break;
            }
        }
        (batch.jobs + batch.faults.len() > 0).then_some(batch)
    }
}

/// Number of jobs that make a batch. It starts at one and then follows the time that
/// batches take: long jobs travel alone, short ones by the hundred.
pub struct BatchSize(AtomicUsize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(AtomicUsize::new(1))
    }
}

impl BatchSize {
    pub fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Learns from a batch of this many jobs.
    pub fn adapt(&self, jobs: usize, took: Duration) {
        if took < SHORT {
            self.0.fetch_max((2 * jobs).min(JOBS), Relaxed);
        } else if took > LONG {
            self.0.fetch_min((jobs / 2).max(1), Relaxed);
        }
    }
}
