//! The limits of this machine, and how busy it is.

use std::thread;

use serde::Serialize;

/// The memory of a thread that waits: about 10 KiB of its own, a kernel
/// stack of 16, and 8 of the kernel's records and page tables. A test in
/// `tests/choose/programs.rs` measures its own part.
pub const THREAD_BYTES: u64 = 34 << 10;
/// The share of the available memory that all threads together may take:
/// one part in this many.
pub const MEMORY_PART: u64 = 20;
/// The share of the threads that the system allows that a program may have:
/// one part in this many, because other programs need some too.
pub const LIMIT_PART: u64 = 2;

/// A machine, as far as it matters for the verdict. `None` stands for a
/// figure that the system does not report.
///
/// Fields may be added. Write `..Machine::default()` at the end.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Machine {
    /// The cores that a program may use.
    pub cores: u32,
    /// The memory that is free or can be freed, within the cgroup's limit.
    pub memory_available_bytes: Option<u64>,
    /// The maximum number of threads that one program can have.
    pub thread_limit: Option<u64>,
    /// The name of the lowest limit.
    pub thread_limit_set_by: Option<&'static str>,
    /// The memory maps that a thread takes, measured with Rust's own
    /// threads.
    pub maps_per_thread: Option<u64>,
}

impl Machine {
    /// Examines the machine that this program runs on. It starts a few
    /// threads to count their memory maps.
    ///
    /// ```
    /// let machine = choose::machine::Machine::this();
    /// assert!(machine.cores >= 1);
    /// ```
    pub fn this() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let machine = Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            ..Self::default()
        };
        #[cfg(target_os = "linux")]
        let machine = linux::limits(machine);
        machine
    }

    /// Returns the maximum number of waits at once that are few: a thread
    /// for each costs little.
    ///
    /// ```
    /// use choose::machine::Machine;
    ///
    /// let machine = Machine {
    ///     memory_available_bytes: Some(1 << 40),
    ///     thread_limit: Some(30_000),
    ///     ..Machine::default()
    /// };
    /// assert_eq!(machine.few_waits(), Some(15_000));
    /// ```
    pub fn few_waits(&self) -> Option<u64> {
        let by_memory =
            self.memory_available_bytes? / MEMORY_PART / THREAD_BYTES;
        Some(by_memory.min(self.thread_limit? / LIMIT_PART))
    }

    /// Returns the reason for that limit, in words.
    pub fn why_few(&self) -> String {
        let memory = self.memory_available_bytes.unwrap_or_default();
        let limit = self.thread_limit.unwrap_or_default();
        if memory / MEMORY_PART / THREAD_BYTES < limit / LIMIT_PART {
            format!(
                "1/{MEMORY_PART} of the {} MiB available, {} KiB per thread",
                memory >> 20,
                THREAD_BYTES >> 10
            )
        } else {
            format!(
                "half of the {limit} threads that {} allows",
                self.thread_limit_set_by.unwrap_or("the system")
            )
        }
    }
}

/// The time that all cores of the machine have spent.
#[derive(Debug, Clone, Copy)]
pub struct Activity {
    /// The time that they were not idle.
    pub busy_seconds: f64,
    /// The part of it in which the host of a virtual machine had them.
    pub stolen_seconds: f64,
}

impl Activity {
    /// Returns the time since the machine started, or `None` if the system
    /// does not report it.
    pub fn so_far() -> Option<Self> {
        #[cfg(target_os = "linux")]
        return linux::activity();
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Returns the time since an earlier activity.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            busy_seconds: self.busy_seconds - earlier.busy_seconds,
            stolen_seconds: self.stolen_seconds - earlier.stolen_seconds,
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, mpsc};
    use std::{fs, thread};

    use procfs::process::Process;
    use procfs::{Current, CurrentSI, KernelStats, Meminfo};
    use rustix::process::{Resource, getrlimit};

    use super::{Activity, Machine};

