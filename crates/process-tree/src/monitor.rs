//! A ready-made observer.

use std::thread;
use std::time::Instant;

use crate::activity::Activity;
use crate::clocks::Clocks;
use crate::recorder::Recorder;
use crate::sampler::Observer;
use crate::snapshot::{Detail, Snapshot};

/// The largest figures of any snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peaks {
    /// The peak memory of all processes at once, in bytes: see
    /// [`Snapshot::memory`].
    pub memory: u64,
    /// The number of threads.
    pub threads: u64,
    /// The number of processes.
    pub processes: u64,
}

impl Peaks {
    /// Raises each figure to that of a snapshot, if it is larger there.
    pub fn add(&mut self, snapshot: &Snapshot) {
        self.memory = self.memory.max(snapshot.memory);
        self.threads = self.threads.max(snapshot.threads);
        self.processes =
            self.processes.max(snapshot.processes.len() as u64);
    }
}

/// An [`Observer`] that keeps the peaks, the states of each thread and the
/// cores in use. Another observer can pass its snapshots on to a monitor.
///
/// ```
/// use std::process::Command;
/// use std::time::Instant;
/// use process_tree::{Monitor, Pace, Sampler, Target};
///
/// # #[cfg(target_os = "linux")]
/// # fn main() -> std::io::Result<()> {
/// let started = Instant::now();
/// let mut child = Command::new("sleep").arg("0.2").spawn()?;
/// let target = Target::Process(child.id());
/// let monitor = Monitor::new(started);
/// let sampler = Sampler::start(target, Pace::default(), monitor)?;
/// child.wait()?;
/// let monitor = sampler.finish();
/// assert_eq!(monitor.peaks().unwrap().threads, 1);
/// let activity = monitor.activity().unwrap();
/// // For example "c1.3 s199.2": it computed and then slept.
/// println!("{}", activity.threads[0].spans);
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Monitor {
    started: Instant,
    cores: u64,
    peaks: Option<Peaks>,
    clocks: Clocks,
    recorder: Recorder,
}

impl Monitor {
    /// Returns a monitor of a program that was started at this time.
    pub fn new(started: Instant) -> Self {
        let cores = thread::available_parallelism();
        Self {
            started,
            cores: cores.map_or(1, |cores| cores.get() as u64),
            peaks: None,
            clocks: Clocks::default(),
            recorder: Recorder::default(),
        }
    }

    /// Returns the largest figures so far, or `None` before the first
    /// snapshot.
    pub fn peaks(&self) -> Option<Peaks> {
        self.peaks
    }

    /// Returns what the threads have done so far, or `None` in the first 20
    /// ms, when there are too few snapshots.
    pub fn activity(&self) -> Option<Activity> {
        self.recorder.activity()
    }
}

impl Observer for Monitor {
    fn observe(&mut self, at: Instant, snapshot: &Snapshot) {
        self.peaks.get_or_insert_default().add(snapshot);
        if snapshot.detail > Detail::Totals {
            let at = at.saturating_duration_since(self.started);
            self.recorder.add(at, snapshot);
            let used = self.clocks.read(&snapshot.processes);
            let usable = snapshot.runnable().min(self.cores);
            self.recorder.add_cpu(self.started.elapsed(), used, usable);
        }
    }
}
