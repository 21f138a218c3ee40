//! The costs of a run, over its whole process tree. Linux reports all of them; on other systems only
//! the wall time is known.
use std::time::{Duration, Instant};

use process_tree::activity::Activity;
use process_tree::{Monitor, Pace, Sampler, Target};

/// The costs of a run. `None` stands for costs that the system does not report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Costs {
    /// The time from the start of the program to the end of its first process.
    pub wall: Duration,
    /// The CPU time of the first process and of all the processes that it waited for, in the
    /// kernel's steps of 10 ms.
    pub cpu: Option<Duration>,
    /// The peak memory in bytes: at each sample, the peak so far of each process that is there,
    /// added up. A page that several processes share counts once for each of them.
    pub memory: Option<u64>,
    /// The maximum number of OS threads at once.
    pub threads: Option<u64>,
    /// The maximum number of processes at once.
    pub processes: Option<u64>,
    /// The states of its threads. None for a run of less than about 20 ms.
    pub activity: Option<Activity>,
}

/// A shorter run yields too few samples to trust: many of them see only the process that was about
/// to become the program.
const LONG_ENOUGH: Duration = Duration::from_millis(50);

/// Starts to sample a program that was started at this time. None if there is no thread for it.
pub(crate) fn sample(process: u32, started: Instant) -> Option<Sampler<Monitor>> {
    let monitor = Monitor::new(started);
    Sampler::start(Target::Process(process), Pace::default(), monitor).ok()
}

impl Costs {
    /// Adds what the sampler saw of a program that was started at this time and has just ended.
    pub(crate) fn add(&mut self, monitor: &Monitor, started: Instant) {
        let peaks = monitor.peaks().filter(|_| started.elapsed() > LONG_ENOUGH);
        self.memory = peaks.map(|peaks| peaks.memory);
        self.threads = peaks.map(|peaks| peaks.threads);
        self.processes = peaks.map(|peaks| peaks.processes);
        self.activity = monitor.activity();
    }
}