    /// Adds what limits memory and threads.
    pub(super) fn limits(mut machine: Machine) -> Machine {
        let available =
            Meminfo::current().ok().and_then(|info| info.mem_available);
        let allowed = cgroup_limit(
            "memory",
            &["memory.max", "memory.limit_in_bytes"],
        );
        machine.memory_available_bytes =
            available.into_iter().chain(allowed).min();
        machine.maps_per_thread = maps_per_thread();

        let kernel =
            |name: &str| number(&Path::new("/proc/sys").join(name));
        let maps = kernel("vm/max_map_count").zip(machine.maps_per_thread);
        let limits = [
            ("kernel.threads-max", kernel("kernel/threads-max")),
            ("kernel.pid_max", kernel("kernel/pid_max")),
            ("vm.max_map_count", maps.map(|(max, each)| max / each)),
            ("RLIMIT_NPROC", getrlimit(Resource::Nproc).current),
            ("the cgroup's pids.max", cgroup_limit("pids", &["pids.max"])),
        ];
        let known = limits.into_iter().filter_map(|(by, n)| Some((n?, by)));
        if let Some((limit, set_by)) = known.min() {
            machine.thread_limit = Some(limit);
            machine.thread_limit_set_by = Some(set_by);
        }
        machine
    }

    /// Counts the memory maps that each thread of Rust adds: its stack, its
    /// signal stack, and their guard pages. Measured and not assumed,
    /// because a guard page no longer takes a map of its own with glibc
    /// 2.42 and Linux 6.13.
    fn maps_per_thread() -> Option<u64> {
        const STACK: usize = 2 << 20;
        // The first threads also make the allocator create arenas, which
        // later threads use again. They do not use their stacks again,
        // because these are too small.
        maps_of_threads(STACK)?;
        maps_of_threads(STACK * 3 / 2)
    }

    /// Starts a few threads with stacks of this size, and counts the maps
    /// that they add while they run.
    fn maps_of_threads(stack: usize) -> Option<u64> {
        const THREADS: usize = 8;
        let maps = || {
            let maps = fs::read_to_string("/proc/self/maps").ok()?;
            Some(maps.lines().count())
        };
        let before = maps()?;
        let gate = Mutex::new(());
        let closed = gate.lock().ok()?;
        let (running, runs) = mpsc::channel();
        let (threads, with_threads) = thread::scope(|scope| {
            let start = |_| {
                let (gate, running) = (&gate, running.clone());
                let wait = move || {
                    running.send(()).ok();
                    drop(gate.lock());
                };
                // A Builder, because scope.spawn panics when it is refused.
                let builder = thread::Builder::new().stack_size(stack);
                builder.spawn_scoped(scope, wait).ok()
            };
            let threads: Vec<_> = (0..THREADS).filter_map(start).collect();
            runs.iter().take(threads.len()).for_each(drop);
            let with_threads = maps();
            drop(closed);
            // The scope would not wait until their stacks are free.
            let joined =
                threads.into_iter().map(|thread| thread.join().is_ok());
            (joined.count(), with_threads)
        });
        let more = with_threads?.saturating_sub(before);
        (threads > 0).then(|| (more.div_ceil(threads) as u64).max(1))
    }

    /// Reads the times of all cores from `/proc/stat`.
    pub(super) fn activity() -> Option<Activity> {
        let cores = KernelStats::current().ok()?.total;
        let stolen = cores.steal.unwrap_or_default();
        let busy = cores.user
            + cores.nice
            + cores.system
            + cores.irq.unwrap_or_default()
            + cores.softirq.unwrap_or_default()
            + stolen;
        let seconds =
            |ticks| ticks as f64 / procfs::ticks_per_second() as f64;
        Some(Activity {
            busy_seconds: seconds(busy),
            stolen_seconds: seconds(stolen),
        })
    }

    /// Returns the lowest limit of this process's cgroup and of those above
    /// it, in cgroups of version 2 and 1.
    fn cgroup_limit(controller: &str, files: &[&str]) -> Option<u64> {
        let groups = Process::myself().ok()?.cgroups().ok()?;
        let limits = groups.into_iter().flat_map(|group| {
            let root = Path::new("/sys/fs/cgroup");
            let root = match group.hierarchy {
                0 => root.to_owned(),
                _ => root.join(controller),
            };
            let path = Path::new(group.pathname.trim_start_matches('/'));
            let folders = path.ancestors().map(|above| root.join(above));
            let read = |folder: PathBuf| {
                files.iter().find_map(|file| number(&folder.join(file)))
            };
            folders.filter_map(read).collect::<Vec<_>>()
        });
        limits.min()
    }

    /// Reads the number in a file. Returns `None` if it says `max`.
    fn number(file: &Path) -> Option<u64> {
        fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}
