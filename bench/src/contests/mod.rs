//! The contests, a module each.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::contender::Contest;

mod echo;
mod off_loading;
mod service;
mod slow;
mod waiting;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Contest> {
    vec![
        waiting::contest(),
        slow::contest(),
        off_loading::contest(),
        service::contest(),
        echo::contest(),
    ]
}

/// Does its part and ends, if this process was started by a contender: as one of its workers, as the
/// other end of its pipe, as its server. Else it returns at once. Call it first in `main`.
pub fn play_part() {
    off_loading::play_part();
    echo::play_part();
}

/// This program's own file.
fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("finding this program")
}

/// Another program of this workspace, which has been built beside this one.
fn program(name: &str) -> Result<PathBuf> {
    Ok(this_program()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The most memory that a process has had so far, in MiB. None where the system does not tell.
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> Result<Option<f64>> {
    let status = procfs::process::Process::new(process.try_into()?)?.status()?;
    Ok(status.vmhwm.map(|kibibytes| kibibytes as f64 / 1024.0))
}

#[cfg(not(target_os = "linux"))]
fn peak_memory(_process: u32) -> Result<Option<f64>> {
    Ok(None)
}
