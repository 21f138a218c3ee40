//! Runs the scripts that import an extension module from `examples-python`.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, process};

use anyhow::{Context, Result, ensure};

use crate::child::this_program;
use crate::implementation::{Figures, Turn};

/// Runs a script in `bench/python` with this module on Python's path, and returns its figures. The
/// module's crate must be one of the benchmark's programs.
///
/// # Errors
///
/// When there is no Python, when the module has not been built, and when the script fails.
pub fn measure(turn: &Turn, module: &str, script: &str, way: &str) -> Result<Figures> {
    let python = turn.python.as_ref().context("there is no Python 3.11 or newer")?;
    let output = Command::new(python)
        .arg(Path::new("bench/python").join(script))
        .args([way, &turn.size.to_string(), &turn.time.as_millis().to_string()])
        .env("PYTHONPATH", import_path(module)?)
        .output()
        .context("starting Python")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{complaint} ({})", output.status);
    serde_json::from_slice(&output.stdout).context("its figures")
}

/// Copies the library that cargo built next to this program, under the name that Python imports, and
/// returns the folder of the copy.
fn import_path(module: &str) -> Result<PathBuf> {
    let program = this_program()?;
    let built = program.with_file_name(format!("{DLL_PREFIX}{module}{DLL_SUFFIX}"));
    let folder = program.with_file_name("python");
    fs::create_dir_all(&folder).context("making a folder for the module")?;
    // Renamed at the end, because another Python may just be using the old copy.
    let copy = folder.join(format!("{module}.{}", process::id()));
    fs::copy(&built, &copy).with_context(|| format!("copying {}", built.display()))?;
    let suffix = if cfg!(windows) { "pyd" } else { "so" };
    fs::rename(&copy, folder.join(format!("{module}.{suffix}"))).context("naming the module")?;
    Ok(folder)
}
