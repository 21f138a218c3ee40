//! The cost of a message between threads, tasks and processes.

use std::hint;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::kept::results::Better;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::benchmark::{Benchmark, Figures, Implementation, Turn};
use crate::cores::Cores;
use crate::measure::seconds;
use crate::parts::pipe::Pipe;

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "message.py", way);
    Benchmark {
        name: "message",
        question: "What does a message cost, there and back?",
        method: "A number of eight bytes goes to a receiver that waits for it, and comes back before \
                 the next one goes. On one core the two sides take turns; on all cores the system \
                 may have to wake up another core for each message. A runtime of two threads keeps \
                 tasks that wake each other on one of them. A spinning thread does not sleep while \
                 it waits, so it need not be woken up, but it keeps a core busy.",
        measures: &[("one core", "µs", Better::Less), ("all cores", "µs", Better::Less)],
        implementations: vec![
            Implementation::rust("tasks on one thread", &[0], |turn| {
                by_cores(turn, |time| {
                    tasks(time, &Builder::new_current_thread().enable_all().build()?)
                })
            }),
            Implementation::rust("tasks in a runtime of two threads", &[0], |turn| {
                let mut two = Builder::new_multi_thread();
                two.worker_threads(2).enable_all();
                by_cores(turn, |time| tasks(time, &two.build()?))
            }),
            Implementation::rust("tasks, each on a thread of its own", &[0], |turn| {
                by_cores(turn, tasks_apart)
            }),
            Implementation::rust("threads, std channel", &[0], |turn| by_cores(turn, threads)),
            Implementation::rust("threads, Mutex and Condvar", &[0], |turn| {
                by_cores(turn, condvar)
            }),
            Implementation::rust("threads, spinning", &[0], |turn| by_cores(turn, spinning)),
            Implementation::rust("processes, raw pipe", &[0], |turn| by_cores(turn, pipe)),
            python("Python tasks, asyncio.Queue", "tasks"),
            python("Python threads, queue.Queue", "threads"),
            python("Python processes, Pipe", "processes"),
        ],
        ..Benchmark::default()
    }
}

/// Measures on one core and on all cores, for half of the time each. Skips one core if the system
/// cannot pin a thread to it.
fn by_cores(
    turn: &Turn,
    mut measure: impl FnMut(Duration) -> Result<f64> + Send,
) -> Result<Figures> {
    let mut figures = Figures::new();
    for cores in [Cores::One, Cores::All] {
        if let Some(seconds) = cores.run(|| measure(turn.time / 2)) {
            figures.insert(cores.name().to_owned(), seconds? * 1e6);
        }
    }
    Ok(figures)
}

type Ends = (Sender<u64>, Receiver<u64>);

/// Returns the ends of two channels, each of which holds one number.
fn two_channels() -> (Ends, Ends) {
    let ((ping, pings), (pong, pongs)) = (channel(1), channel(1));
    ((ping, pongs), (pong, pings))
}

async fn ask((ping, mut pongs): Ends, times: u64) -> Result<()> {
    for number in 0..times {
        ping.send(number).await?;
        ensure!(pongs.recv().await == Some(number), "a different number came back");
    }
    Ok(())
}

async fn answer((pong, mut pings): Ends) -> Result<()> {
    while let Some(number) = pings.recv().await {
        pong.send(number).await?;
    }
    Ok(())
}

fn tasks(time: Duration, runtime: &Runtime) -> Result<f64> {
    seconds(time, |times| {
        let (this, other) = two_channels();
        let other = runtime.spawn(answer(other));
        // Spawned, because the thread in block_on is not one of the runtime's workers.
        runtime.block_on(runtime.spawn(ask(this, times)))??;
        runtime.block_on(other)?
    })
}

fn tasks_apart(time: Duration) -> Result<f64> {
    let mut alone = Builder::new_current_thread();
    let (mine, others) = (alone.enable_all().build()?, alone.build()?);
    seconds(time, |times| {
        let (this, other) = two_channels();
        thread::scope(|scope| {
            let other = scope.spawn(|| others.block_on(answer(other)));
            mine.block_on(ask(this, times))?;
            other.join().ok().context("the other thread panicked")?
        })
    })
}

fn threads(time: Duration) -> Result<f64> {
    seconds(time, |times| {
        let (ping, pings) = mpsc::sync_channel(1);
        let (pong, pongs) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            scope.spawn(move || pings.into_iter().try_for_each(|number: u64| pong.send(number)));
            for number in 0..times {
                ping.send(number)?;
                ensure!(pongs.recv()? == number, "a different number came back");
            }
            drop(ping);
            Ok(())
        })
    })
}

/// Holds one number at a time.
#[derive(Default)]
struct Letterbox {
    number: Mutex<Option<u64>>,
    filled: Condvar,
}

impl Letterbox {
    fn put(&self, number: u64) {
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
        self.filled.notify_one();
    }

    fn take(&self) -> u64 {
        let mut number = self.number.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match number.take() {
                Some(number) => return number,
                None => {
                    number = self.filled.wait(number).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn condvar(time: Duration) -> Result<f64> {
    let (there, back) = (Letterbox::default(), Letterbox::default());
    seconds(time, |times| {
        thread::scope(|scope| {
            scope.spawn(|| (0..times).for_each(|_| back.put(there.take())));
            // All of them, even after a wrong number: the other thread waits for each one.
            let wrong = (0..times).filter(|&number| {
                there.put(number);
                back.take() != number
            });
            ensure!(wrong.count() == 0, "a different number came back");
            Ok(())
        })
    })
}

fn spinning(time: Duration) -> Result<f64> {
    /// Spins until the number is there. Yields to the system now and then, in case the other thread
    /// needs this core.
    fn wait_for(number: u64, shared: &AtomicU64) {
        let mut checks = 0;
        while shared.load(Ordering::Acquire) != number {
            checks += 1;
            if checks % 100 == 0 {
                thread::yield_now();
            } else {
                hint::spin_loop();
            }
        }
    }

    seconds(time, |times| {
        // Each on a cache line of its own.
        #[repr(align(128))]
        struct Line(AtomicU64);

        let (there, back) = (Line(AtomicU64::new(0)), Line(AtomicU64::new(0)));
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=times {
                    wait_for(number, &there.0);
                    back.0.store(number, Ordering::Release);
                }
            });
            for number in 1..=times {
                there.0.store(number, Ordering::Release);
                wait_for(number, &back.0);
            }
        });
        Ok(())
    })
}

fn pipe(time: Duration) -> Result<f64> {
    let mut pipe = Pipe::start()?;
    seconds(time, |times| pipe.ping(times))
}
