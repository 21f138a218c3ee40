//! A look at a process tree. Linux shows it in `/proc`; elsewhere there is
//! nothing to see.

use std::time::Duration;

/// What one look sees: the command, its children and theirs.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Threads that run, or would if they had a core.
    pub runnable: u64,
    pub threads: u64,
    /// The processes' ids.
    pub processes: Vec<i32>,
    /// The greatest memory so far of each process, in bytes, added up.
    pub memory: u64,
    /// Processes that are about to end, or have and are to be waited for.
    pub ending: u64,
    /// The CPU time that the look took.
    pub took: Duration,
}

#[cfg(not(target_os = "linux"))]
impl Tree {
    pub(crate) fn look(_command: Option<u32>) -> Option<Self> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt_orphans() {}

#[cfg(target_os = "linux")]
pub(crate) use linux::adopt_orphans;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use procfs::process::Process;
    use rustix::process::{
        Pid, WaitOptions, getpid, set_child_subreaper, waitpid,
    };
    use rustix::time::{ClockId, clock_gettime};

    use super::Tree;

    /// Makes orphans of the tree this process's children. So they stay in
    /// sight, and what they used is counted once they have ended.
    pub(crate) fn adopt_orphans() {
        set_child_subreaper(Some(getpid())).ok(); // if not, it sees less
    }

    impl Tree {
        /// Looks at all that this process has started, itself left out. None
        /// if `/proc` does not show it. `command` is the child that somebody
        /// else waits for.
        pub(crate) fn look(command: Option<u32>) -> Option<Self> {
            let began = cpu_time();
            let mut tree = Self::default();
            for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
                for child in children(&task.path())? {
                    if tree.add(child).is_none()
                        && Some(child) != command.map(u32::cast_signed)
                        && !has_ended(child)
                    {
                        tree.ending += 1;
                    }
                }
            }
            tree.took = cpu_time().saturating_sub(began);
            Some(tree)
        }

        /// Adds a process and its children; none if it has ended.
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

    /// Whether a child has ended that nobody else waits for: an orphan.
    fn has_ended(child: i32) -> bool {
        let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
        !matches!(ended, Ok(None))
    }

    /// Of this thread. On a busy machine the clock tells more of others.
    fn cpu_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.try_into().expect("CPU time is not negative")
    }

    // These two are read for each thread, and so often that reading all of
    // what they tell, as procfs does, would take too long.

    /// Whether the thread's state is R: it runs, or would if it had a core.
    fn is_runnable(task: &Path) -> bool {
        // 4711 (name) R …; the name may hold anything.
        fs::read(task.join("stat")).is_ok_and(|stat| {
            let name_ends = stat.iter().rposition(|byte| *byte == b')');
            name_ends.is_some_and(|at| stat[at..].starts_with(b") R"))
        })
    }

    /// The processes that this thread has started. None if the kernel was
    /// built without this file.
    fn children(task: &Path) -> Option<Vec<i32>> {
        let ids = fs::read_to_string(task.join("children")).ok()?;
        Some(ids.split_whitespace().flat_map(str::parse).collect())
    }
}
