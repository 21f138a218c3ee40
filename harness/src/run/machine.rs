//! The machine that a run or a measurement comes from.
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::{Limits, Program, Running};

/// A machine, as far as a reader needs to know it to compare figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The cores that a program may use.
    pub cores: u32,
    /// The memory in bytes, if the system reports it.
    pub memory: Option<u64>,
    /// The operating system, with its version if the system reports it.
    pub system: String,
}

impl Machine {
    /// Returns the machine that this program runs on.
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores: u32::try_from(cores).unwrap_or(u32::MAX), memory: memory(), system: system() }
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
    // Of `6.18.0-1-amd64`, keep the version and drop the build.
    let release = name.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    format!("{} {release}", name.sysname().to_string_lossy())
}

#[cfg(not(unix))]
fn system() -> String {
    std::env::consts::OS.to_owned()
}

/// Returns the current time: UTC, RFC 3339, to the second.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Returns the name and number that a tool prints for `--version`.
///
/// # Errors
///
/// When the tool cannot be started or prints nothing.
pub async fn version_of(tool: impl AsRef<Path>, folder: &Path) -> Result<String> {
    let tool = tool.as_ref();
    let program = Program {
        executable: tool.to_owned(),
        arguments: vec!["--version".into()],
        folder: folder.to_owned(),
    };
    let mut running = Running::start(&program, Limits::default())?;
    let line =
        running.line().await.with_context(|| format!("{} prints nothing", tool.display()))?;
    running.end().await?;
    Ok(line.text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// Converts bytes to MiB.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
