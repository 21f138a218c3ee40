//! A program that hangs in one of three ways: a task blocks the runtime, a
//! lock is held across an await, or a wake-up is lost. An argument names
//! the way.
//!
//! ```sh
//! cargo run -p hung
//! ```
use std::future::poll_fn;
use std::process::{self, Stdio};
use std::sync::{Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result, bail};
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
    let mut total = total.lock().expect("another task panicked");
    sleep(Duration::from_millis(10)).await;
    *total += 1;
}
// ANCHOR_END: lock

// ANCHOR: wakeup
/// The thread wakes nothing up when it has the answer, because the future
/// ignores the waker in its context.
async fn wait_for_answer() {
    let thread = thread::spawn(|| thread::sleep(Duration::from_millis(50)));
    poll_fn(|_context| match thread.is_finished() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
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
        "wakeup" => wait_for_answer().await,
        _ => bail!("the hangs are blocked, lock and wakeup"),
    }
    Ok(())
}

async fn run_all() -> Result<()> {
    for name in ["blocked", "lock", "wakeup"] {
        let mut child = Command::new(env::current_exe()?)
            .arg(name)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("stdout is not piped")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        println!("{}", line.context("the program printed no line")?);

        let limit = Duration::from_millis(300);
        let result = timeout(limit, child.wait()).await;
        let outcome = if result.is_ok() { "ended" } else { "hangs" };
        println!("{name}: {outcome}");
        child.kill().await?;
    }
    Ok(())
}
