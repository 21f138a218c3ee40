//! A virtual environment for Python, with the packages that the implementations need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The files with the packages and their versions, relative to the workspace's root.
pub const REQUIREMENTS: [&str; 2] =
    ["crates/compute-service/requirements.txt", "bench/python/requirements.txt"];

/// Returns the path of the environment's interpreter.
pub fn in_environment(root: &Path) -> PathBuf {
    let program = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    root.join("target/python").join(program)
}

/// Creates the virtual environment `target/python`, unless it already exists with the packages in
/// [`REQUIREMENTS`].
///
/// # Errors
///
/// When the environment cannot be created or the packages cannot be installed.
pub fn make_environment(root: &Path, interpreter: &Path) -> Result<()> {
    let python = in_environment(root);
    let mut requirements = Vec::new();
    for file in REQUIREMENTS {
        requirements.extend(fs::read(root.join(file)).with_context(|| format!("reading {file}"))?);
    }
    let stamp = root.join("target/python/requirements.txt"); // written once all of them are installed
    if python.is_file() && fs::read(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(());
    }
    eprintln!("creating a virtual environment for Python in target/python");
    let environment = root.join("target/python");
    run(Command::new(interpreter).args(["-m", "venv"]).arg(&environment))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--timeout", "15", "--retries", "1"])
        .args(REQUIREMENTS.iter().flat_map(|file| ["--requirement".into(), root.join(file)])))?;
    fs::write(stamp, requirements).context("recording the installed packages in target/python")
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{command:?}: {}, {complaint}", output.status);
    Ok(())
}
