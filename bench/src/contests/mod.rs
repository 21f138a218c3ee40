//! The contests, a module each.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::contender::Contest;

mod slow;
mod waiting;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Contest> {
    vec![waiting::contest(), slow::contest()]
}

/// A program of this workspace, beside this one.
fn executable(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("finding this program")?;
    Ok(here.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The most memory that this process has had, in MiB, where the system tells it.
#[cfg(target_os = "linux")]
fn peak_memory() -> Option<f64> {
    let kibibytes = procfs::process::Process::myself().ok()?.status().ok()?.vmhwm?;
    Some(kibibytes as f64 / 1024.0)
}

#[cfg(not(target_os = "linux"))]
fn peak_memory() -> Option<f64> {
    None
}
