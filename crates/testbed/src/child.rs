//! A child process that does not outlive its owner.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::process::{
    self, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus,
    Output, Stdio,
};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::PAUSE;

/// The line by which a child reports that it is ready.
pub const READY: &str = "ready";

/// A child process that is killed and reaped when this is dropped.
///
/// Its streams are `Some` as far as the command has piped them.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> std::io::Result<()> {
/// use std::process::Command;
/// use testbed::Child;
///
/// let mut shell = Command::new("sh");
/// shell.args(["-c", "echo ready; read -r line; exit 3"]);
/// let mut child = Child::start_ready(&mut shell)?; // it has printed `ready`
/// assert!(child.is_running());
/// assert_eq!(child.stop()?.code(), Some(3)); // its stdin has been closed
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    /// The writing end of its stdin.
    pub stdin: Option<ChildStdin>,
    /// The reading end of its stdout.
    pub stdout: Option<BufReader<ChildStdout>>,
    /// The reading end of its stderr.
    pub stderr: Option<BufReader<ChildStderr>>,
    /// Set if the child leads a process group of its own. Dropping it ends the
    /// thread that kills the group at its time limit.
    #[cfg(unix)]
    group: Option<mpsc::Sender<()>>,
}

impl Child {
    /// Starts a command with the streams that it has.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut process = command.spawn()?;
        Ok(Self {
            stdin: process.stdin.take(),
            stdout: process.stdout.take().map(BufReader::new),
            stderr: process.stderr.take().map(BufReader::new),
            process,
            #[cfg(unix)]
            group: None,
        })
    }

    /// Starts a command with pipes for stdin and stdout, and waits until it has
    /// printed [`READY`].
    ///
    /// # Errors
    ///
    /// If the program cannot be started, or prints anything else first.
    pub fn start_ready(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Self::start(command)?;
        child.ready()?;
        Ok(child)
    }

    /// Starts a command as the leader of a process group of its own. Signals go
    /// to the whole group. The whole group is killed when this is dropped, and
    /// at the latest after `limit`, which also ends a read that waits for it.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    #[cfg(unix)]
    pub fn start_group(
        command: &mut Command,
        limit: Duration,
    ) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;

        let mut child = Self::start(command.process_group(0))?;
        let group = child.pid();
        let (over, is_over) = mpsc::channel();
        child.group = Some(over);
        thread::spawn(move || {
            let timeout = Err(mpsc::RecvTimeoutError::Timeout);
            if is_over.recv_timeout(limit) == timeout {
                kill_process_group(group, Signal::KILL).ok();
            }
        });
        Ok(child)
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns true if the process has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Returns the next line of stdout, without its end.
    ///
    /// # Errors
    ///
    /// If stdout is not piped, cannot be read, or has ended.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().ok_or_else(no_stdout)?;
        if stdout.read_line(&mut line)? == 0 {
            let text = "its stdout has ended";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
        }
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        Ok(line)
    }

    /// Reads lines of stdout until `find` returns a value for one of them.
    ///
    /// # Errors
    ///
    /// Those of [`line`](Self::line).
    pub fn wait_for<T>(
        &mut self,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<T> {
        loop {
            if let Some(value) = find(&self.line()?) {
                return Ok(value);
            }
        }
    }

    /// Waits until the child has printed [`READY`].
    ///
    /// # Errors
    ///
    /// Those of [`line`](Self::line), and if the next line is another one.
    pub fn ready(&mut self) -> io::Result<()> {
        match &*self.line()? {
            READY => Ok(()),
            other => {
                let text =
                    format!("it printed {other:?} instead of {READY:?}");
                Err(io::Error::new(ErrorKind::InvalidData, text))
            }
        }
    }

    /// Reads stdout to its end.
    ///
    /// # Errors
    ///
    /// If stdout is not piped or not UTF-8, or cannot be read.
    pub fn rest(&mut self) -> io::Result<String> {
        let mut rest = String::new();
        let stdout = self.stdout.as_mut().ok_or_else(no_stdout)?;
        stdout.read_to_string(&mut rest)?;
        Ok(rest)
    }

    /// Reads stdout and stderr to their ends, and waits until the child has ended
    /// by itself.
    ///
    /// # Errors
    ///
    /// If a stream cannot be read, or the system cannot tell how the child ended.
    pub fn output(mut self) -> io::Result<Output> {
        let (stdout, stderr) = (self.stdout.take(), self.stderr.take());
        let stderr = thread::spawn(move || read_all(stderr));
        let stdout = read_all(stdout)?;
        let stderr = stderr.join().map_err(|_| io::ErrorKind::Other)??;
        Ok(Output { status: self.wait()?, stdout, stderr })
    }

    /// Takes stdout and stderr, and returns their lines as they come. Both are
    /// read to their ends although nothing may receive the lines, so the child
    /// never waits because a pipe is full.
    pub fn lines(&mut self) -> Receiver<String> {
        let (sender, lines) = mpsc::channel();
        let read = |stream: Option<Box<dyn BufRead + Send>>| {
            let Some(stream) = stream else { return };
            let sender = sender.clone();
            thread::spawn(move || {
                for line in stream.lines().map_while(Result::ok) {
                    sender.send(line).ok(); // no longer of interest
                }
            });
        };
        read(self.stdout.take().map(|it| Box::new(it) as _));
        read(self.stderr.take().map(|it| Box::new(it) as _));
        lines
    }

    /// Sends a signal to the child, or to its group.
    ///
    /// # Errors
    ///
    /// If the process, or the group, is gone.
    #[cfg(unix)]
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let to_group = self.group.is_some();
        let kill = if to_group { kill_process_group } else { kill_process };
        Ok(kill(self.pid(), signal)?)
    }

    /// Waits until the child has ended by itself.
    ///
    /// # Errors
    ///
    /// If the system cannot tell how it ended.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait()
    }

    /// Waits for at most this time until the child has ended. Returns `None` if
    /// it is still running.
    ///
    /// # Errors
    ///
    /// If the system cannot tell how it ended.
    pub fn wait_within(
        &mut self,
        time: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + time;
        loop {
            let status = self.process.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Closes the child's stdin, and waits until the child has ended because of
    /// that.
    ///
    /// # Errors
    ///
    /// If the system cannot tell how it ended.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        self.wait()
    }

    /// Kills the child, or its group, and reaps the child.
    ///
    /// # Errors
    ///
    /// If the system cannot tell how it ended.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        if self.group.is_some() {
            self.signal(Signal::KILL).ok(); // an error: all have ended already
        }
        self.process.kill().ok(); // an error: it has ended already
        self.wait()
    }

    #[cfg(unix)]
    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill().ok();
    }
}

fn read_all(stream: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.map(|mut stream| stream.read_to_end(&mut bytes)).transpose()?;
    Ok(bytes)
}

fn no_stdout() -> io::Error {
    io::Error::other("its stdout is not piped")
}
