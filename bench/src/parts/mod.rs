//! Programs that an implementation starts: this program itself in another role, servers, and Python.

pub mod pipe;
pub mod python;
pub mod server;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

/// The first argument of this program when it plays a part. The part's name and its arguments
/// follow. Not a subcommand of clap, because the start of a process is measured.
pub const PART: &str = "part";

/// Returns the command that starts this program in a part.
///
/// # Errors
///
/// If the system does not know the path of this program.
pub fn command(name: &str) -> Result<Command> {
    let mut command = Command::new(this_program()?);
    command.args([PART, name]);
    Ok(command)
}

/// Returns the path of this program.
///
/// # Errors
///
/// If the system does not know it.
pub fn this_program() -> Result<PathBuf> {
    env::current_exe().context("finding this program")
}

/// Returns the path of another program of this workspace, which was built along with this one.
///
/// # Errors
///
/// If the system does not know the path of this program.
pub fn program(name: &str) -> Result<PathBuf> {
    Ok(this_program()?.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX)))
}
