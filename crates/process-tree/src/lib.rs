//! Samples a tree of processes from outside: how many processes and threads it
//! has, how much memory they use, and what each thread is doing or waiting for.
//!
//! Linux shows all of this in `/proc`. On other systems there is nothing to
//! read, so every function returns `None`.
//!
//! A sample sees only what is there at that moment. A thread that starts and
//! ends between two samples stays unseen, but its CPU time does not: it is in
//! the next [`own_cpu_time`] of its process.
//!
//! A sample costs CPU time, about 7 µs for the state of a thread, and each
//! thread that has been read also ends a little more slowly. So a sample reads
//! no more than [`MOST_THREADS`] threads of a process, and each caller says how
//! much [`Detail`] it needs.

pub mod activity;
mod states;
mod wait;

use std::time::Duration;

pub use states::Samples;
pub use wait::Wait;

/// The most threads of one process that a sample reads, the oldest first. The
/// others still count in [`Snapshot::threads`], but processes that they have
/// started are not found.
pub const MOST_THREADS: usize = 200;

/// What a sample reads. Each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Numbers and memory. [`Snapshot::seen`] stays empty.
    Totals,
    /// The state of each thread: one more file for each.
    States,
    /// The time that each thread has run and queued: a second file for each.
    Times,
    /// The name of each thread, and what it waits for: a third file for a
    /// thread that waits.
    Waits,
}

/// One sample of a tree of processes.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The ids of the processes, a parent before its children. A process that
    /// has ended is not among them, even if it still has to be reaped.
    pub processes: Vec<i32>,
    /// How many threads the processes have.
    pub threads: u64,
    /// The threads that were read one by one, up to [`MOST_THREADS`] of each
    /// process.
    pub seen: Vec<Thread>,
    /// The peak memory of each process so far, in bytes, added up. A page that
    /// several processes share counts once for each of them.
    pub memory: u64,
    /// Processes that are about to end, or have ended and wait to be reaped.
    pub ending: u64,
    /// The CPU time that the sample itself took.
    pub took: Duration,
}

/// A thread of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// The id of its process.
    pub process: i32,
    /// Its own id. That of a main thread is the id of its process.
    pub id: i32,
    /// What it is doing.
    pub state: State,
    /// The time that it has run and queued. `None` if the sample did not ask
    /// for it, or if the kernel was built without this file.
    pub times: Option<Times>,
    /// What it waits for. `None` if the sample did not ask for it, or if the
    /// thread does not wait.
    pub wait: Option<Wait>,
    /// Its name, at most 15 bytes. Threads that have not been named have the
    /// name of the thread that started them, and a main thread has that of its
    /// program. Empty if the sample did not ask for it.
    pub name: String,
}

/// The state of a thread, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
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
    /// Runnable, but in the queue for a core. The kernel adds each such delay
    /// when it is over.
    pub queued: Duration,
}

impl Snapshot {
    /// How many of the threads in [`Snapshot::seen`] are running, or would be
    /// if a core were free.
    pub fn runnable(&self) -> u64 {
        let runnable = |thread: &&Thread| thread.state == State::Runnable;
        self.seen.iter().filter(runnable).count() as u64
    }
}

