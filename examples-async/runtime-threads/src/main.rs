//! `join!` stays on one thread; `spawn` uses those that the runtime has.
//!
//! ```sh
//! cargo run -p runtime-threads
//! ```
use std::sync::{Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::Builder;

/// A place to meet for two: who comes waits up to a second for the other one,
/// and holds its thread while it waits. So two can meet here only if they run
/// at the same time.
#[derive(Default)]
struct Meeting {
    arrived: Mutex<u32>,
    changed: Condvar,
}

impl Meeting {
    fn attend(&self) -> bool {
        let mut arrived = self.arrived.lock().expect("nobody panics");
        *arrived += 1;
        self.changed.notify_all();
        let (_guard, waited) = self
            .changed
            .wait_timeout_while(arrived, Duration::from_secs(1), |arrived| {
                *arrived < 2
            })
            .expect("nobody panics");
        !waited.timed_out()
    }
}

/// Returns the thread it ran on, and whether the other one ran at the same
/// time.
async fn job(meeting: &Meeting) -> (ThreadId, bool) {
    (thread::current().id(), meeting.attend())
}

fn report(how: &str, (first, second): ((ThreadId, bool), (ThreadId, bool))) {
    let threads =
        if first.0 == second.0 { "one thread" } else { "two threads" };
    let order = if first.1 && second.1 {
        "at the same time"
    } else {
        "one after the other"
    };
    println!("{how}: {threads}, {order}");
}

// ANCHOR: ways
async fn joined() -> anyhow::Result<((ThreadId, bool), (ThreadId, bool))> {
    let meeting = Meeting::default();
    // Both futures are part of this task, and a task runs on one thread at a
    // time.
    Ok(tokio::join!(job(&meeting), job(&meeting)))
}

async fn spawned() -> anyhow::Result<((ThreadId, bool), (ThreadId, bool))> {
    // Leaked, so that both tasks can borrow it for as long as they like.
    let meeting: &'static Meeting = Box::leak(Box::default());
    // Two tasks: each may run on a thread of its own, if the runtime has more
    // than one.
    let (first, second) =
        (tokio::spawn(job(meeting)), tokio::spawn(job(meeting)));
    Ok((first.await?, second.await?))
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
