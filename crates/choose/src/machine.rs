//! What this machine can carry.

use std::thread;

use serde::Serialize;

/// What a thread that waits takes: about 10 KiB of its own, 16 of kernel stack,
/// and 8 of the kernel's records and page tables. `tests/suite/crates/choose.rs` measures
/// what is its own.
pub const THREAD_BYTES: u64 = 34 << 10;
/// A thread's stack, its signal stack, and the guard page of each: so many of
/// the mappings that a process may have (`vm.max_map_count`).
pub const MAPPINGS_PER_THREAD: u64 = 4;
/// All threads together may take this part of the memory that is available.
pub const MEMORY_PART: u64 = 20;
/// And this part of the threads that the system allows: others want some too.
pub const LIMIT_PART: u64 = 2;

/// A machine, as far as it matters for the verdict. What is not known is none.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Machine {
    /// The cores that a program may use.
    pub cores: u32,
    /// The memory that is free or can be freed, within the cgroup's limit.
    pub memory_available_bytes: Option<u64>,
    /// The most threads that one program can have.
    pub thread_limit: Option<u64>,
    /// What sets that limit.
    pub thread_limit_set_by: Option<&'static str>,
}

impl Machine {
    /// The machine that this program runs on.
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

    /// Up to so many waits at once are few: a thread for each costs little.
    pub fn few_waits(&self) -> Option<u64> {
        let by_memory =
            self.memory_available_bytes? / MEMORY_PART / THREAD_BYTES;
        Some(by_memory.min(self.thread_limit? / LIMIT_PART))
    }

    /// Where that line comes from, in words.
    pub fn why_few(&self) -> String {
        let memory = self.memory_available_bytes.unwrap_or_default();
        let limit = self.thread_limit.unwrap_or_default();
        if memory / MEMORY_PART / THREAD_BYTES < limit / LIMIT_PART {
            format!(
                "1/{MEMORY_PART} of the {} MiB available, {} KiB a thread",
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

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    use procfs::process::Process;
    use procfs::{Current, Meminfo};
    use rustix::process::{Resource, getrlimit};

    use super::{MAPPINGS_PER_THREAD, Machine};

    /// Adds what limits memory and threads.
    pub(super) fn limits(mut machine: Machine) -> Machine {
        let available =
            Meminfo::current().ok().and_then(|info| info.mem_available);
        let allowed =
            cgroup_limit("memory", &["memory.max", "memory.limit_in_bytes"]);
        machine.memory_available_bytes =
            available.into_iter().chain(allowed).min();

        let kernel = |name: &str| number(&Path::new("/proc/sys").join(name));
        let limits = [
            ("kernel.threads-max", kernel("kernel/threads-max")),
            ("kernel.pid_max", kernel("kernel/pid_max")),
            (
                "vm.max_map_count",
                kernel("vm/max_map_count").map(|n| n / MAPPINGS_PER_THREAD),
            ),
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

    /// The least limit of this process's cgroup and of those above it, in
    /// cgroups of version 2 and 1.
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
            let read = |folder: std::path::PathBuf| {
                files.iter().find_map(|file| number(&folder.join(file)))
            };
            folders.filter_map(read).collect::<Vec<_>>()
        });
        limits.min()
    }

    /// The number in a file; none if it says `max`.
    fn number(file: &Path) -> Option<u64> {
        fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}
