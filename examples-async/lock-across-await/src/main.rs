//! A std Mutex held across an await stops everything.
//!
//! ```sh
//! cargo run -p lock-across-await
//! ```
use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;

const IO: Duration = Duration::from_millis(10);

// ANCHOR: broken
/// The second future blocks the thread in lock(). The first one, which could
/// unlock, needs that thread to go on. `tokio::spawn` refuses such a future, as
/// the guard is not Send; join! takes it.
#[expect(
    clippy::await_holding_lock,
    reason = "the mistake that this example shows"
)]
async fn held_across_await(total: &Mutex<u32>) {
    let mut guard = total.lock().expect("nobody panics");
    sleep(IO).await;
    *guard += 1;
}
// ANCHOR_END: broken

// ANCHOR: mended
/// Wait first, lock after: a std Mutex will do wherever nothing is awaited
/// under the lock.
async fn held_between_awaits(total: &Mutex<u32>) {
    sleep(IO).await;
    *total.lock().expect("nobody panics") += 1;
}

/// When the wait must be under the lock, an async Mutex: its lock() gives the
/// thread back.
async fn async_mutex(total: &tokio::sync::Mutex<u32>) {
    let mut guard = total.lock().await;
    sleep(IO).await;
    *guard += 1;
}
// ANCHOR_END: mended

/// Runs a future on a thread of its own. What has become of it after a second?
fn fate<F: Future>(make: impl FnOnce() -> F + Send + 'static) -> &'static str {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime can be built").block_on(make());
        done.send(()).ok(); // nobody listens any more after the time limit
    });
    match ended.recv_timeout(Duration::from_secs(1)) {
        Ok(()) => "both done",
        Err(RecvTimeoutError::Timeout) => "stuck",
        Err(RecvTimeoutError::Disconnected) => "panicked",
    }
}

fn main() {
    let outcome = fate(|| async {
        let total = Mutex::new(0);
        tokio::join!(held_across_await(&total), held_across_await(&total));
    });
    println!("std Mutex across await: {outcome}");

    let outcome = fate(|| async {
        let total = Mutex::new(0);
        tokio::join!(held_between_awaits(&total), held_between_awaits(&total));
    });
    println!("std Mutex between awaits: {outcome}");

    let outcome = fate(|| async {
        let total = tokio::sync::Mutex::new(0);
        tokio::join!(async_mutex(&total), async_mutex(&total));
    });
    println!("tokio Mutex across await: {outcome}");
}
