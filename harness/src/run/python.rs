//! The machine's Python, which runs the counterparts of the examples.
use std::path::PathBuf;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::examples::{Example, Workspace};
use crate::run::Program;

/// Returns Python's interpreter itself, if there is one of version 3.11 or newer. `python3` on the
/// PATH is often a script that finds the interpreter, and the costs of the script are not the
/// program's.
pub async fn interpreter() -> Option<PathBuf> {
    static INTERPRETER: OnceCell<Option<PathBuf>> = OnceCell::const_new();

    let find = async || {
        let name = if cfg!(windows) { "python" } else { "python3" };
        let program = "import sys; print(sys.executable if sys.version_info >= (3, 11) else '')";
        let output = Command::new(name).args(["-c", program]).output().await.ok()?;
        let path = String::from_utf8(output.stdout).ok()?;
        (output.status.success() && !path.trim().is_empty()).then(|| path.trim().into())
    };
    INTERPRETER.get_or_init(find).await.clone()
}

/// Returns the interpreter that the examples with an extension module start. Default of `PYTHON`:
/// [`interpreter`].
pub async fn extension_python() -> Option<PathBuf> {
    match std::env::var_os("PYTHON") {
        Some(python) => Some(python.into()),
        None => interpreter().await,
    }
}

/// Returns the Python counterpart of an example as a program. None if the example has no counterpart
/// or the machine no Python.
pub async fn python(workspace: &Workspace, example: &Example) -> Option<Program> {
    let counterpart = example.python.as_ref().filter(|_| !example.is_extension)?;
    Some(Program {
        arguments: vec![counterpart.into()],
        executable: interpreter().await?,
        folder: workspace.root.clone(),
    })
}
