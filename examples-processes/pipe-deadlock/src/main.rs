//! Write everything, then read everything: with more than the pipes hold, both
//! processes wait for each other.
//!
//! ```sh
//! cargo run -p pipe-deadlock
//! ```
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// The child writes while it reads. As long as this process does not read, the
/// child's pipe fills up and the child stops. Then ours fills up too.
fn write_then_read(
    mut to: ChildStdin,
    mut from: ChildStdout,
    input: Vec<u8>,
) -> usize {
    to.write_all(&input).ok();
    drop(to); // the end of the input
    from.read_to_end(&mut Vec::new()).unwrap_or(0)
}

/// One thread writes while the other one reads.
fn write_while_reading(
    mut to: ChildStdin,
    mut from: ChildStdout,
    input: Vec<u8>,
) -> usize {
    thread::spawn(move || to.write_all(&input).ok());
    from.read_to_end(&mut Vec::new()).unwrap_or(0)
}

/// Sends bytes through `cat`, which writes what it reads. How many came back
/// within half a second?
fn send(
    talk: fn(ChildStdin, ChildStdout, Vec<u8>) -> usize,
    bytes: usize,
) -> Result<Option<usize>> {
    let mut cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cat")?;
    let (to, from) =
        cat.stdin.take().zip(cat.stdout.take()).context("two pipes")?;

    let (done, came_back) = mpsc::channel();
    thread::spawn(move || done.send(talk(to, from, vec![0; bytes])));
    let came_back = came_back.recv_timeout(Duration::from_millis(500)).ok();
    cat.kill()?; // ends the broken one, whose thread gets an error
    cat.wait()?;
    Ok(came_back)
}

fn main() -> Result<()> {
    // A pipe holds 64 KiB on Linux, and `cat` has a buffer of its own.
    for (name, talk) in [
        ("Write, then read", write_then_read as fn(_, _, _) -> _),
        ("Write while reading", write_while_reading),
    ] {
        for kibibytes in [64, 1024] {
            match send(talk, kibibytes * 1024)? {
                Some(bytes) => {
                    println!("{name}: {} of {kibibytes} KiB", bytes / 1024)
                }
                None => println!("{name}: stuck at {kibibytes} KiB"),
            }
        }
    }
    Ok(())
}
