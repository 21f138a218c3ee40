//! Write everything, then read everything: with one byte more than a pipe
//! holds, both processes wait for each other.
//!
//! ```sh
//! cargo run -p pipe-deadlock
//! ```
use std::env;
use std::io::{self, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const CAPACITY: usize = 65_536; // what a pipe holds on Linux: 16 pages

/// Runs in both processes. What a pipe can't hold has to wait until the
/// other process reads, and that process is waiting as well.
fn write_then_read(
    mut to: impl Write,
    mut from: impl Read,
    bytes: usize,
) -> io::Result<usize> {
    to.write_all(&vec![0; bytes])?;
    drop(to); // the end of the input
    from.read_to_end(&mut Vec::new())
}

/// Writes in a second thread. One of the two processes has to do this.
fn write_while_reading(
    mut to: ChildStdin,
    mut from: ChildStdout,
    bytes: usize,
) -> io::Result<usize> {
    thread::spawn(move || to.write_all(&vec![0; bytes]));
    from.read_to_end(&mut Vec::new())
}

type Way = fn(ChildStdin, ChildStdout, usize) -> io::Result<usize>;

/// Exchanges bytes with a child. Returns how many come back, or `None` if
/// that takes over a second.
fn exchange(way: Way, bytes: usize) -> Result<Option<usize>> {
    let mut child = Command::new(env::current_exe()?)
        .arg(bytes.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let to = child.stdin.take().context("no stdin")?;
    let from = child.stdout.take().context("no stdout")?;

    let (done, came_back) = mpsc::channel();
    thread::spawn(move || done.send(way(to, from, bytes)));
    let came_back = came_back.recv_timeout(Duration::from_secs(1));
    child.kill()?; // ends the broken exchange: its thread gets an error
    child.wait()?;
    Ok(came_back.ok().transpose()?)
}

fn main() -> Result<()> {
    if let Some(bytes) = env::args().nth(1) {
        write_then_read(io::stdout(), io::stdin(), bytes.parse()?)?;
        return Ok(());
    }
    let ways: [(&str, Way); 2] = [
        ("Write, then read", write_then_read),
        ("Write while reading", write_while_reading),
    ];
    for (name, way) in ways {
        for bytes in [CAPACITY, CAPACITY + 1] {
            match exchange(way, bytes)? {
                Some(read) => println!("{name}: {read} of {bytes} bytes"),
                None => println!("{name}: stuck at {bytes} bytes"),
            }
        }
    }
    Ok(())
}
