//! Python beside us: an environment of its own, with the packages that the implementations need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The packages, with their versions, from the workspace's root.
pub const REQUIREMENTS: &str = "crates/compute-service/requirements.txt";

/// Where the environment's interpreter is, from the workspace's root.
pub fn in_environment(root: &Path) -> PathBuf {
    let program = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    root.join("target/python").join(program)
}

/// Makes the virtual environment `target/python` with an interpreter, unless it is there and has
/// the packages that [`REQUIREMENTS`] names.
///
/// # Errors
///
/// When it cannot be made, or the packages cannot be had.
pub fn make_environment(root: &Path, interpreter: &Path) -> Result<()> {
    let python = in_environment(root);
    let requirements = fs::read(root.join(REQUIREMENTS)).context("reading what Python needs")?;
    let stamp = root.join("target/python/requirements.txt"); // written when all of them are there
    if python.is_file() && fs::read(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(());
    }
    eprintln!("making a virtual environment for Python in target/python");
    let environment = root.join("target/python");
    run(Command::new(interpreter).args(["-m", "venv"]).arg(&environment))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--timeout", "15", "--retries", "1", "--requirement"])
        .arg(root.join(REQUIREMENTS)))?;
    fs::write(stamp, requirements).context("noting what is installed")
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{command:?}: {}, {complaint}", output.status);
    Ok(())
}
