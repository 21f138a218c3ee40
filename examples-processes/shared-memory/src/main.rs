//! Two processes count in the same memory: without a lock, then with one.
//!
//! ```sh
//! cargo run -p shared-memory
//! ```
use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, ensure};
use memmap2::MmapRaw;
use tempfile::NamedTempFile;

// ANCHOR: share
/// The file in memory: all processes that map it see the same bytes.
fn share(path: &Path) -> anyhow::Result<(File, MmapRaw)> {
    let file = File::options().read(true).write(true).open(path)?;
    // Raw, because a slice would promise that nobody else writes to it.
    let memory = MmapRaw::map_raw(&file).context("mapping the file")?;
    ensure!(memory.len() == size_of::<AtomicU64>(), "it is not 8 bytes long");
    Ok((file, memory))
}

#[expect(unsafe_code, reason = "memory from the system has no type")]
fn counter(memory: &MmapRaw) -> &AtomicU64 {
    assert_eq!(memory.len(), size_of::<AtomicU64>());
    // SAFETY: a map begins with a page, so the pointer is aligned; it is as
    // long as checked above, since nobody shortens the file; it stays as long
    // as `memory` is borrowed; every process reaches it by atomics alone.
    unsafe { AtomicU64::from_ptr(memory.as_mut_ptr().cast()) }
}
// ANCHOR_END: share

// ANCHOR: count
fn parent() -> anyhow::Result<()> {
    let named = NamedTempFile::new().context("making a file")?;
    named.as_file().set_len(8).context("making room for one number")?;
    let (file, memory) = share(named.path()).context("sharing the file")?;
    let mut child = Command::new(env::current_exe()?)
        .args(["child".as_ref(), named.path()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let mut lines =
        BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut hear = || lines.next().context("the child has left");
    let ready = hear()??;
    named.close().context("removing the file's name")?; // both have it open
    println!("{ready}");

    for how in ["unlocked", "locked"] {
        counter(&memory).store(0, Relaxed);
        if how == "locked" {
            file.lock().context("locking the file")?;
        }
        let seen = counter(&memory).load(Relaxed);
        println!("Parent, {how}: I read {seen}");
        // The child comes between the read and the write. By chance that would
        // be rare, and so found late; here it is certain.
        writeln!(child.stdin.as_ref().expect("a pipe"), "{how}")?;
        println!("{}", hear()??);
        counter(&memory).store(seen + 1, Relaxed);
        println!("Parent: I wrote {}", seen + 1);
        if how == "locked" {
            file.unlock().context("unlocking the file")?;
            println!("{}", hear()??);
        }
        println!("{} of 2 updates kept", counter(&memory).load(Relaxed));
    }
    ensure!(child.wait()?.success(), "the child failed"); // closes its stdin
    Ok(())
}

/// Adds 1 for each line that it reads, in the way that the line says.
fn child(path: &Path) -> anyhow::Result<()> {
    let (file, memory) = share(path).context("sharing the file")?;
    println!("Child: I share the memory");
    for how in io::stdin().lines() {
        let locked = how.context("reading a request")? == "locked";
        // A Mutex stops the threads of one process. A file's lock stops other
        // processes, and the system takes it back when its holder dies.
        if locked && file.try_lock().is_err() {
            println!("Child: I wait for the lock");
            file.lock().context("locking the file")?;
        }
        let seen = counter(&memory).load(Relaxed);
        counter(&memory).store(seen + 1, Relaxed);
        println!("Child: I read {seen} and wrote {}", seen + 1);
        if locked {
            file.unlock().context("unlocking the file")?;
        }
    }
    Ok(())
}
// ANCHOR_END: count

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => parent()?,
        [role, path] if role == "child" => child(path.as_ref())?,
        _ => {
            eprintln!("usage: shared-memory [child FILE]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
