//! The cost of sharing a counter in async code.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use harness::kept::results::Better::Less;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::measure::seconds;

/// The tasks that update the counter. As in async_state.py.
const TASKS: u64 = 10;

const ONE: &str = "one thread";
const PER_CORE: &str = "a thread per core";

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "async_state.py", way);
    Benchmark {
        name: "async-state",
        question: "What does it cost to share a counter between tasks?",
        method: "Ten tasks add 1 to a counter and look at the result, again and again. The figure \
                 is the time of one update. The lock is not held across any other await. An actor \
                 is a task that owns the counter: a request goes to it over a channel, and the \
                 result comes back over a channel for one message. With one thread, the tasks take \
                 turns, so nothing but the code itself is measured. Python's event loop always has \
                 one thread.",
        measures: &[(ONE, "ns", Less), (PER_CORE, "ns", Less)],
        implementations: vec![
            Implementation::rust("atomic", &[0], |turn| by_threads(turn, atomic)),
            Implementation::rust("std Mutex", &[0], |turn| by_threads(turn, std_mutex)),
            Implementation::rust("tokio Mutex", &[0], |turn| by_threads(turn, tokio_mutex)),
            Implementation::rust("actor", &[0], |turn| by_threads(turn, actor)),
            python("asyncio.Lock", "lock"),
            python("asyncio actor", "actor"),
        ],
        ..Benchmark::default()
    }
}

/// Measures on a runtime of one thread and on the default one, for half of the time each. `count`
/// makes the tasks do that many updates together, and returns the counter.
fn by_threads<F>(turn: &Turn, count: impl Fn(u64) -> F) -> Result<Figures>
where
    F: Future<Output = Result<u64>> + Send + 'static,
{
    let measure = |runtime: Runtime| {
        let time = seconds(turn.time / 2, |times| {
            // Spawned, because the thread in block_on is not one of the runtime's workers.
            let counted = runtime.block_on(runtime.spawn(count(times)))??;
            ensure!(counted == times, "{counted} of {times} updates were counted");
            Ok(())
        });
        anyhow::Ok(time? * 1e9)
    };
    let one = Builder::new_current_thread().enable_all().build()?;
    Ok(figures([(ONE, measure(one)?), (PER_CORE, measure(Runtime::new()?)?)]))
}

/// Divides the updates among the tasks. `task` makes the body of a task from its number of updates.
async fn in_tasks<F>(times: u64, task: impl Fn(u64) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let share = |number| times / TASKS + u64::from(number < times % TASKS);
    let tasks: JoinSet<_> = (0..TASKS).map(|number| task(share(number))).collect();
    tasks.join_all().await.into_iter().collect()
}

async fn atomic(times: u64) -> Result<u64> {
    let counter = Arc::new(AtomicU64::new(0));
    in_tasks(times, |times| {
        let counter = Arc::clone(&counter);
        async move {
            for _ in 0..times {
                black_box(counter.fetch_add(1, Ordering::Relaxed) + 1);
            }
            Ok(())
        }
    })
    .await?;
    Ok(counter.load(Ordering::Relaxed))
}

async fn std_mutex(times: u64) -> Result<u64> {
    let counter = Arc::new(Mutex::new(0));
    let add = |counter: &Mutex<u64>| {
        let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
        *counter += 1;
        *counter
    };
    in_tasks(times, |times| {
        let counter = Arc::clone(&counter);
        async move {
            for _ in 0..times {
                black_box(add(&counter));
            }
            Ok(())
        }
    })
    .await?;
    Ok(add(&counter) - 1)
}

async fn tokio_mutex(times: u64) -> Result<u64> {
    let counter = Arc::new(tokio::sync::Mutex::new(0));
    in_tasks(times, |times| {
        let counter = Arc::clone(&counter);
        async move {
            for _ in 0..times {
                let mut counter = counter.lock().await;
                *counter += 1;
                black_box(*counter);
            }
            Ok(())
        }
    })
    .await?;
    Ok(*counter.lock().await)
}

async fn actor(times: u64) -> Result<u64> {
    /// A request to add 1. The result goes into the sender.
    type Add = oneshot::Sender<u64>;

    let (requests, mut received) = mpsc::channel::<Add>(100);
    let owner = tokio::spawn(async move {
        let mut counter = 0;
        while let Some(reply) = received.recv().await {
            counter += 1;
            reply.send(counter).ok(); // an error: the task no longer waits for it
        }
        counter
    });
    in_tasks(times, |times| {
        let requests = requests.clone();
        async move {
            for _ in 0..times {
                let (reply, result) = oneshot::channel();
                requests.send(reply).await?;
                black_box(result.await?);
            }
            Ok(())
        }
    })
    .await?;
    drop(requests); // the last sender: ends the actor
    Ok(owner.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_update_is_counted() {
        let runtime = Runtime::new().unwrap();
        for times in [0, 7, 1_003] {
            assert_eq!(runtime.block_on(atomic(times)).unwrap(), times);
            assert_eq!(runtime.block_on(std_mutex(times)).unwrap(), times);
            assert_eq!(runtime.block_on(tokio_mutex(times)).unwrap(), times);
            assert_eq!(runtime.block_on(actor(times)).unwrap(), times);
        }
    }
}
