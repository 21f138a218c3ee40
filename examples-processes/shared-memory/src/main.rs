//! Two processes count in the same memory: without a lock, then with one.
//!
//! ```sh
//! cargo run -p shared-memory
//! ```
use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, Result};
use memmap2::MmapRaw;
use tempfile::NamedTempFile;

// ANCHOR: share
#[expect(unsafe_code, reason = "memory from the system has no type")]
fn counter(memory: &MmapRaw) -> &AtomicU64 {
    assert_eq!(memory.len(), 8, "the file must be 8 bytes long");
    // SAFETY: the map is aligned to a page and has 8 bytes, since neither
    // process shortens the file. The bytes live as long as `memory` is
    // borrowed, and both processes access them by atomics only.
    unsafe { AtomicU64::from_ptr(memory.as_mut_ptr().cast()) }
}
// ANCHOR_END: share

// ANCHOR: count
fn main() -> Result<()> {
    if let Some(path) = env::args().nth(1) {
        return child(&path);
    }
    let (file, path) = NamedTempFile::new()?.into_parts();
    file.set_len(8)?;
    let memory = MmapRaw::map_raw(&file)?;
    let mut child = Command::new(env::current_exe()?)
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let mut requests = child.stdin.take().context("no stdin")?;
    let replies = child.stdout.take().context("no stdout")?;
    let mut replies = BufReader::new(replies).lines();
    let mut reply = || -> Result<String> {
        Ok(replies.next().context("the child has ended")??)
    };

    let ready = reply()?;
    path.close()?; // both have opened the file, so it needs no name now
    println!("{ready}");

    for request in ["Add 1 without a lock", "Add 1 with the lock"] {
        counter(&memory).store(0, Relaxed);
        file.lock()?;
        let seen = counter(&memory).load(Relaxed);
        // The worst moment: after the load, before the store.
        println!("Parent: {request}");
        writeln!(requests, "{request}")?;
        println!("{}", reply()?);
        counter(&memory).store(seen + 1, Relaxed);
        println!("Parent: I read {seen} and wrote {}", seen + 1);
        file.unlock()?;
        if request.contains("with the lock") {
            println!("{}", reply()?);
        }
        println!("{} of 2 updates kept", counter(&memory).load(Relaxed));
    }
    drop(requests); // the child ends with its stdin
    child.wait().context("waiting for the child")?;
    Ok(())
}

fn child(path: &str) -> Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let memory = MmapRaw::map_raw(&file).context("mapping the file")?;
    println!("Child: I share the memory");
    for request in io::stdin().lines() {
        // Not a Mutex, which excludes only the threads of this process.
        if request?.contains("with the lock") && file.try_lock().is_err() {
            println!("Child: I wait for the lock");
            file.lock()?;
        }
        let seen = counter(&memory).load(Relaxed);
        counter(&memory).store(seen + 1, Relaxed);
        println!("Child: I read {seen} and wrote {}", seen + 1);
        file.unlock()?;
    }
    Ok(())
}
// ANCHOR_END: count
