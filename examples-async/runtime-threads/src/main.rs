//! `join!` stays on one thread; `spawn` uses those that the runtime has.
//!
//! ```sh
//! cargo run -p runtime-threads
//! ```
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::Builder;

/// A place to meet for two.
#[derive(Default)]
struct Meeting {
    present: Mutex<u32>,
    changed: Condvar,
}

impl Meeting {
    /// Waits up to a second for the other one, and holds the thread meanwhile.
    /// So two can meet only if they run at the same time.
    fn attend(&self) -> bool {
        let mut present = self.present.lock().expect("nobody panics");
        *present += 1;
        self.changed.notify_all();
        let (mut present, waited) = self
            .changed
            .wait_timeout_while(present, Duration::from_secs(1), |present| {
                *present < 2
            })
            .expect("nobody panics");
        if waited.timed_out() {
            *present -= 1; // leaves, so that who comes later meets nobody
        }
        !waited.timed_out()
    }
}

// ANCHOR: ways
/// Returns the thread it ran on, and whether the other one ran at the same
/// time.
async fn job(meeting: Arc<Meeting>) -> (ThreadId, bool) {
    (thread::current().id(), meeting.attend())
}

async fn joined() -> anyhow::Result<[(ThreadId, bool); 2]> {
    let meeting = Arc::<Meeting>::default();
    // Both futures are part of this task, and a task runs on one thread at a
    // time.
    Ok(tokio::join!(job(Arc::clone(&meeting)), job(meeting)).into())
}

async fn spawned() -> anyhow::Result<[(ThreadId, bool); 2]> {
    let meeting = Arc::<Meeting>::default();
    // Two tasks: each may run on a thread of its own, if the runtime has more
    // than one.
    let first = tokio::spawn(job(Arc::clone(&meeting)));
    let second = tokio::spawn(job(meeting));
    Ok([first.await?, second.await?])
}

fn main() -> anyhow::Result<()> {
    let one_thread = Builder::new_current_thread().build()?;
    let two_threads = Builder::new_multi_thread().worker_threads(2).build()?;

    report("join!, current_thread", one_thread.block_on(joined())?);
    report("spawn, current_thread", one_thread.block_on(spawned())?);
    report("join!, multi_thread", two_threads.block_on(joined())?);
    report("spawn, multi_thread", two_threads.block_on(spawned())?);
    Ok(())
}
// ANCHOR_END: ways

fn report(how: &str, [first, second]: [(ThreadId, bool); 2]) {
    let threads =
        if first.0 == second.0 { "one thread" } else { "two threads" };
    let met = first.1 && second.1;
    let order = if met { "at the same time" } else { "one after the other" };
    println!("{how}: {threads}, {order}");
}
