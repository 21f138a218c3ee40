//! A look at a process tree. Linux shows it in `/proc`; elsewhere there is
//! nothing to see.

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
    use procfs::process::Process;
    use rustix::process::{
        Pid, WaitOptions, getpid, set_child_subreaper, waitpid,
    };

    use super::Tree;

    /// Makes orphans of the tree this process's children. So they stay in
    /// sight, and what they used is counted once they have ended.
    pub(crate) fn adopt_orphans() {
        set_child_subreaper(Some(getpid())).ok(); // if not, it sees less
    }

    impl Tree {
        /// Looks at all that this process has started, itself left out. None
        /// if `/proc` cannot be read. `command` is the child that somebody
        /// else waits for.
        pub(crate) fn look(command: Option<u32>) -> Option<Self> {
            let mut tree = Self::default();
            let tasks = Process::myself().ok()?.tasks().ok()?;
            for child in tasks.flatten().map(|task| task.children()) {
                for child in child.ok()? {
                    let gone = tree.add(child).is_none();
                    if gone && Some(child) != command {
                        // An orphan that has ended: nobody else asks how.
                        let id = Pid::from_raw(child.cast_signed());
                        waitpid(id, WaitOptions::NOHANG).ok();
                    }
                }
            }
            Some(tree)
        }

        /// Adds a process and its children; none if it has ended.
        fn add(&mut self, process: u32) -> Option<()> {
            let process = Process::new(process.cast_signed()).ok()?;
            let status = process.status().ok()?;
            self.memory += status.vmhwm? * 1024; // a zombie has none
            self.processes.push(process.pid());
            self.threads += status.threads;
            for task in process.tasks().ok()?.flatten() {
                let running = task.stat().is_ok_and(|stat| stat.state == 'R');
                self.runnable += u64::from(running);
                for child in task.children().unwrap_or_default() {
                    self.add(child);
                }
            }
            Some(())
        }
    }
}
