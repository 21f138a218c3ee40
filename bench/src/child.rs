//! The roles of this program when one of its implementations starts it again as a child process.

use std::env;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The first argument of a process that exits immediately.
pub const NOTHING: &str = "--nothing";
/// The first argument of a process that sends back what it reads.
const PONG: &str = "--pong";

/// Plays the role that this process was started for, and then exits. Returns if it has none. `main`
/// calls it first, so that nothing else takes time.
pub fn play_part() {
    match env::args_os().nth(1) {
        Some(argument) if argument == NOTHING => process::exit(0),
        Some(argument) if argument == PONG => process::exit(i32::from(pong().is_err())),
        _ => {}
    }
}

/// Returns the path of this program.
///
/// # Errors
///
/// When the system does not know it.
pub fn this_program() -> Result<PathBuf> {
    env::current_exe().context("finding this program")
}

/// Two pipes to a process that sends back what it receives. The process exits when this is dropped.
#[derive(Debug)]
pub struct Pipe {
    child: Child,
    ping: Option<ChildStdin>,
    pong: ChildStdout,
}

impl Pipe {
    /// Starts the process.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start() -> Result<Self> {
        let mut child = Command::new(this_program()?)
            .arg(PONG)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the other end of the pipe")?;
        let ping = child.stdin.take();
        let pong = child.stdout.take().context("no stdout")?;
        Ok(Self { child, ping, pong })
    }

    /// Sends `times` numbers of eight bytes. Waits for each one to come back before it sends the next.
    ///
    /// # Errors
    ///
    /// When the process has exited, or a different number comes back.
    pub fn ping(&mut self, times: u64) -> Result<()> {
        let ping = self.ping.as_mut().context("no stdin")?;
        let mut answer = [0; 8];
        for number in 0..times {
            ping.write_all(&number.to_ne_bytes())?;
            self.pong.read_exact(&mut answer).context("the other end")?;
            ensure!(u64::from_ne_bytes(answer) == number, "a different number came back");
        }
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.ping.take()); // the process exits when its stdin closes
        self.child.wait().ok();
    }
}

/// Sends back what it reads, eight bytes at a time, until stdin closes.
fn pong() -> std::io::Result<()> {
    use std::fs::File;
    #[cfg(unix)]
    use std::os::fd::AsFd as As;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as As;

    // Not Stdin and Stdout: Stdout is line-buffered, and may split a message at a newline byte.
    #[cfg(unix)]
    let own = (
        std::io::stdin().as_fd().try_clone_to_owned()?,
        std::io::stdout().as_fd().try_clone_to_owned()?,
    );
    #[cfg(windows)]
    let own = (
        std::io::stdin().as_handle().try_clone_to_owned()?,
        std::io::stdout().as_handle().try_clone_to_owned()?,
    );
    let (mut input, mut output) = (File::from(own.0), File::from(own.1));
    let mut message = [0; 8];
    while input.read(&mut message)? == message.len() {
        output.write_all(&message)?;
    }
    Ok(())
}
