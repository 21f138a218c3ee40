//! Logic without an await, and thin shells around it: the same core behind
//! a thread and behind a task.
//!
//! ```sh
//! cargo run -p sync-core
//! ```
use std::sync::mpsc;
use std::thread;

/// Finds the lines in text that arrives in pieces. It does no I/O, so it
/// needs no runtime, and a test of it needs neither sockets nor sleeps.
#[derive(Default)]
struct Lines {
    rest: String,
}

impl Lines {
    /// Takes a piece and returns the lines that are complete now.
    fn feed(&mut self, piece: &str) -> Vec<String> {
        self.rest += piece;
        let lines = self.rest.split('\n').map(str::to_owned);
        let mut lines: Vec<_> = lines.collect();
        self.rest = lines.pop().unwrap_or_default();
        lines
    }
}

const PIECES: [&str; 3] = ["GET /a\nGE", "T /b\nGET", " /c\n"];

fn in_a_thread(pieces: mpsc::Receiver<&str>) {
    let mut lines = Lines::default();
    for piece in pieces {
        for line in lines.feed(piece) {
            println!("Thread: {line}");
        }
    }
}

async fn in_a_task(mut pieces: tokio::sync::mpsc::Receiver<&str>) {
    let mut lines = Lines::default();
    while let Some(piece) = pieces.recv().await {
        for line in lines.feed(piece) {
            println!("Task: {line}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (sender, pieces) = mpsc::channel();
    let reader = thread::spawn(|| in_a_thread(pieces));
    for piece in PIECES {
        sender.send(piece)?;
    }
    drop(sender);
    reader.join().expect("the thread panicked");

    let (sender, pieces) = tokio::sync::mpsc::channel(1);
    let reader = tokio::spawn(in_a_task(pieces));
    for piece in PIECES {
        sender.send(piece).await?;
    }
    drop(sender);
    reader.await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_arrive_in_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed("GE"), [""; 0]);
        assert_eq!(lines.feed("T /\nGET"), ["GET /"]);
        assert_eq!(lines.feed(" /a\n\n"), ["GET /a", ""]);
    }
}
