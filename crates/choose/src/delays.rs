//! The time that threads ran, and the time that they were delayed because
//! no core was free.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use process_tree::{Snapshot, Times};

/// The CPU time and the scheduling delays of all threads of a tree, as the
/// kernel counts them.
///
/// Thousands of threads that wake up at once queue for each other, in total
/// for longer than the run takes. So the time is divided into windows. A
/// window counts no more delay than its own length, plus the room that the
/// window before it had: the kernel reports a delay only when it is over.
#[derive(Debug)]
pub(crate) struct Delays {
    /// The last known times of each thread by its id, also after its end.
    threads: HashMap<i32, Times>,
    /// The CPU time of threads whose ids have been reused.
    reused: Duration,
    /// The start of the current window.
    window_began: Instant,
    /// The delays of all threads in the current window, added up.
    window_queued: Duration,
    /// The delays that the earlier windows count.
    earlier: Duration,
    /// The time in the previous window in which no thread queued.
    room: Duration,
    /// True if the last snapshot had more threads than [`Self::FEW`].
    has_many_threads: bool,
    /// True if the kernel has reported times.
    is_reported: bool,
}

impl Delays {
    /// The length of a window, unless snapshots are further apart.
    const WINDOW: Duration = Duration::from_millis(250);
    /// With more threads than that, only one snapshot in each window reads
    /// their times.
    const FEW: usize = 64;

    pub(crate) fn begin(now: Instant) -> Self {
        Self {
            threads: HashMap::new(),
            reused: Duration::ZERO,
            window_began: now,
            window_queued: Duration::ZERO,
            earlier: Duration::ZERO,
            room: Duration::ZERO,
            has_many_threads: false,
            is_reported: false,
        }
    }

    /// Returns true if the next snapshot has to read the times.
    pub(crate) fn are_due(&self) -> bool {
        !self.has_many_threads
            || self.window_began.elapsed() >= Self::WINDOW
    }

    /// Adds the times in a snapshot, if it has read them.
    pub(crate) fn add(&mut self, tree: &Snapshot, now: Instant) {
        self.has_many_threads = tree.seen.len() > Self::FEW;
        for thread in &tree.seen {
            let Some(times) = thread.times else { continue };
            self.is_reported = true;
            let last = self.threads.insert(thread.id, times);
            let last = last.unwrap_or_default();
            if times.ran < last.ran {
                self.reused += last.ran; // another thread with the same id
                self.window_queued += times.queued;
            } else {
                self.window_queued +=
                    times.queued.saturating_sub(last.queued);
            }
        }
        let length = now.saturating_duration_since(self.window_began);
        if length >= Self::WINDOW {
            self.earlier += self.window_queued.min(length + self.room);
            self.room = length.saturating_sub(self.window_queued);
            self.window_queued = Duration::ZERO;
            self.window_began = now;
        }
    }

    /// Returns the CPU time, in seconds, of all threads that were seen.
    pub(crate) fn ran(&self) -> f64 {
        let ran: Duration = self.threads.values().map(|it| it.ran).sum();
        (ran + self.reused).as_secs_f64()
    }

    /// Returns the delays in seconds, or `None` if the kernel does not
    /// report them. A thread that no snapshot saw counts as much, for each
    /// second of its CPU time, as those that were seen. `cpu` is the CPU
    /// time of all threads in seconds.
    pub(crate) fn queued(&self, cpu: f64) -> Option<f64> {
        let length = self.window_began.elapsed() + self.room;
        let queued = self.earlier + self.window_queued.min(length);
        let ran = self.ran();
        (self.is_reported && ran > 0.0)
            .then(|| queued.as_secs_f64() * (cpu / ran).max(1.0))
    }

    /// Returns delays in which a single thread ran and queued for these
    /// times.
    #[cfg(test)]
    pub(crate) fn of_one_thread(times: Times) -> Self {
        Self {
            threads: HashMap::from([(1, times)]),
            earlier: times.queued,
            is_reported: true,
            ..Self::begin(Instant::now())
        }
    }
}

#[cfg(test)]
mod tests {
    use process_tree::{KernelState, ThreadSample};

    use super::*;

    #[test]
    fn a_window_counts_no_more_delay_than_it_has_room_for() {
        let began = Instant::now();
        let mut delays = Delays::begin(began);
        let mut add = |milliseconds, threads: &[(i32, u64)]| {
            let mut tree = Snapshot::default();
            for &(id, queued) in threads {
                let state = KernelState::Sleeping;
                let mut thread = ThreadSample::new(1, id, state);
                let ran = Duration::from_millis(1);
                let queued = Duration::from_millis(queued);
                thread.times = Some(Times { ran, queued });
                tree.seen.push(thread);
            }
            delays.add(&tree, began + Duration::from_millis(milliseconds));
            delays.earlier.as_millis()
        };
        assert_eq!(add(100, &[(1, 50)]), 0, "the window is open");
        assert_eq!(add(250, &[(1, 70)]), 70);
        // The window before has room for 180 ms of this delay.
        assert_eq!(add(500, &[(1, 70 + 300)]), 70 + 300);
        // A thousand delays of 100 ms.
        let thousand: Vec<_> = (1..=1000).map(|id| (id, 470)).collect();
        assert_eq!(add(750, &thousand), 70 + 300 + 250);
        // No further delay.
        assert_eq!(add(1000, &thousand), 70 + 300 + 250);
    }
}
