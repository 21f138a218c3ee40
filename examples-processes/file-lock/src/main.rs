//! Programs exclude each other with a lock on a file: two of them count
//! together, and a second instance notices that the first one is running.
//!
//! ```sh
//! cargo run -p file-lock
//! ```
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::process::{Child, Command};
use std::{env, io};

use anyhow::{Context, Result};

const ROUNDS: u32 = 1000;

// ANCHOR: count
/// Reads the number in the file and writes the next one. Without the lock,
/// two programs could read the same number: a lost update.
fn count(path: &str) -> Result<()> {
    for _ in 0..ROUNDS {
        let mut file = File::options().read(true).write(true).open(path)?;
        // Waits until no other program holds the lock.
        file.lock().context("locking the file")?;
        let mut number = String::new();
        file.read_to_string(&mut number)?;
        file.rewind()?;
        write!(file, "{}", number.parse::<u32>()? + 1)?;
    } // closing the file unlocks it
    Ok(())
}
// ANCHOR_END: count

// ANCHOR: instance
/// Tries to lock, and does not wait: a second instance has nothing to do.
fn run_once(path: &str) -> Result<()> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => println!("Instance: starts"),
        Err(TryLockError::WouldBlock) => {
            println!("Instance: another one is running");
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(())
}
// ANCHOR_END: instance

fn start(role: &str, path: &str) -> io::Result<Child> {
    Command::new(env::current_exe()?).args([role, path]).spawn()
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("count"), Some(path)) => count(&path),
        (Some("instance"), Some(path)) => run_once(&path),
        _ => supervise(),
    }
}

/// Starts two counters, and then two instances, the first while it holds
/// the lock.
fn supervise() -> Result<()> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(b"0")?;
    let path = file.path().to_str().context("the path is text")?;

    let mut counters = [start("count", path)?, start("count", path)?];
    for counter in &mut counters {
        counter.wait()?;
    }
    let number = std::fs::read_to_string(path)?;
    println!("Main: {number} of {}", 2 * ROUNDS);

    file.as_file().lock()?;
    start("instance", path)?.wait()?;
    file.as_file().unlock()?;
    start("instance", path)?.wait()?;
    Ok(())
}
