//! Starts the Python program of a crate in this folder, with the crate's
//! extension module on Python's path. `PYTHON` names the interpreter.
//! Default: `python3`, on Windows `python`.
use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitCode};

const NAME: &str = env!("CARGO_PKG_NAME");
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn main() -> ExitCode {
    match import_path().and_then(start) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies the library that cargo built next to this program, under the name
/// that Python imports, and returns the folder of the copy.
fn import_path() -> io::Result<PathBuf> {
    let module = NAME.replace('-', "_");
    let program = env::current_exe()?;
    let library = format!("{DLL_PREFIX}{module}{DLL_SUFFIX}");
    let built = program.with_file_name(library);
    let folder = program.with_file_name("python");
    fs::create_dir_all(&folder)?;
    // Renamed at the end, because another Python may be using the old copy.
    let copy = folder.join(format!("{module}.{}", process::id()));
    fs::copy(&built, &copy).map_err(|error| {
        io::Error::other(format!("copying {}: {error}", built.display()))
    })?;
    let suffix = if cfg!(windows) { "pyd" } else { "so" };
    fs::rename(&copy, folder.join(format!("{module}.{suffix}")))?;
    Ok(folder)
}

fn start(import_path: PathBuf) -> io::Result<ExitCode> {
    let default = if cfg!(windows) { "python" } else { "python3" };
    let python = env::var_os("PYTHON").unwrap_or_else(|| default.into());
    let mut command = Command::new(&python);
    command
        .arg(Path::new(FOLDER).join(format!("{NAME}.py")))
        .env("PYTHONPATH", import_path);
    become_it(&mut command).map_err(|error| {
        let python = Path::new(&python).display();
        io::Error::other(format!(
            "this example needs Python 3.11 or newer; {python}: {error}"
        ))
    })
}

/// Python takes the place of this process, so it gets the signals, and the
/// costs are only its own.
#[cfg(unix)]
fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
