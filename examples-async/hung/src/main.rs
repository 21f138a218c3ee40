//! Three programs that hang: a task that blocks the runtime, a lock that is
//! held across an await, and a lost wake-up.
//!
//! ```sh
//! cargo run -p hung
//! ```
//!
//! With the argument `blocked`, `lock` or `wakeup` it hangs until you end it.
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;
use std::{env, process, thread};

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
/// the first one needs to go on.
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
        flag.store(true, Ordering::Release);
    });
    poll_fn(|_context| match answered.load(Ordering::Acquire) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}
// ANCHOR_END: wakeup

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
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

async fn run_all() -> anyhow::Result<()> {
    for name in ["blocked", "lock", "wakeup"] {
        let mut child = Command::new(env::current_exe()?).arg(name).spawn()?;
        let ended = timeout(Duration::from_millis(300), child.wait()).await;
        println!("{name}: {}", if ended.is_ok() { "ended" } else { "hangs" });
        child.kill().await?;
    }
    Ok(())
}
