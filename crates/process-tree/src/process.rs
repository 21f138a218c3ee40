//! Figures of one process, and settings of this one. Only Linux shows them.

use std::time::Duration;

/// Makes this process the parent of the orphans among its descendants, so
/// that [`Snapshot::of_children`](crate::Snapshot::of_children) still finds
/// them, and their CPU time is counted when they end.
///
/// ```
/// process_tree::adopt_orphans();
/// ```
pub fn adopt_orphans() {
    system::adopt_orphans();
}

/// Returns the CPU time of a process and of the children that it has waited
/// for, in the kernel's steps of 10 ms. It is known until the process is
/// reaped.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let cpu = process_tree::cpu_time(std::process::id());
/// assert!(cpu.is_some());
/// # }
/// ```
pub fn cpu_time(process: u32) -> Option<Duration> {
    system::cpu_time(process)
}

/// Returns the CPU time of a process: of all its threads, including those
/// that have ended, but not of its children. It is in nanoseconds, but the
/// kernel adds the time of a thread that is on a core only at its ticks,
/// which are at most 10 ms apart. It is known until the process is reaped.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let cpu = process_tree::own_cpu_time(std::process::id());
/// assert!(cpu.is_some_and(|time| !time.is_zero()));
/// # }
/// ```
pub fn own_cpu_time(process: u32) -> Option<Duration> {
    system::own_cpu_time(process)
}

/// Returns the peak memory of a process so far, in bytes, or `None` if it
/// has ended.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let bytes = process_tree::peak_memory(std::process::id());
/// assert!(bytes.is_some_and(|bytes| bytes > 1 << 20));
/// # }
/// ```
pub fn peak_memory(process: u32) -> Option<u64> {
    system::peak_memory(process)
}

/// Returns the numbers of the signals that this process ignores. It has
/// inherited that: `nohup` ignores SIGHUP, and `&` in a script SIGINT and
/// SIGQUIT. With a handler for such a signal, neither this process nor the
/// programs that it starts later ignore it any more.
///
/// Every Rust program ignores SIGPIPE itself. Empty on systems other than
/// Linux.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// const SIGKILL: i32 = 9;
/// const SIGPIPE: i32 = 13;
/// let ignored = process_tree::ignored_signals();
/// assert!(ignored.contains(&SIGPIPE) && !ignored.contains(&SIGKILL));
/// # }
/// ```
pub fn ignored_signals() -> Vec<i32> {
    system::ignored_signals()
}

#[cfg(target_os = "linux")]
mod system {
    use std::time::Duration;

    use nix::time::ClockId;
    use procfs::process::{Process, Stat, Status};
    use rustix::process::{getpid, set_child_subreaper};

    pub fn adopt_orphans() {
        // If the system refuses, orphans are not seen.
        set_child_subreaper(Some(getpid())).ok();
    }

    pub fn cpu_time(process: u32) -> Option<Duration> {
        let Stat { utime, stime, cutime, cstime, .. } =
            Process::new(process.try_into().ok()?).ok()?.stat().ok()?;
        let children = u64::try_from(cutime + cstime).ok()?;
        let ticks = Duration::from_secs(utime + stime + children);
        Some(ticks / u32::try_from(procfs::ticks_per_second()).ok()?)
    }

    pub fn own_cpu_time(process: u32) -> Option<Duration> {
        let id = nix::unistd::Pid::from_raw(process.try_into().ok()?);
        let clock = ClockId::pid_cpu_clock_id(id).ok()?;
        Some(clock.now().ok()?.into())
    }

    pub fn peak_memory(process: u32) -> Option<u64> {
        let process = Process::new(process.try_into().ok()?);
        Some(process.ok()?.status().ok()?.vmhwm? * 1024)
    }

    pub fn ignored_signals() -> Vec<i32> {
        let status = Process::myself().and_then(|myself| myself.status());
        let Ok(Status { sigign, .. }) = status else { return Vec::new() };
        (1..=64).filter(|number| sigign >> (number - 1) & 1 == 1).collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    pub fn adopt_orphans() {}

    pub fn cpu_time(_process: u32) -> Option<Duration> {
        None
    }

    pub fn own_cpu_time(_process: u32) -> Option<Duration> {
        None
    }

    pub fn peak_memory(_process: u32) -> Option<u64> {
        None
    }

    pub fn ignored_signals() -> Vec<i32> {
        Vec::new()
    }
}
