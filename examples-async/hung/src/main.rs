//! A program that hangs in one of three ways: a task blocks the runtime, a lock
//! is held across an await, or a wake-up is lost. An argument names the way.
//!
//! ```sh
//! cargo run -p hung
//! ```
use std::future::poll_fn;
use std::process::{self, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll::{Pending, Ready};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

// ANCHOR: blocked
/// Blocks the thread on which the sending task would run.
async fn wait_for_message() {
    let (sender, messages) = mpsc::channel();
    tokio::spawn(async move { sender.send("hello") });
    messages.recv().ok();
}
// ANCHOR_END: blocked

// ANCHOR: lock
/// Holds the lock across the await. The second call blocks the thread that
/// the first one needs to continue.
#[expect(clippy::await_holding_lock, reason = "the mistake to be shown")]
async fn update(total: &Mutex<u32>) {
    let mut total = total.lock().expect("no holder of the lock panics");
    sleep(Duration::from_millis(10)).await;
    *total += 1;
}
// ANCHOR_END: lock

// ANCHOR: wakeup
/// The thread sets the flag but wakes nothing up, because the future ignores
/// the waker in its context.
async fn wait_for_answer() {
    let answered = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&answered);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        flag.store(true, Relaxed);
    });
    poll_fn(|_| if answered.load(Relaxed) { Ready(()) } else { Pending }).await;
}
// ANCHOR_END: wakeup

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(name) = env::args().nth(1) else { return run_all().await };
    println!("{name}: starts as process {}", process::id());
    match name.as_str() {
        "blocked" => wait_for_message().await,
        "lock" => {
            let total = Mutex::new(0);
            tokio::join!(update(&total), update(&total));
        }
        _ => wait_for_answer().await,
    }
    Ok(())
}

async fn run_all() -> Result<()> {
    for name in ["blocked", "lock", "wakeup"] {
        let mut child = Command::new(env::current_exe()?);
        let mut child = child.arg(name).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("a pipe")?);
        println!("{}", lines.lines().next_line().await?.context("a line")?);
        let ended = timeout(Duration::from_millis(300), child.wait()).await;
        println!("{name}: {}", if ended.is_ok() { "ended" } else { "hangs" });
        child.kill().await?;
    }
    Ok(())
}
