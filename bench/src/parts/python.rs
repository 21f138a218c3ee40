//! Python: a virtual environment with the packages that the implementations need, and the scripts
//! that an implementation in Rust starts.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::this_program;
use crate::benchmark::{Figures, Turn};

/// The folder of the scripts, from the workspace's root.
pub const SCRIPTS: &str = "bench/python";

/// The files with the packages and their versions, from the workspace's root.
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
/// If the environment cannot be created or the packages cannot be installed.
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
    output(Command::new(interpreter).args(["-m", "venv"]).arg(&environment))?;
    output(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--timeout", "15", "--retries", "1"])
            .args(REQUIREMENTS.iter().flat_map(|file| ["--requirement".into(), root.join(file)])),
    )?;
    fs::write(stamp, requirements).context("recording the installed packages in target/python")
}

/// Returns the command that runs a script with these arguments.
///
/// # Errors
///
/// If there is no Python.
pub fn script(turn: &Turn, file: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(turn.python()?);
    command.arg(Path::new(SCRIPTS).join(file)).args(arguments);
    Ok(command)
}

/// Runs a script that prints its figures as JSON.
///
/// # Errors
///
/// If the script fails. The message ends with the last line of its stderr.
pub fn figures(script: &mut Command) -> Result<Figures> {
    serde_json::from_slice(&output(script)?).context("its figures")
}

/// Runs a script that imports this extension module from `examples-python`, and returns its figures.
/// The module's crate must be one of the benchmark's programs.
///
/// # Errors
///
/// If there is no Python, the module has not been built, or the script fails.
pub fn with_extension(turn: &Turn, module: &str, file: &str, variant: &str) -> Result<Figures> {
    let built = this_program()?.with_file_name(format!("{DLL_PREFIX}{module}{DLL_SUFFIX}"));
    // Under the name that Python imports. No other implementation runs at the same time.
    let suffix = if cfg!(windows) { "pyd" } else { "so" };
    fs::copy(&built, turn.scratch.join(format!("{module}.{suffix}")))
        .with_context(|| format!("copying {}", built.display()))?;
    let (size, time) = (turn.size.to_string(), turn.time.as_millis().to_string());
    let mut script = script(turn, file, &[variant, &size, &time])?;
    figures(script.env("PYTHONPATH", &turn.scratch))
}

/// Runs a command to its end, and returns its stdout.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", Path::new(command.get_program()).display()))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stderr.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "{last} ({})", output.status);
    Ok(output.stdout)
}
