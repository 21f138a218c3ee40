//! A thread changes this process's memory, a child process only its own.
//!
//! ```sh
//! cargo run -p memory-not-shared
//! ```
use std::process::{Command, ExitCode};
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

fn compare() -> anyhow::Result<()> {
    show();

    thread::spawn(|| set("Thread", 1))
        .join()
        .expect("the thread does not panic");
    show();

    let program =
        env::current_exe().context("finding this program's own file")?;
    let status = Command::new(program)
        .arg("child")
        .status()
        .context("starting the child")?;
    ensure!(status.success(), "the child failed: {status}");
    show();
    Ok(())
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => compare()?,
        [role] if role == "child" => set("Child process", 2),
        _ => {
            eprintln!("usage: memory-not-shared [child]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
