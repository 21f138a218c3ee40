//! What a run costs, over its whole process tree. Linux tells it in `/proc`; elsewhere only the
//! time is known.

use std::time::Duration;

/// The costs of a run. What the system does not tell is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Costs {
    /// The time from the start of the program to the end of its first process.
    pub wall: Duration,
    /// The processor time of the first process and of all that it waited for, in the kernel's
    /// steps of 10 ms.
    pub cpu: Option<Duration>,
    /// The most memory in RAM, in bytes: at each sample the greatest size so far of each process
    /// that is there, added up. Pages that processes share count for each.
    pub memory: Option<u64>,
    /// The most OS threads at once.
    pub threads: Option<u64>,
    /// The most processes at once.
    pub processes: Option<u64>,
}

/// The greatest figures that were seen at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peaks {
    pub memory: u64,
    pub threads: u64,
    pub processes: u64,
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{Sampler, cpu_time};

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread::{self, JoinHandle};
    use std::time::{Duration, Instant};

    use procfs::process::{Process, Stat};

    use super::Peaks;

    /// What is over sooner has been seen too seldom, and by half as the process that was to become
    /// it: that says nothing of peaks.
    const LONG_ENOUGH: Duration = Duration::from_millis(50);
    /// For so long the sampler may spend what it likes: many an example has ended by then.
    const START: Duration = Duration::from_millis(20);

    /// A thread that looks at a process tree again and again.
    #[derive(Debug)]
    pub(crate) struct Sampler {
        // Dropping it ends the thread.
        stop: mpsc::Sender<()>,
        thread: JoinHandle<Option<Peaks>>,
    }

    impl Sampler {
        /// Begins with a process and its children. Samples often at first, since many an example
        /// lives for a few milliseconds only, then every 10 ms; but spends no more than a
        /// twentieth of a core on it, however many threads there are.
        pub(crate) fn start(process: u32) -> Option<Self> {
            let process = process.try_into().ok()?;
            let (stop, stopped) = mpsc::channel();
            let sample_until_stopped = move || {
                let mut peaks = Peaks::default();
                let mut pause = Duration::from_micros(200);
                let started = Instant::now();
                loop {
                    let began = Instant::now();
                    let mut now = Peaks::default();
                    add(process, &mut now);
                    peaks.memory = peaks.memory.max(now.memory);
                    peaks.threads = peaks.threads.max(now.threads);
                    peaks.processes = peaks.processes.max(now.processes);

                    if started.elapsed() > START {
                        pause = Duration::from_millis(10).max(20 * began.elapsed());
                    }
                    if stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                        return (started.elapsed() > LONG_ENOUGH).then_some(peaks);
                    }
                }
            };
            let thread = thread::Builder::new().name("sampler".into()).spawn(sample_until_stopped);
            Some(Self { stop, thread: thread.ok()? })
        }

        /// Ends the thread, and gives what it saw; nothing of a program that was over too soon.
        pub(crate) fn finish(self) -> Option<Peaks> {
            drop(self.stop);
            self.thread.join().ok().flatten()
        }
    }

    /// Adds the figures of a process and its children. One that ends meanwhile counts as gone.
    fn add(process: i32, peaks: &mut Peaks) -> Option<()> {
        let process = Process::new(process).ok()?;
        let status = process.status().ok()?;
        // A zombie has no memory left.
        peaks.memory += status.vmhwm? * 1024;
        peaks.threads += status.threads;
        peaks.processes += 1;
        for task in process.tasks().ok()?.flatten() {
            for child in task.children().unwrap_or_default() {
                add(i32::try_from(child).ok()?, peaks);
            }
        }
        Some(())
    }

    /// The processor time of a process and of those that it waited for. Known until it is reaped.
    pub(crate) fn cpu_time(process: u32) -> Option<Duration> {
        let Stat { utime, stime, cutime, cstime, .. } =
            Process::new(process.try_into().ok()?).ok()?.stat().ok()?;
        let children = u64::try_from(cutime + cstime).ok()?;
        let ticks = utime + stime + children;
        Some(Duration::from_secs(ticks) / u32::try_from(procfs::ticks_per_second()).ok()?)
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Sampler, cpu_time};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Duration, Peaks};

    #[derive(Debug)]
    pub(crate) struct Sampler;

    impl Sampler {
        pub(crate) fn start(_process: u32) -> Option<Self> {
            None
        }

        pub(crate) fn finish(self) -> Option<Peaks> {
            None
        }
    }

    #[allow(dead_code, reason = "Windows has no process to ask between its end and its reaping")]
    pub(crate) fn cpu_time(_process: u32) -> Option<Duration> {
        None
    }
}
