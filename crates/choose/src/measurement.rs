//! The figures of a run.

use std::time::Duration;

use serde::Serialize;

/// A shorter run is mostly the start of the program.
pub const TOO_SHORT: Duration = Duration::from_millis(100);

/// Fewer samples show too little of a share of the time.
pub const ENOUGH_SAMPLES: u32 = 10;

/// The figures of a run, over the whole process tree of the command. `None`
/// stands for a figure that this system does not report, or for a command
/// that ended before the first sample.
///
/// Fields may be added. Write `..Measurement::default()` at the end.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measurement {
    /// From the start of the command to its end.
    pub wall_seconds: f64,
    /// CPU time of the command and of all processes that it waited for.
    pub cpu_seconds: Option<f64>,
    /// `cpu_seconds` ÷ `wall_seconds`.
    pub cores_used: Option<f64>,
    /// The average number of runnable threads while at least one was
    /// runnable, with at most as many counted as there are cores.
    pub cores_wanted: Option<f64>,
    /// The share of the time in which at least one thread was runnable: 0
    /// to 1.
    pub runnable_share: Option<f64>,
    /// The share of the time in which the command would compute if it had
    /// the machine for itself: 0 to 1.
    pub computing_share: Option<f64>,
    /// The factor by which the computing took longer because other programs
    /// had the cores. 1 if that cost less than a fiftieth of the time.
    pub slowed_down_times: Option<f64>,
    /// The number of times that a thread gave up its core to wait.
    pub waits: Option<u64>,
    /// The time that all threads waited, added up, ÷ `waits`.
    pub average_wait_seconds: Option<f64>,
    /// The maximum number of threads that waited at once.
    pub max_waits_at_once: Option<u64>,
    /// The maximum memory at once.
    pub peak_memory_bytes: Option<u64>,
    /// The maximum number of threads at once.
    pub max_threads: Option<u64>,
    /// The maximum number of processes at once.
    pub max_processes: Option<u64>,
    /// The number of samples of the process tree.
    pub samples: Option<u32>,
    /// The ids of the processes of the command that were still running a
    /// tenth of a second after its end.
    pub left_running: Option<Vec<i32>>,
}

impl Measurement {
    /// Returns the number of waits for each second of CPU time.
    ///
    /// ```
    /// use choose::measure::Measurement;
    ///
    /// let mut run = Measurement::default();
    /// assert_eq!(run.waits_per_cpu_second(), None);
    /// (run.cpu_seconds, run.waits) = (Some(0.5), Some(100));
    /// assert_eq!(run.waits_per_cpu_second(), Some(200.0));
    /// ```
    pub fn waits_per_cpu_second(&self) -> Option<f64> {
        let cpu = self.cpu_seconds.filter(|seconds| *seconds > 0.0)?;
        Some(self.waits? as f64 / cpu)
    }
}
