//! There is no async drop: cleanup that has to be awaited needs a method of
//! its own, and a task for the case that the method is not called.
//!
//! ```sh
//! cargo run -p async-cleanup
//! ```
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

/// A connection that says goodbye to the server, which takes I/O.
struct Connection {
    name: &'static str,
    closer: Option<mpsc::UnboundedSender<&'static str>>,
}

async fn say_goodbye(name: &str) {
    sleep(Duration::from_millis(20)).await; // stands for the message
    println!("{name}: the server knows");
}

impl Connection {
    /// The regular way: the caller awaits it and could handle an error.
    async fn close(mut self) {
        say_goodbye(self.name).await;
        self.closer = None; // nothing left to do
    }
}

impl Drop for Connection {
    /// The other way: after an early return, a panic or a cancellation.
    /// `drop` can't await, but it can send a message to a task that can.
    fn drop(&mut self) {
        if let Some(closer) = self.closer.take() {
            println!("{}: dropped, leaves a note", self.name);
            closer.send(self.name).ok();
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (closer, mut notes) = mpsc::unbounded_channel();
    let cleaner = tokio::spawn(async move {
        while let Some(name) = notes.recv().await {
            say_goodbye(name).await;
        }
    });
    let connect = |name| Connection { name, closer: Some(closer.clone()) };

    connect("Closed").close().await;
    drop(connect("Forgotten"));

    drop(closer);
    cleaner.await?; // before the runtime ends
    Ok(())
}
