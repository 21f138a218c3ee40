//! What this program is when one of its implementations starts it again, beside a worker of a process
//! pool.

use std::env;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The first argument of a process that ends at once.
pub const NOTHING: &str = "--nothing";
/// The first argument of a process that gives back what it reads.
const PONG: &str = "--pong";

/// Does what this process has been started for, and then never returns; returns if it was started
/// for something else. The first thing that `main` calls, so that nothing else costs time.
pub fn play_part() {
    match env::args_os().nth(1) {
        Some(argument) if argument == NOTHING => process::exit(0),
        Some(argument) if argument == PONG => process::exit(i32::from(pong().is_err())),
        _ => {}
    }
}

/// This program's own file.
///
/// # Errors
///
/// When the system does not tell.
pub fn this_program() -> Result<PathBuf> {
    env::current_exe().context("finding this program")
}

/// Two pipes to a process that gives back what it gets, and nothing else. It ends when this is
/// dropped.
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

    /// Sends so many numbers, eight bytes each, and waits for each to come back before the next.
    ///
    /// # Errors
    ///
    /// When the process has ended, or another number comes back.
    pub fn ping(&mut self, times: u64) -> Result<()> {
        let ping = self.ping.as_mut().context("no stdin")?;
        let mut answer = [0; 8];
        for number in 0..times {
            ping.write_all(&number.to_ne_bytes())?;
            self.pong.read_exact(&mut answer).context("the other end")?;
            ensure!(u64::from_ne_bytes(answer) == number, "another number came back");
        }
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.ping.take()); // it ends with its input
        self.child.wait().ok();
    }
}

/// Gives back what comes in, eight bytes at a time, until there is no more.
fn pong() -> std::io::Result<()> {
    use std::fs::File;
    #[cfg(unix)]
    use std::os::fd::AsFd as As;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as As;

    // Not Stdin and Stdout: Stdout looks for the end of a line and writes what is before it apart.
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
