//! The machine that a run or a measurement comes from: what a reader needs to know to compare figures.
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::{Limits, Program, Running};

/// What a reader must know of a machine to compare figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The cores that a program may use.
    pub cores: u32,
    /// The memory, in bytes, where the system tells it.
    pub memory: Option<u64>,
    /// The operating system, with its version where it tells it.
    pub system: String,
}

impl Machine {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: u32::try_from(cores).unwrap_or(u32::MAX), memory: memory(), system: system() }
    }

    /// A day, from a time in RFC 3339, and this machine: `2026-11-22 on 2 cores, 24 GiB, Linux 6.18`.
    pub fn at(&self, time: &str) -> String {
        let day = time.get(..10).unwrap_or_default();
        let memory = self.memory.map(|bytes| format!(", {:.0} GiB", mebibytes(bytes) / 1024.0));
        format!("{day} on {} cores{}, {}", self.cores, memory.unwrap_or_default(), self.system)
    }
}

#[cfg(target_os = "linux")]
fn memory() -> Option<u64> {
    use procfs::Current;
    Some(procfs::Meminfo::current().ok()?.mem_total)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<u64> {
    None
}

#[cfg(unix)]
fn system() -> String {
    let name = rustix::system::uname();
    // Of `6.18.0-1-amd64` only what says how old it is.
    let release = name.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    format!("{} {release}", name.sysname().to_string_lossy())
}

#[cfg(not(unix))]
fn system() -> String {
    std::env::consts::OS.to_owned()
}

/// The time: UTC, RFC 3339, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// The name and number that a tool prints for `--version`.
///
/// # Errors
///
/// When it cannot be started, or says nothing.
pub async fn version_of(tool: impl AsRef<Path>, folder: &Path) -> Result<String> {
    let tool = tool.as_ref();
    let program = Program {
        executable: tool.to_owned(),
        arguments: vec!["--version".into()],
        folder: folder.to_owned(),
    };
    let mut running = Running::start(&program, Limits::default())?;
    let line = running.line().await.with_context(|| format!("{} says nothing", tool.display()))?;
    running.end().await?;
    Ok(line.text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// Bytes in MiB, for people.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
