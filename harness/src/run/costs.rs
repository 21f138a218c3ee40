//! What a run costs, over its whole process tree. Linux reports all of it; on other systems only the
//! wall time is known.
use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use process_tree::{Detail, Samples, Snapshot, own_cpu_time};

use process_tree::activity::Activity;

/// The costs of a run. What the system does not report is `None`.
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
    /// The most OS threads at once.
    pub threads: Option<u64>,
    /// The most processes at once.
    pub processes: Option<u64>,
    /// What the threads did. None for a run of less than about 20 ms.
    pub activity: Option<Activity>,
}

/// A shorter run yields too few samples to trust: many of them see only the process that was about
/// to become the program.
const LONG_ENOUGH: Duration = Duration::from_millis(50);
/// During this time the sampler counts processes and threads without limiting its own CPU time,
/// because many examples end within it.
const START: Duration = Duration::from_millis(20);
/// The pause between two samples during that time, and later.
const OFTEN: Duration = Duration::from_micros(200);
const INTERVAL: Duration = Duration::from_millis(5);
/// The pause between two samples of what each thread does, during that time.
const INTERVAL_AT_START: Duration = Duration::from_millis(1);
/// Sampling what each thread does may use one core for this part of the time: a twentieth.
const EFFORT: u32 = 20;

/// The largest figures that one sample saw.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peaks {
    pub memory: u64,
    pub threads: u64,
    pub processes: u64,
}

/// A thread that samples a process tree until it is told to stop.
#[derive(Debug)]
pub(crate) struct Sampler {
    // Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Option<Peaks>>,
    samples: Arc<Mutex<Samples>>,
}

impl Sampler {
    /// Samples a process and its descendants, which was started at this time: every 5 ms, and more
    /// often at first, because many examples live for only a few milliseconds. What each thread
    /// does takes at most a twentieth of a core to find out, so it is sampled less often when there
    /// are many threads.
    pub(crate) fn start(process: u32, started: Instant) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let samples = Arc::new(Mutex::new(Samples::default()));
        let shared = Arc::clone(&samples);
        let sample_until_stopped = move || {
            let mut peaks = None;
            let mut clocks = Clocks::default();
            let mut threads_due = started;
            let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
            loop {
                let began = Instant::now();
                let is_start = started.elapsed() < START;
                let with_threads = !is_start || began >= threads_due;
                let detail = if with_threads { Detail::Waits } else { Detail::Totals };
                let mut pause = if is_start { OFTEN } else { INTERVAL };
                if let Some(now) = Snapshot::of(process, detail) {
                    let peaks: &mut Peaks = peaks.get_or_insert_default();
                    peaks.memory = peaks.memory.max(now.memory);
                    peaks.threads = peaks.threads.max(now.threads);
                    peaks.processes = peaks.processes.max(now.processes.len() as u64);
                    if with_threads {
                        let mut samples = lock(&shared);
                        samples.add(began - started, &now);
                        let used = clocks.read(&now.processes);
                        samples.add_cpu(started.elapsed(), used, now.runnable().min(cores));
                        let rest = EFFORT * now.took;
                        threads_due = Instant::now() + rest.max(INTERVAL_AT_START);
                        pause = if is_start { pause } else { pause.max(rest) };
                    }
                }
                if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                    return peaks.filter(|_| started.elapsed() > LONG_ENOUGH);
                }
            }
        };
        let thread = thread::Builder::new().name("sampler".into()).spawn(sample_until_stopped);
        Some(Self { stop, thread: thread.ok()?, samples })
    }

    /// What the threads have done so far.
    pub(crate) fn activity(&self) -> Option<Activity> {
        lock(&self.samples).activity()
    }

    /// Ends the thread and returns what it saw; nothing for a program that ended too soon.
    pub(crate) fn finish(self) -> (Option<Peaks>, Option<Activity>) {
        drop(self.stop);
        let peaks = self.thread.join().ok().flatten();
        (peaks, lock(&self.samples).activity())
    }
}

fn lock(samples: &Mutex<Samples>) -> MutexGuard<'_, Samples> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The CPU time of all processes, also of those that have ended.
#[derive(Debug, Default)]
struct Clocks {
    /// What each process had used when it was last read.
    last: HashMap<i32, Duration>,
    total: Duration,
}

impl Clocks {
    /// Adds what the processes have used since the last time, and returns the total. The clock of a
    /// process that has ended can still be read until the process is reaped.
    fn read(&mut self, processes: &[i32]) -> Duration {
        for process in processes {
            self.last.entry(*process).or_default();
        }
        self.last.retain(|process, last| {
            let Some(now) = own_cpu_time(process.cast_unsigned()) else { return false };
            self.total += now.saturating_sub(*last);
            *last = now;
            true
        });
        self.total
    }
}
