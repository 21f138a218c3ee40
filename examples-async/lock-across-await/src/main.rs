//! A std Mutex held across an await stops everything.
//!
//! ```sh
//! cargo run -p lock-across-await
//! ```
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;

const IO: Duration = Duration::from_millis(10);

// ANCHOR: broken
/// The second task blocks the thread in lock(); the first, which could unlock,
/// needs that thread to go on. `tokio::spawn` refuses this future, as the guard
/// is not Send; join! takes it.
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

/// Runs a future on a thread of its own, and tells whether it ended within a
/// second.
fn ends_in_time<F: Future>(make: impl FnOnce() -> F + Send + 'static) -> bool {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime can be built").block_on(make());
        done.send(()).ok(); // nobody listens any more after the time limit
    });
    ended.recv_timeout(Duration::from_secs(1)).is_ok()
}

fn main() {
    let report = |what: &str, in_time: bool| {
        println!(
            "{what}: {}",
            if in_time { "both tasks done" } else { "stuck" }
        );
    };
    report(
        "std Mutex across await",
        ends_in_time(|| async {
            let total = Mutex::new(0);
            tokio::join!(held_across_await(&total), held_across_await(&total));
        }),
    );
    report(
        "std Mutex between awaits",
        ends_in_time(|| async {
            let total = Mutex::new(0);
            tokio::join!(
                held_between_awaits(&total),
                held_between_awaits(&total)
            );
        }),
    );
    report(
        "tokio Mutex across await",
        ends_in_time(|| async {
            let total = tokio::sync::Mutex::new(0);
            tokio::join!(async_mutex(&total), async_mutex(&total));
        }),
    );
}
