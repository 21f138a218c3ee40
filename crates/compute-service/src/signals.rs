//! The signals that ask a service to stop: SIGTERM and Ctrl-C.

use anyhow::{Context, Result};

pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Starts to listen. From here on a signal no longer ends the process.
    #[cfg(unix)]
    pub fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Starts to listen. From here on Ctrl-C no longer ends the process.
    #[cfg(windows)]
    pub fn listen() -> Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c();
        Ok(Self {
            interrupt: interrupt.context("cannot listen for Ctrl-C")?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
