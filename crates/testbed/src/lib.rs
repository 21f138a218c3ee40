//! Tools of the tests and the benchmarks of this workspace: child processes that
//! do not outlive their owner, a NATS server, and an HTTP client.
//!
//! Everything here waits for at most [`LIMIT`]. Most of it blocks the thread.
//! With the feature `tokio` there are also functions for async tests.

pub mod child;
#[cfg(feature = "tokio")]
pub mod http;
pub mod nats;
#[cfg(unix)]
pub mod processes;

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub use child::Child;

/// The time limit of a child process in a test, and of any other wait.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The pause between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until a condition holds.
///
/// # Panics
///
/// After [`LIMIT`], with the description of the condition.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(PAUSE);
    }
}

/// Waits until a condition holds, and lets other tasks run in the meantime.
///
/// # Panics
///
/// After [`LIMIT`], with the description of the condition.
#[cfg(feature = "tokio")]
pub async fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Returns the path of an example of the package whose test calls this.
///
/// The workers of process pools are examples, because `cargo test` builds
/// examples and does not install them as it installs programs.
///
/// # Panics
///
/// If the example has not been built: `cargo test -p PACKAGE` builds it, and
/// with `--test` it has to be asked for by `--examples`.
pub fn example(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test's program has a path");
    // The test is PROFILE/deps/TEST-HASH, the example PROFILE/examples/NAME.
    let profile = test.ancestors().nth(2).expect("the test is in `deps`");
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let example = profile.join("examples").join(file);
    assert!(
        example.is_file(),
        "{} does not exist; build it with `cargo build --example {name}`",
        example.display()
    );
    example
}

/// Returns true if a tool that a test needs is installed. If not, the test is
/// reported as skipped on a reader's machine, and fails in CI.
///
/// # Panics
///
/// If `CI` is set and the tool is missing.
pub fn has(tool: &Path) -> bool {
    let is_installed = is_there(tool);
    if !is_installed {
        skip(&tool.display().to_string());
    }
    is_installed
}

/// Returns true if `TOOL --version` succeeds.
pub fn is_there(tool: &Path) -> bool {
    Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Reports that the test is skipped because a tool is missing.
///
/// # Panics
///
/// If `CI` is set: there, nothing may be skipped.
pub fn skip(tool: &str) {
    assert!(env::var_os("CI").is_none(), "CI must have {tool}");
    say(&format!("SKIPPED, no {tool}"));
}

/// Writes a line about the running test that is shown even if the test passes.
pub fn say(text: &str) {
    let test = thread::current().name().unwrap_or_default().to_owned();
    // Not eprintln!, because libtest hides its output when a test passes.
    writeln!(io::stderr(), "{text}: {test}").ok();
}
