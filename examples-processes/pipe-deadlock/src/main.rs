//! Write everything, then read everything: with one byte more than a pipe
//! holds, both processes wait for each other.
//!
//! ```sh
//! cargo run -p pipe-deadlock
//! ```
use std::env;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const CAPACITY: usize = 65_536; // what a pipe holds on Linux: 16 pages

/// The child does the same. What a pipe can't hold has to wait until the other
/// process reads, and that process is waiting as well.
fn write_then_read(
    mut to: impl Write,
    mut from: impl Read,
    bytes: usize,
) -> io::Result<usize> {
    to.write_all(&vec![0; bytes])?;
    drop(to); // the end of the input
    from.read_to_end(&mut Vec::new())
}

/// A thread writes while this one reads. One of the processes has to do this.
fn write_while_reading(
    mut to: impl Write + Send + 'static,
    mut from: impl Read,
    bytes: usize,
) -> io::Result<usize> {
    thread::spawn(move || to.write_all(&vec![0; bytes]));
    from.read_to_end(&mut Vec::new())
}

/// Exchanges bytes with a child. How many come back within a second?
fn exchange(read_meanwhile: bool, bytes: usize) -> Result<Option<usize>> {
    let mut child = Command::new(env::current_exe()?)
        .arg(bytes.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let (to, from) =
        child.stdin.take().zip(child.stdout.take()).context("two pipes")?;

    let (done, came_back) = mpsc::channel();
    thread::spawn(move || {
        done.send(match read_meanwhile {
            true => write_while_reading(to, from, bytes),
            false => write_then_read(to, from, bytes),
        })
    });
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
    for (name, read_meanwhile) in
        [("Write, then read", false), ("Write while reading", true)]
    {
        for bytes in [CAPACITY, CAPACITY + 1] {
            match exchange(read_meanwhile, bytes)? {
                Some(read) => println!("{name}: {read} of {bytes} bytes"),
                None => println!("{name}: stuck at {bytes} bytes"),
            }
        }
    }
    Ok(())
}
