//! The memory and the CPU time of processes. All functions return None where the system does not
//! report it.

use anyhow::Result;

/// Returns the maximum memory of a process so far, in MiB.
pub fn peak_memory(process: u32) -> Option<f64> {
    process_tree::peak_memory(process).map(mebibytes)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Returns the memory that a process has now, in KiB.
///
/// # Errors
///
/// If the process is gone.
#[cfg(target_os = "linux")]
pub fn memory(process: u32) -> Result<Option<f64>> {
    let status = procfs::process::Process::new(process.try_into()?)?.status()?;
    Ok(status.vmrss.map(|kibibytes| kibibytes as f64))
}

/// Returns the memory of a process and of all processes below it, in MiB. Memory that they share
/// counts once.
///
/// # Errors
///
/// If one of the processes ends in the meantime.
#[cfg(target_os = "linux")]
pub fn memory_of_tree(root: u32) -> Result<Option<f64>> {
    use anyhow::Context;
    use procfs::process::{Process, all_processes};

    let all: Vec<_> = all_processes()?
        .filter_map(|process| {
            let process = process.ok()?;
            let parent = process.stat().ok()?.ppid;
            Some((process, parent))
        })
        .collect();
    let mut tree = vec![root.try_into()?];
    let mut at = 0;
    while let Some(&parent) = tree.get(at) {
        let children = all.iter().filter(|(_, its_parent)| *its_parent == parent);
        tree.extend(children.map(|(process, _)| process.pid));
        at += 1;
    }
    let mut bytes = 0;
    for id in tree {
        let rollup = Process::new(id)?.smaps_rollup()?;
        for map in rollup.memory_map_rollup {
            bytes += map.extension.map.get("Pss").context("no Pss")?;
        }
    }
    Ok(Some(mebibytes(bytes)))
}

/// Returns the CPU time of a process so far, in seconds.
///
/// # Errors
///
/// If the process is gone.
#[cfg(target_os = "linux")]
pub fn cpu_time(process: u32) -> Result<Option<f64>> {
    let stat = procfs::process::Process::new(process.try_into()?)?.stat()?;
    Ok(Some((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64))
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use anyhow::Result;

    pub fn memory(_process: u32) -> Result<Option<f64>> {
        Ok(None)
    }

    pub fn memory_of_tree(_root: u32) -> Result<Option<f64>> {
        Ok(None)
    }

    pub fn cpu_time(_process: u32) -> Result<Option<f64>> {
        Ok(None)
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{cpu_time, memory, memory_of_tree};
