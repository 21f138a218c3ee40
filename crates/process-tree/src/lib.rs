//! Looks at a tree of processes from outside: how many processes and threads it has, how many of
//! them want a core, and how much memory they use.
//!
//! Linux shows all of this in `/proc`. On other systems there is nothing to read, so every function
//! returns `None`.

use std::time::Duration;

/// One look at a tree of processes.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The ids of the processes, a parent before its children.
    pub processes: Vec<i32>,
    /// How many threads they have.
    pub threads: u64,
    /// How many of the threads are running, or would be if a core were free.
    pub runnable: u64,
    /// The peak memory of each process so far, in bytes, added up. A page that several processes
    /// share counts once for each of them.
    pub memory: u64,
    /// Processes that are about to end, or have ended and wait to be reaped.
    pub ending: u64,
    /// The CPU time that the look itself took.
    pub took: Duration,
}

#[cfg(target_os = "linux")]
pub use linux::{adopt_orphans, cpu_time};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use procfs::process::{Process, Stat};
    use rustix::process::{
        Pid, WaitOptions, getpid, set_child_subreaper, waitpid,
    };
    use rustix::time::{ClockId, clock_gettime};

    use super::Snapshot;

    impl Snapshot {
        /// Looks at a process and everything below it. None if the process has ended.
        pub fn of(process: u32) -> Option<Self> {
            let began = thread_cpu_time();
            let mut snapshot = Self::default();
            snapshot.add(process.try_into().ok()?)?;
            snapshot.took = thread_cpu_time().saturating_sub(began);
            Some(snapshot)
        }

        /// Looks at everything that this process has started, without the process itself. Children
        /// that have ended are reaped, except for `waited_for`, which another part of the program
        /// waits for. None if the kernel does not list the children of a thread.
        pub fn of_children(waited_for: Option<u32>) -> Option<Self> {
            let began = thread_cpu_time();
            let mut snapshot = Self::default();
            for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
                for child in children(&task.path())? {
                    if snapshot.add(child).is_none()
                        && Some(child) != waited_for.map(u32::cast_signed)
                        && !has_ended(child)
                    {
                        snapshot.ending += 1;
                    }
                }
            }
            snapshot.took = thread_cpu_time().saturating_sub(began);
            Some(snapshot)
        }

        /// Adds a process and its children. None if it has ended.
        fn add(&mut self, id: i32) -> Option<()> {
            let status = Process::new(id).ok()?.status().ok()?;
            self.memory += status.vmhwm? * 1024; // a zombie has none
            self.processes.push(id);
            self.threads += status.threads;
            let tasks = fs::read_dir(format!("/proc/{id}/task")).ok()?;
            for task in tasks.flatten().map(|task| task.path()) {
                self.runnable += u64::from(is_runnable(&task));
                for child in children(&task).unwrap_or_default() {
                    self.add(child);
                }
            }
            Some(())
        }
    }

    /// Makes this process the parent of the orphans among its descendants, so that a look still
    /// finds them, and what they used is counted when they end.
    pub fn adopt_orphans() {
        set_child_subreaper(Some(getpid())).ok(); // without it, orphans are not seen
    }

    /// The CPU time of a process and of the children that it has waited for, in the kernel's steps
    /// of 10 ms. Known until the process is reaped.
    pub fn cpu_time(process: u32) -> Option<Duration> {
        let Stat { utime, stime, cutime, cstime, .. } =
            Process::new(process.try_into().ok()?).ok()?.stat().ok()?;
        let children = u64::try_from(cutime + cstime).ok()?;
        let ticks = utime + stime + children;
        Some(
            Duration::from_secs(ticks)
                / u32::try_from(procfs::ticks_per_second()).ok()?,
        )
    }

    /// Whether a child that nothing else waits for has ended. Reaps it if so.
    fn has_ended(child: i32) -> bool {
        let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
        !matches!(ended, Ok(None))
    }

    /// The CPU time of this thread. A clock would also count the time that other threads had the
    /// core.
    fn thread_cpu_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.try_into().expect("CPU time is not negative")
    }

    // The next two functions read a file for each thread, many times a second. They parse only what
    // they need, because procfs parses all of it, which takes too long.

    /// Whether the thread's state is R: it runs, or would run if a core were free.
    fn is_runnable(task: &Path) -> bool {
        // 4711 (name) R …; the name may contain anything, even parentheses.
        fs::read(task.join("stat")).is_ok_and(|stat| {
            let name_ends = stat.iter().rposition(|byte| *byte == b')');
            name_ends.is_some_and(|at| stat[at..].starts_with(b") R"))
        })
    }

    /// The processes that this thread has started. None if the kernel was built without this file.
    fn children(task: &Path) -> Option<Vec<i32>> {
        let ids = fs::read_to_string(task.join("children")).ok()?;
        Some(ids.split_whitespace().flat_map(str::parse).collect())
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{adopt_orphans, cpu_time};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::time::Duration;

    use super::Snapshot;

    impl Snapshot {
        /// Not known on this system.
        pub fn of(_process: u32) -> Option<Self> {
            None
        }

        /// Not known on this system.
        pub fn of_children(_waited_for: Option<u32>) -> Option<Self> {
            None
        }
    }

    /// Does nothing on this system.
    pub fn adopt_orphans() {}

    /// Not known on this system.
    pub fn cpu_time(_process: u32) -> Option<Duration> {
        None
    }
}
