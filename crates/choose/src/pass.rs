//! Passes on signals and exit codes, so that a caller notices no
//! difference.

use std::io;
use std::process::ExitStatus;

#[cfg(unix)]
pub use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::io;

    use process_tree::ignored_signals;
    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::mpsc;

    /// The signals that this process received and that would have ended it.
    #[derive(Debug)]
    pub struct Signals(mpsc::Receiver<Signal>);

    impl Signals {
        /// Begins to listen, in a tokio runtime. Call it before the command
        /// is started, so that no signal can end this process and leave the
        /// command behind. Signals that this process ignores stay ignored.
        ///
        /// # Errors
        ///
        /// If the system refuses a handler.
        pub fn listen() -> io::Result<Self> {
            let (sender, received) = mpsc::channel(8);
            let ignored = ignored_signals();
            for number in [
                Signal::INT,
                Signal::QUIT,
                Signal::TERM,
                Signal::HUP,
                Signal::USR1,
                Signal::USR2,
            ] {
                if ignored.contains(&number.as_raw()) {
                    // By nohup, for example. Listening would replace
                    // "ignore", and the command would inherit "default".
                    continue;
                }
                let kind = SignalKind::from_raw(number.as_raw());
                let mut signals = signal(kind)?;
                let sender = sender.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        if sender.send(number).await.is_err() {
                            return;
                        }
                    }
                });
            }
            Ok(Self(received))
        }

        /// Sends the signals on to the command, forever.
        pub async fn forward(&mut self, command: u32) {
            let command = command.try_into().ok().and_then(Pid::from_raw);
            while let (Some(command), Some(signal)) =
                (command, self.0.recv().await)
            {
                // The terminal has sent these two to the command itself.
                if signal != Signal::INT && signal != Signal::QUIT {
                    kill_process(command, signal).ok(); // it may have ended
                }
            }
            std::future::pending::<()>().await;
        }
    }
}

/// Ctrl-C, which is the only signal of other systems, and reaches the
/// command by itself.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Keeps Ctrl-C from ending this process.
    ///
    /// # Errors
    ///
    /// If the system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
        tokio::spawn(async move { while ctrl_c.recv().await.is_some() {} });
        Ok(Self)
    }

    /// Waits forever: there is nothing to send on.
    pub async fn forward(&mut self, _command: u32) {
        std::future::pending::<()>().await;
    }
}

/// The exit code of a program that was ended by SIGPIPE, as a shell reports
/// it.
pub const CLOSED_PIPE: u8 = 128 + 13;

/// Returns the exit code that a shell would report for the command: its
/// own, or 128 plus the number of the signal that ended it.
///
/// ```
/// # #[cfg(unix)] {
/// use std::os::unix::process::ExitStatusExt;
/// use std::process::ExitStatus;
/// use choose::pass::exit_code;
///
/// assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), 3); // exited
/// assert_eq!(exit_code(ExitStatus::from_raw(9)), 137); // killed
/// # }
/// ```
pub fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // Windows has larger codes.
    code.and_then(|code| code.try_into().ok()).unwrap_or(1)
}

/// Returns the exit code that a shell would report for a command that could
/// not be started: 127 if it does not exist, 126 if it cannot be executed.
///
/// ```
/// use std::io::ErrorKind;
/// use choose::pass::exit_code_of_error;
///
/// assert_eq!(exit_code_of_error(&ErrorKind::NotFound.into()), 127);
/// ```
pub fn exit_code_of_error(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::NotFound => 127,
        _ => 126,
    }
}
