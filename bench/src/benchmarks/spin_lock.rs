//! A spin lock when there are more threads than cores.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use harness::kept::results::Better::More;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::measure::per_second;
use crate::work::{cores, steps_in, walk};

const FOUR_PER_CORE: &str = "four threads per core";
const PER_CORE: &str = "a thread per core";

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "spin-lock",
        question: "Does a lock that spins beat one that sleeps?",
        method: "Each thread computes for a microsecond while it holds the lock, and for another \
                 one without it, again and again. The figure is how often all threads together \
                 hold the lock in a second. The spin lock checks an atomic flag until it is free; \
                 the second one yields to the operating system between two checks. The lower \
                 bound is one thread that needs no lock, and computes only what the others do \
                 while they hold it.",
        measures: &[(FOUR_PER_CORE, "thousand/s", More), (PER_CORE, "thousand/s", More)],
        implementations: vec![
            Implementation::lower_bound("no lock, one thread", &[0], Source::Function(alone)),
            Implementation::rust("std Mutex", &[0], |turn| {
                let lock = Mutex::new(());
                measure(turn, |work| {
                    let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
                    work();
                })
            }),
            Implementation::rust("parking_lot Mutex", &[0], |turn| {
                let lock = parking_lot::Mutex::new(());
                measure(turn, |work| {
                    let _guard = lock.lock();
                    work();
                })
            }),
            Implementation::rust("spin lock", &[0], |turn| {
                let lock = SpinLock::default();
                measure(turn, |work| lock.hold(spin_loop, work))
            }),
            Implementation::rust("spin lock that yields", &[0], |turn| {
                let lock = SpinLock::default();
                measure(turn, |work| lock.hold(thread::yield_now, work))
            }),
        ],
        ..Benchmark::default()
    }
}

/// A lock whose threads keep checking a flag, each on its own core.
#[derive(Default)]
struct SpinLock(AtomicBool);

impl SpinLock {
    /// Runs the work while no other thread holds the lock.
    fn hold(&self, pause: fn(), work: impl FnOnce()) {
        while self.0.swap(true, Ordering::Acquire) {
            // Only reads, so that the cache line can stay where it is until the lock is free.
            while self.0.load(Ordering::Relaxed) {
                pause();
            }
        }
        work();
        self.0.store(false, Ordering::Release);
    }
}

/// Returns a microsecond of work.
fn work() -> impl Fn() + Copy {
    let steps = steps_in(Duration::from_micros(1));
    move || {
        black_box(walk(black_box(27), steps));
    }
}

fn measure(turn: &Turn, hold: impl Fn(&dyn Fn()) + Sync) -> Result<Figures> {
    let work = work();
    let hold = &hold;
    let with = |threads| {
        per_second(threads, turn.time / 2, |_| {
            move || {
                hold(&work);
                work();
            }
        })
    };
    let threads = [(FOUR_PER_CORE, 4 * cores()), (PER_CORE, cores())];
    Ok(figures(threads.map(|(name, threads)| (name, with(threads) / 1e3))))
}

fn alone(turn: &Turn) -> Result<Figures> {
    let work = work();
    let rate = per_second(1, turn.time, |_| work) / 1e3;
    Ok(figures([FOUR_PER_CORE, PER_CORE].map(|name| (name, rate))))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Reads and writes in two steps, and lets other threads run in between: without mutual exclusion,
    /// updates would be lost.
    #[test]
    fn one_thread_at_a_time_holds_the_spin_lock() {
        for pause in [spin_loop as fn(), thread::yield_now] {
            let (lock, count) = (SpinLock::default(), AtomicU64::new(0));
            let start = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        for _ in 0..25 {
                            lock.hold(pause, || {
                                let seen = count.load(Ordering::Relaxed);
                                thread::yield_now();
                                count.store(seen + 1, Ordering::Relaxed);
                            });
                        }
                    });
                }
            });
            assert_eq!(count.into_inner(), 100);
        }
    }
}
