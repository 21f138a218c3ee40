//! The throughput of channels, between two threads and between many.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use harness::kept::results::Better::{Less, More};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn};
use crate::cores::Cores;
use crate::measure::seconds;

/// The messages that a channel can hold.
const CAPACITY: usize = 1000;
/// The number of senders, and of receivers, in *many to many*.
const MANY: u64 = 4;

const ONE_TO_ONE: &str = "one to one";
const MANY_TO_MANY: &str = "many to many";

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "channels",
        question: "Which channel carries how many messages?",
        method: "Every channel is bounded: it holds 1,000 messages, which are numbers of eight \
                 bytes. One to one is a sender and a receiver, many to many are four of each. The \
                 receivers of std and tokio can't be cloned, so many to many they share one in a \
                 Mutex. In a round trip, a message goes there and another one comes back before \
                 the next one goes: on one core the two sides take turns, on all cores the system \
                 may have to wake up another core for each message. tokio's senders and receivers \
                 are tasks of the default runtime, all others are threads.",
        measures: &[
            (ONE_TO_ONE, "million/s", More),
            (MANY_TO_MANY, "million/s", More),
            ("round trip, one core", "µs", Less),
            ("round trip, all cores", "µs", Less),
        ],
        implementations: vec![
            Implementation::rust("std mpsc", &[0], |turn| {
                measure(turn, one_to_one::<Std>, many_to_many::<StdInMutex>, round_trip::<Std>)
            }),
            Implementation::rust("crossbeam-channel", &[0], threads::<Crossbeam>),
            Implementation::rust("flume", &[0], threads::<Flume>),
            Implementation::rust("tokio mpsc", &[0], |turn| {
                measure(turn, tasks_one_to_one, tasks_many_to_many, tasks_round_trip)
            }),
            Implementation::python("Python queue.Queue", &[0], "channels.py", "queue"),
        ],
        ..Benchmark::default()
    }
}

/// Runs each measurement for a quarter of the time. A measurement returns the seconds that one
/// message takes.
fn measure(
    turn: &Turn,
    one_to_one: impl Fn(Duration) -> Result<f64>,
    many_to_many: impl Fn(Duration) -> Result<f64>,
    round_trip: impl Fn(Duration) -> Result<f64> + Sync,
) -> Result<Figures> {
    let time = turn.time / 4;
    let mut figures = Figures::new();
    figures.insert(ONE_TO_ONE.to_owned(), 1e-6 / one_to_one(time)?);
    figures.insert(MANY_TO_MANY.to_owned(), 1e-6 / many_to_many(time)?);
    for cores in [Cores::One, Cores::All] {
        if let Some(seconds) = cores.run(|| round_trip(time)) {
            figures.insert(format!("round trip, {}", cores.name()), seconds? * 1e6);
        }
    }
    Ok(figures)
}

/// A bounded channel for threads.
trait Channel {
    type Sender: Clone + Send;
    type Receiver: Send;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Waits until there is room. Fails if the receiver is gone.
    fn send(sender: &Self::Sender, message: u64) -> Result<()>;

    /// Waits for a message. Returns None if the senders are gone.
    fn receive(receiver: &Self::Receiver) -> Option<u64>;
}

struct Std;

