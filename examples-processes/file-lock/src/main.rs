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
/// Reads the number in the file and writes the next one. Without the lock, two
/// programs would read the same number, and one update would be lost.
fn count(path: &str) -> Result<()> {
    for _ in 0..ROUNDS {
        let mut file = File::options().read(true).write(true).open(path)?;
        file.lock().context("locking the file")?; // waits for other programs
        let mut number = String::new();
        file.read_to_string(&mut number)?;
        file.rewind()?;
        write!(file, "{}", number.parse::<u32>()? + 1)?;
    } // closing the file unlocks it
    Ok(())
}
// ANCHOR_END: count

// ANCHOR: instance
/// Does not wait: a second instance has nothing to do.
fn run_once(path: &str) -> Result<()> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => println!("Instance: starts"),
        Err(TryLockError::WouldBlock) => {
            println!("Instance: another one is running")
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
    if let [_, role, path] = &*env::args().collect::<Vec<_>>() {
        return if role == "count" { count(path) } else { run_once(path) };
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(b"0")?;
    let path = file.path().to_str().context("the path is text")?;

    let counters = [start("count", path)?, start("count", path)?];
    for mut counter in counters {
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
