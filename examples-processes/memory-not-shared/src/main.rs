//! A thread changes this process's memory, a child process only its own.
//!
//! ```sh
//! cargo run -p memory-not-shared
//! ```
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, thread};

use anyhow::{Context, ensure};

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn set(who: &str, value: u32) {
    COUNTER.store(value, Ordering::Relaxed);
    println!("{who}: I set the counter to {value}");
}

fn show() {
    println!("Main: I see {}", COUNTER.load(Ordering::Relaxed));
}

fn main() -> anyhow::Result<()> {
    // With an argument, this is the child process.
    if env::args().nth(1).is_some() {
        set("Child process", 2);
        return Ok(());
    }

    show();
    thread::spawn(|| set("Thread", 1)).join().expect("the thread panicked");
    show();

    // Rust has no fork: the child is this program with an argument.
    let status = Command::new(env::current_exe()?)
        .arg("child")
        .status()
        .context("starting the child")?;
    ensure!(status.success(), "the child failed: {status}");
    show();
    Ok(())
}