impl Channel for Std {
    type Sender = mpsc::SyncSender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::sync_channel(capacity)
    }

    fn send(sender: &Self::Sender, message: u64) -> Result<()> {
        Ok(sender.send(message)?)
    }

    fn receive(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

struct StdInMutex;

impl Channel for StdInMutex {
    type Sender = mpsc::SyncSender<u64>;
    type Receiver = Arc<Mutex<mpsc::Receiver<u64>>>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (sender, Arc::new(Mutex::new(receiver)))
    }

    fn send(sender: &Self::Sender, message: u64) -> Result<()> {
        Ok(sender.send(message)?)
    }

    fn receive(receiver: &Self::Receiver) -> Option<u64> {
        receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

struct Crossbeam;

impl Channel for Crossbeam {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        crossbeam_channel::bounded(capacity)
    }

    fn send(sender: &Self::Sender, message: u64) -> Result<()> {
        Ok(sender.send(message)?)
    }

    fn receive(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

struct Flume;

impl Channel for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(capacity)
    }

    fn send(sender: &Self::Sender, message: u64) -> Result<()> {
        Ok(sender.send(message)?)
    }

    fn receive(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

fn threads<C: Channel>(turn: &Turn) -> Result<Figures>
where
    C::Receiver: Clone,
{
    measure(turn, one_to_one::<C>, many_to_many::<C>, round_trip::<C>)
}

/// Receives until the senders are gone. Returns the number of messages and their sum.
fn receive_all<C: Channel>(receiver: &C::Receiver) -> (u64, u64) {
    let messages = std::iter::from_fn(|| C::receive(receiver));
    messages.fold((0, 0), |(count, sum), message| (count + 1, sum + message))
}

/// Checks that each of the messages from 0 up to `times` arrived.
fn check((count, sum): (u64, u64), times: u64) -> Result<()> {
    ensure!(count == times, "{count} of {times} messages arrived");
    ensure!(sum == (0..times).sum::<u64>(), "different messages arrived");
    Ok(())
}

fn one_to_one<C: Channel>(time: Duration) -> Result<f64> {
    seconds(time, |times| {
        let (sender, receiver) = C::bounded(CAPACITY);
        thread::scope(|scope| {
            scope.spawn(move || (0..times).try_for_each(|message| C::send(&sender, message)));
            check(receive_all::<C>(&receiver), times)
        })
    })
}

fn many_to_many<C: Channel>(time: Duration) -> Result<f64>
where
    C::Receiver: Clone,
{
    seconds(time, |times| {
        let (sender, receiver) = C::bounded(CAPACITY);
        thread::scope(|scope| {
            for first in 0..MANY {
                let sender = sender.clone();
                let mut messages = (first..times).step_by(MANY as usize);
                scope.spawn(move || messages.try_for_each(|message| C::send(&sender, message)));
            }
            drop(sender);
            let receivers: Vec<_> = (0..MANY)
                .map(|_| {
                    let receiver = receiver.clone();
                    scope.spawn(move || receive_all::<C>(&receiver))
                })
                .collect();
            let mut all = (0, 0);
            for receiver in receivers {
                let (count, sum) = receiver.join().map_err(|_| anyhow!("a receiver panicked"))?;
                all = (all.0 + count, all.1 + sum);
            }
            check(all, times)
        })
    })
}

fn round_trip<C: Channel>(time: Duration) -> Result<f64> {
    seconds(time, |times| {
        let ((ping, pings), (pong, pongs)) = (C::bounded(CAPACITY), C::bounded(CAPACITY));
        thread::scope(|scope| {
            scope.spawn(move || {
                std::iter::from_fn(|| C::receive(&pings))
                    .try_for_each(|message| C::send(&pong, message))
            });
            for message in 0..times {
                C::send(&ping, message)?;
                ensure!(C::receive(&pongs) == Some(message), "a different message came back");
            }
            drop(ping);
            Ok(())
        })
    })
}

fn tasks_one_to_one(time: Duration) -> Result<f64> {
    let runtime = Runtime::new()?;
    seconds(time, |times| {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(CAPACITY);
        runtime.spawn(async move {
            for message in 0..times {
                sender.send(message).await?;
            }
            anyhow::Ok(())
        });
        let receiver = runtime.spawn(async move {
            let mut all = (0, 0);
            while let Some(message) = receiver.recv().await {
                all = (all.0 + 1, all.1 + message);
            }
            all
        });
        check(runtime.block_on(receiver)?, times)
    })
}

fn tasks_many_to_many(time: Duration) -> Result<f64> {
    let runtime = Runtime::new()?;
    seconds(time, |times| {
        let (sender, receiver) = tokio::sync::mpsc::channel(CAPACITY);
        for first in 0..MANY {
            let sender = sender.clone();
            runtime.spawn(async move {
                for message in (first..times).step_by(MANY as usize) {
                    sender.send(message).await?;
                }
                anyhow::Ok(())
            });
        }
        drop(sender);
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        let receivers = (0..MANY).map(|_| {
            let receiver = Arc::clone(&receiver);
            async move {
                let mut all = (0, 0);
                // The guard lives until the end of the statement, so not during the next one.
                while let Some(message) = { receiver.lock().await.recv().await } {
                    all = (all.0 + 1, all.1 + message);
                }
                all
            }
        });
        let received: Vec<(u64, u64)> = runtime.block_on(async {
            let receivers: JoinSet<_> = receivers.collect();
            receivers.join_all().await
        });
        let all = received.into_iter().reduce(|one, other| (one.0 + other.0, one.1 + other.1));
        check(all.context("there are receivers")?, times)
    })
}

fn tasks_round_trip(time: Duration) -> Result<f64> {
    let runtime = Runtime::new()?;
    seconds(time, |times| {
        let (ping, mut pings) = tokio::sync::mpsc::channel(CAPACITY);
        let (pong, mut pongs) = tokio::sync::mpsc::channel(CAPACITY);
        runtime.spawn(async move {
            while let Some(message) = pings.recv().await {
                pong.send(message).await?;
            }
            anyhow::Ok(())
        });
        // Spawned, because the thread in block_on is not one of the runtime's workers.
        runtime.block_on(runtime.spawn(async move {
            for message in 0..times {
                ping.send(message).await?;
                ensure!(pongs.recv().await == Some(message), "a different message came back");
            }
            Ok(())
        }))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(1);

    /// Each measurement checks that all messages arrive.
    #[test]
    fn no_channel_loses_messages() {
        fn threads<C: Channel>()
        where
            C::Receiver: Clone,
        {
            many_to_many::<C>(TIME).unwrap();
            round_trip::<C>(TIME).unwrap();
        }
        one_to_one::<Std>(TIME).unwrap();
        threads::<StdInMutex>();
        threads::<Crossbeam>();
        threads::<Flume>();
        tasks_one_to_one(TIME).unwrap();
        tasks_many_to_many(TIME).unwrap();
        tasks_round_trip(TIME).unwrap();
    }

    #[test]
    fn a_lost_message_is_noticed() {
        assert!(check((3, 3), 3).is_ok());
        assert!(check((2, 3), 3).is_err());
        assert!(check((3, 2), 3).is_err());
    }
}
