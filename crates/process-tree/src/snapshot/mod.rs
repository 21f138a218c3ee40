//! One sample of a tree of processes.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use std::time::Duration;

#[cfg(not(target_os = "linux"))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;

use crate::wait::Wait;

/// The maximum number of threads of one process that a snapshot reads, the
/// oldest first. The others still count in [`Snapshot::threads`], but the
/// processes that they have started are not found.
pub const MAX_THREADS: usize = 200;

/// The files that a snapshot reads. Each level includes the ones before it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[non_exhaustive]
pub enum Detail {
    /// Counts and memory. [`Snapshot::seen`] stays empty.
    #[default]
    Totals,
    /// The state of each thread: one more file for each.
    States,
    /// The times that each thread has run and queued: a second file for
    /// each.
    Times,
    /// The name of each thread, and what it waits for: a third file for
    /// each thread that waits.
    Waits,
}

/// One sample of a tree of processes.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The detail that was asked for.
    pub detail: Detail,
    /// The ids of the processes, a parent before its children. A process
    /// that has ended is not among them, even if it still has to be reaped.
    pub processes: Vec<i32>,
    /// The number of threads of all processes.
    pub threads: u64,
    /// The threads that were read one by one, up to [`MAX_THREADS`] of each
    /// process.
    pub seen: Vec<ThreadSample>,
    /// The peak memory of each process so far, in bytes, added up. A page
    /// that several processes share counts once for each of them.
    pub memory: u64,
    /// The number of processes that are about to end, or that have ended
    /// and wait to be reaped.
    pub ending: u64,
    /// The CPU time that it took to read all this.
    pub took: Duration,
}

/// A thread of the tree, at the time of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadSample {
    /// The id of its process.
    pub process: i32,
    /// Its own id. That of a main thread is the id of its process.
    pub id: i32,
    /// Its state.
    pub state: KernelState,
    /// The time that it has run and queued. `None` if the snapshot did not
    /// ask for it, or if the kernel was built without this file.
    pub times: Option<Times>,
    /// The reason why it waits. `None` if the snapshot did not ask for it,
    /// or if the thread does not wait.
    pub wait: Option<Wait>,
    /// Its name, at most 15 bytes. Threads that have not been named have
    /// the name of the thread that started them, and a main thread has that
    /// of its program. Empty if the snapshot did not ask for it.
    pub name: String,
}

/// The state of a thread, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KernelState {
    /// `R`: it is running, or would be if a core were free.
    Runnable,
    /// `S`: it waits, and a signal can wake it up.
    Sleeping,
    /// `D`: it waits, mostly for a disk, and no signal can wake it up.
    Uninterruptible,
    /// Any other letter, such as `T` for stopped, `Z` for ended and `X` for
    /// ending.
    Other(char),
}

/// The time that a thread has spent since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// On a core. The kernel updates it at each tick, and at each switch to
    /// another thread.
    pub ran: Duration,
    /// Runnable, but in the queue for a core. The kernel adds each such
    /// delay when it is over.
    pub queued: Duration,
}

impl Snapshot {
    /// Samples a process and everything below it. Returns `None` if the
    /// process has ended, and on systems other than Linux.
    ///
    /// ```
    /// use process_tree::{Detail, Snapshot};
    ///
    /// let me = std::process::id();
    /// if let Some(now) = Snapshot::of(me, Detail::States) {
    ///     assert!(now.runnable() >= 1); // the thread that runs this
    ///     println!("{} threads, {} bytes", now.threads, now.memory);
    /// }
    /// ```
    pub fn of(process: u32, detail: Detail) -> Option<Self> {
        system::of(process, detail)
    }

    /// Samples everything that this process has started, without the
    /// process itself. Reaps the children that have ended, except for
    /// `waited_for`, which another part of the program waits for. Returns
    /// `None` if the kernel does not list the children of a thread, and on
    /// systems other than Linux.
    ///
    /// ```
    /// use process_tree::{Detail, Snapshot};
    ///
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// let mut sleep = std::process::Command::new("sleep");
    /// let mut child = sleep.arg("60").spawn()?;
    /// let id = Some(child.id());
    /// if let Some(now) = Snapshot::of_children(id, Detail::Totals) {
    ///     assert_eq!(now.processes, [child.id().cast_signed()]);
    /// }
    /// child.kill()?;
    /// child.wait()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    pub fn of_children(
        waited_for: Option<u32>,
        detail: Detail,
    ) -> Option<Self> {
        system::of_children(waited_for, detail)
    }

    /// Counts the threads in [`seen`](Self::seen) that are running, or
    /// would be if a core were free.
    pub fn runnable(&self) -> u64 {
        let runnable =
            |it: &&ThreadSample| it.state == KernelState::Runnable;
        self.seen.iter().filter(runnable).count() as u64
    }
}

impl ThreadSample {
    /// Returns a sample of a thread without times, wait and name, for tests
    /// of code that reads snapshots.
    pub fn new(process: i32, id: i32, state: KernelState) -> Self {
        let (times, wait, name) = (None, None, String::new());
        Self { process, id, state, times, wait, name }
    }
}
