//! The benchmarks, one module each.

use std::path::PathBuf;

use anyhow::Result;

use crate::implementation::Benchmark;
use crate::{child, work};

mod cpu;
mod echo;
mod grain;
mod heartbeat;
mod message;
mod offloading;
mod service;
mod slow;
mod start;
mod waiting;

/// Returns all benchmarks, in the order of the book.
pub fn all() -> Vec<Benchmark> {
    vec![
        waiting::benchmark(),
        slow::benchmark(),
        start::benchmark(),
        message::benchmark(),
        cpu::benchmark(),
        grain::benchmark(),
        heartbeat::benchmark(),
        offloading::benchmark(),
        service::benchmark(),
        echo::benchmark(),
    ]
}

/// If an implementation started this process as its worker, its server or the other end of its
/// pipe, plays that role and exits. Otherwise returns immediately. Call it first in `main`.
pub fn play_part() {
    child::play_part();
    process_pool::worker::<work::Job>();
    offloading::play_part();
    echo::play_part();
}

/// Returns the path of another program of this workspace, which was built along with this one.
fn program(name: &str) -> Result<PathBuf> {
    Ok(child::this_program()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Returns the peak memory of a process so far, in MiB. None where the system does not report it.
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> Result<Option<f64>> {
    let status = procfs::process::Process::new(process.try_into()?)?.status()?;
    Ok(status.vmhwm.map(|kibibytes| kibibytes as f64 / 1024.0))
}

#[cfg(not(target_os = "linux"))]
fn peak_memory(_process: u32) -> Result<Option<f64>> {
    Ok(None)
}
