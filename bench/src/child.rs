//! What this program is when one of its contenders starts it again, beside a worker of the process
//! pool.

use std::env;
use std::process;

/// The first argument of a process that ends at once.
pub const NOTHING: &str = "--nothing";
/// The first argument of a process that gives back what it reads.
pub const PONG: &str = "--pong";

/// Does what this process has been started for, and then never returns; returns if it was started
/// for something else. The first thing that `main` calls, so that nothing else costs time.
pub fn serve() {
    match env::args_os().nth(1) {
        Some(argument) if argument == NOTHING => process::exit(0),
        Some(argument) if argument == PONG => process::exit(i32::from(pong().is_err())),
        _ => {}
    }
}

/// Gives back what comes in, eight bytes at a time, until there is no more.
#[cfg(unix)]
fn pong() -> std::io::Result<()> {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    // Not Stdin and Stdout: Stdout looks for the end of a line and writes what is before it apart.
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let mut message = [0; 8];
    while input.read(&mut message)? == message.len() {
        output.write_all(&message)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn pong() -> std::io::Result<()> {
    Err(std::io::Error::other("only on Unix"))
}
