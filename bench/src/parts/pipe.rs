//! A raw pipe to another process.

use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use testbed::Child;

/// Two pipes to a process that sends back what it receives.
#[derive(Debug)]
pub struct Pipe {
    ping: ChildStdin,
    pong: ChildStdout,
    _child: Child,
}

impl Pipe {
    /// Starts the process.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start() -> Result<Self> {
        let mut command = super::command("pong")?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Child::start(&mut command).context("starting the other end of the pipe")?;
        let ping = child.stdin.take().context("no stdin")?;
        // Without the reader around it, which would copy each message once more.
        let pong = child.stdout.take().context("no stdout")?.into_inner();
        Ok(Self { ping, pong, _child: child })
    }

    /// Sends `times` numbers of eight bytes. Waits for each one to come back before it sends the next.
    ///
    /// # Errors
    ///
    /// If the process has exited, or a different number comes back.
    pub fn ping(&mut self, times: u64) -> Result<()> {
        let mut answer = [0; 8];
        for number in 0..times {
            self.ping.write_all(&number.to_ne_bytes())?;
            self.pong.read_exact(&mut answer).context("the other end")?;
            ensure!(u64::from_ne_bytes(answer) == number, "a different number came back");
        }
        Ok(())
    }
}

/// Sends back each message of eight bytes from stdin, until stdin closes.
///
/// # Errors
///
/// If a pipe fails.
pub fn pong() -> Result<()> {
    use std::fs::File;
    use std::io::{stdin, stdout};
    #[cfg(unix)]
    use std::os::fd::AsFd as As;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle as As;

    // Not Stdin and Stdout: Stdout is line-buffered, and may split a message at a newline byte.
    #[cfg(unix)]
    let own = (stdin().as_fd().try_clone_to_owned()?, stdout().as_fd().try_clone_to_owned()?);
    #[cfg(windows)]
    let own =
        (stdin().as_handle().try_clone_to_owned()?, stdout().as_handle().try_clone_to_owned()?);
    let (mut input, mut output) = (File::from(own.0), File::from(own.1));
    let mut message = [0; 8];
    while input.read(&mut message)? == message.len() {
        output.write_all(&message)?;
    }
    Ok(())
}
