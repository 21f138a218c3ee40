//! A std Mutex that is held across an await blocks everything on its
//! thread.
//!
//! ```sh
//! cargo run -p lock-across-await
//! ```
use std::io;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;

const IO: Duration = Duration::from_millis(10);

// ANCHOR: broken
/// The second future blocks the thread in lock(). The first one holds the
/// lock, and cannot go on without that thread. `tokio::spawn` rejects such
/// a future, because the guard is not Send; join! accepts it.
#[expect(clippy::await_holding_lock, reason = "the mistake to be shown")]
async fn held_across_await(total: &Mutex<u32>) {
    let mut guard = total.lock().expect("another task panicked");
    sleep(IO).await;
    *guard += 1;
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Waits first, and then locks. A std Mutex is the right one as long as
/// nothing is awaited while it is held.
async fn held_between_awaits(total: &Mutex<u32>) {
    sleep(IO).await;
    *total.lock().expect("another task panicked") += 1;
}

/// Waits under the lock, which takes an async Mutex: while its lock()
/// waits, the thread is free for other tasks.
async fn async_mutex(total: &tokio::sync::Mutex<u32>) {
    let mut guard = total.lock().await;
    sleep(IO).await;
    *guard += 1;
}
// ANCHOR_END: fixed

/// Runs two futures on one thread. Prints whether both end within a second.
fn run(
    name: &str,
    pair: impl AsyncFnOnce() + Send + 'static,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(pair());
        done.send(()).ok(); // an error: main gave up after a second
    });
    let in_time = is_done.recv_timeout(Duration::from_secs(1)).is_ok();
    println!("{name}: {}", if in_time { "both done" } else { "stuck" });
    Ok(())
}

fn main() -> io::Result<()> {
    run("std Mutex across await", async || {
        let total = Mutex::new(0);
        tokio::join!(held_across_await(&total), held_across_await(&total));
    })?;
    run("std Mutex between awaits", async || {
        let total = Mutex::new(0);
        tokio::join!(
            held_between_awaits(&total),
            held_between_awaits(&total)
        );
    })?;
    run("tokio Mutex across await", async || {
        let total = tokio::sync::Mutex::new(0);
        tokio::join!(async_mutex(&total), async_mutex(&total));
    })
}