#[cfg(target_os = "linux")]
pub use linux::{adopt_orphans, cpu_time, own_cpu_time, peak_memory};

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::Read;
    use std::path::Path;
    use std::time::Duration;

    use nix::time::ClockId as CpuClock;
    use procfs::process::{Process, Stat};
    use rustix::process::{
        Pid, WaitOptions, getpid, set_child_subreaper, waitpid,
    };
    use rustix::time::{ClockId, clock_gettime};

    use super::{Detail, MOST_THREADS, Snapshot, State, Thread, Times, Wait};

    impl Snapshot {
        /// Samples a process and everything below it. `None` if the process
        /// has ended.
        pub fn of(process: u32, detail: Detail) -> Option<Self> {
            let began = thread_cpu_time();
            let mut snapshot = Self::default();
            snapshot.add(process.try_into().ok()?, detail)?;
            snapshot.took = thread_cpu_time().saturating_sub(began);
            Some(snapshot)
        }

        /// Samples everything that this process has started, without the
        /// process itself. Children that have ended are reaped, except for
        /// `waited_for`, which another part of the program waits for. `None`
        /// if the kernel does not list the children of a thread.
        pub fn of_children(
            waited_for: Option<u32>,
            detail: Detail,
        ) -> Option<Self> {
            let began = thread_cpu_time();
            let mut snapshot = Self::default();
            for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
                for child in children(&task.path())? {
                    if snapshot.add(child, detail).is_none()
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

        /// Adds a process and its children. `None` if it has ended.
        fn add(&mut self, id: i32, detail: Detail) -> Option<()> {
            let status = Process::new(id).ok()?.status().ok()?;
            self.memory += status.vmhwm? * 1024; // a zombie has none
            self.processes.push(id);
            self.threads += status.threads;
            let tasks = fs::read_dir(format!("/proc/{id}/task")).ok()?;
            for task in tasks.flatten().take(MOST_THREADS) {
                let task = task.path();
                if detail >= Detail::States {
                    self.seen.extend(thread(id, &task, detail));
                }
                for child in children(&task).unwrap_or_default() {
                    self.add(child, detail);
                }
            }
            Some(())
        }
    }

    /// Makes this process the parent of the orphans among its descendants, so
    /// that a sample still finds them, and what they used is counted when they
    /// end.
    pub fn adopt_orphans() {
        set_child_subreaper(Some(getpid())).ok(); // without it, orphans are not seen
    }

    /// The CPU time of a process and of the children that it has waited for,
    /// in the kernel's steps of 10 ms. Known until the process is reaped.
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

    /// The CPU time of a process: of all its threads, also of those that have
    /// ended, but not of its children. In nanoseconds, but the kernel adds the
    /// time of a thread that is on a core only now and then, every 10 ms or
    /// more often. Known until the process is reaped.
    pub fn own_cpu_time(process: u32) -> Option<Duration> {
        let process = nix::unistd::Pid::from_raw(process.try_into().ok()?);
        let clock = CpuClock::pid_cpu_clock_id(process).ok()?;
        Some(clock.now().ok()?.into())
    }

    /// The peak memory of a process so far, in bytes. `None` if it has ended.
    pub fn peak_memory(process: u32) -> Option<u64> {
        let process = Process::new(process.try_into().ok()?).ok()?;
        Some(process.status().ok()?.vmhwm? * 1024)
    }

    /// Whether a child that nothing else waits for has ended. Reaps it if so.
    fn has_ended(child: i32) -> bool {
        let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
        !matches!(ended, Ok(None))
    }

    /// The CPU time of this thread. A clock would also count the time that
    /// other threads had the core.
    fn thread_cpu_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.try_into().expect("CPU time is not negative")
    }

    // The functions below read a file for each thread, many times a second.
    // They parse only what they need, because procfs parses all of it, which
    // takes too long.

    /// Reads one thread. `None` if it has ended.
    fn thread(process: i32, task: &Path, detail: Detail) -> Option<Thread> {
        let mut buffer = [0; 512];
        // 4711 (name) R …; the name may contain anything, even parentheses.
        let stat = read(&task.join("stat"), &mut buffer)?;
        let name_begins = stat.iter().position(|byte| *byte == b'(')? + 1;
        let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
        let fields = stat.get(name_ends + 2..)?;
        let mut state = match *fields.first()? {
            letter if letter != b'Z' && is_ending(fields) => State::Other('X'),
            b'R' => State::Runnable,
            b'S' => State::Sleeping,
            b'D' => State::Uninterruptible,
            letter => State::Other(char::from(letter)),
        };
        let id = task.file_name()?.to_str()?.parse().ok()?;
        let times = (detail >= Detail::Times).then(|| times(task)).flatten();

        let (mut wait, mut name) = (None, String::new());
        if detail >= Detail::Waits {
            let bytes = stat.get(name_begins..name_ends)?;
            name = String::from_utf8_lossy(bytes).into_owned();
            if matches!(state, State::Sleeping | State::Uninterruptible) {
                match Blocked::read(task) {
                    Blocked::In(reason) => wait = Some(reason),
                    // It has woken up since its state was read.
                    Blocked::NoLonger => state = State::Runnable,
                }
            }
        }
        Some(Thread { process, id, state, times, wait, name })
    }

    /// Whether the thread has begun to end. The state does not show that.
    fn is_ending(fields: &[u8]) -> bool {
        const PF_EXITING: u32 = 4; // include/linux/sched.h
        let flags = fields.split(|byte| *byte == b' ').nth(6);
        let flags = flags.and_then(|flags| str::from_utf8(flags).ok());
        let flags = flags.and_then(|flags| flags.parse::<u32>().ok());
        flags.is_some_and(|flags| flags & PF_EXITING != 0)
    }

    /// What the file `syscall` says about a thread that waits.
    enum Blocked {
        In(Wait),
        NoLonger,
    }

    impl Blocked {
        /// `202 0x7f… …`: the number of the system call and its arguments, or
        /// `running`, or -1 if it waits outside of a system call.
        fn read(task: &Path) -> Self {
            let mut buffer = [0; 512];
            let text = read(&task.join("syscall"), &mut buffer);
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            match text.and_then(|text| text.split_whitespace().next()) {
                Some("running") => Self::NoLonger,
                Some(number) => Self::In(
                    number.parse().map_or(Wait::Unknown, Wait::in_system_call),
                ),
                None => Self::In(Wait::Unknown), // the kernel refuses to say
            }
        }
    }

    /// The first two of the three numbers in `schedstat`, in nanoseconds.
    fn times(task: &Path) -> Option<Times> {
        let mut buffer = [0; 512];
        let text = read(&task.join("schedstat"), &mut buffer)?;
        let mut numbers = std::str::from_utf8(text).ok()?.split_whitespace();
        let mut time =
            || Some(Duration::from_nanos(numbers.next()?.parse().ok()?));
        Some(Times { ran: time()?, queued: time()? })
    }

    /// A short file: the kernel hands it over in one read.
    fn read<'a>(file: &Path, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        let length = File::open(file).ok()?.read(buffer).ok()?;
        buffer.get(..length)
    }

    /// The processes that this thread has started. `None` if the kernel was
    /// built without this file.
    fn children(task: &Path) -> Option<Vec<i32>> {
        let mut file = File::open(task.join("children")).ok()?;
        let mut buffer = [0; 512];
        let length = file.read(&mut buffer).ok()?;
        if length == 0 {
            return Some(Vec::new()); // most threads
        }
        let mut ids = buffer[..length].to_vec();
        file.read_to_end(&mut ids).ok()?;
        let ids = String::from_utf8(ids).ok()?;
        Some(ids.split_whitespace().flat_map(str::parse).collect())
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{adopt_orphans, cpu_time, own_cpu_time, peak_memory};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::time::Duration;

    use super::{Detail, Snapshot};

    impl Snapshot {
        /// Not known on this system.
        pub fn of(_process: u32, _detail: Detail) -> Option<Self> {
            None
        }

        /// Not known on this system.
        pub fn of_children(
            _waited_for: Option<u32>,
            _detail: Detail,
        ) -> Option<Self> {
            None
        }
    }

    /// Does nothing on this system.
    pub fn adopt_orphans() {}

    /// Not known on this system.
    pub fn cpu_time(_process: u32) -> Option<Duration> {
        None
    }

    /// Not known on this system.
    pub fn own_cpu_time(_process: u32) -> Option<Duration> {
        None
    }

    /// Not known on this system.
    pub fn peak_memory(_process: u32) -> Option<u64> {
        None
    }
}
