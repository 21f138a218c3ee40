//! What a run costs, over its whole process tree. Linux reports all of it; on other systems only the
//! wall time is known.
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use process_tree::{Detail, Snapshot};

/// The costs of a run. What the system does not report is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
}

/// A shorter run yields too few samples to trust: many of them see only the process that was about
/// to become the program.
const LONG_ENOUGH: Duration = Duration::from_millis(50);
/// During this time the sampler does not limit its own CPU time, because many examples end within
/// it.
const START: Duration = Duration::from_millis(20);

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
}

impl Sampler {
    /// Samples a process and its descendants: often at first, because many examples live for only
    /// a few milliseconds, then every 10 ms. It spends at most a twentieth of a core on that, so it
    /// samples less often when there are many threads.
    pub(crate) fn start(process: u32) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let sample_until_stopped = move || {
            let mut peaks = None;
            let mut pause = Duration::from_micros(200);
            let started = Instant::now();
            loop {
                let began = Instant::now();
                if let Some(now) = Snapshot::of(process, Detail::Totals) {
                    let peaks: &mut Peaks = peaks.get_or_insert_default();
                    peaks.memory = peaks.memory.max(now.memory);
                    peaks.threads = peaks.threads.max(now.threads);
                    peaks.processes = peaks.processes.max(now.processes.len() as u64);
                }
                if started.elapsed() > START {
                    pause = Duration::from_millis(10).max(20 * began.elapsed());
                }
                if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                    return peaks.filter(|_| started.elapsed() > LONG_ENOUGH);
                }
            }
        };
        let thread = thread::Builder::new().name("sampler".into()).spawn(sample_until_stopped);
        Some(Self { stop, thread: thread.ok()? })
    }

    /// Ends the thread and returns what it saw; nothing for a program that ended too soon.
    pub(crate) fn finish(self) -> Option<Peaks> {
        drop(self.stop);
        self.thread.join().ok().flatten()
    }
}
