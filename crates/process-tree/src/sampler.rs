//! A thread that takes snapshots.

use std::ops::RangeInclusive;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, panic};

use crate::snapshot::{Detail, Snapshot};

/// A sampler may use one core for one part in so many of the time: a
/// twentieth.
const EFFORT: u32 = 20;

/// The processes that a [`Sampler`] samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A process and its descendants: see [`Snapshot::of`].
    Process(u32),
    /// The descendants of this process: see [`Snapshot::of_children`].
    Children {
        /// The child that another part of this program waits for.
        waited_for: Option<u32>,
    },
}

impl Target {
    fn snapshot(self, detail: Detail) -> Option<Snapshot> {
        match self {
            Self::Process(id) => Snapshot::of(id, detail),
            Self::Children { waited_for } => {
                Snapshot::of_children(waited_for, detail)
            }
        }
    }
}

/// The pauses of a [`Sampler`]. Default: [every](Self::every) 5 ms; in the
/// [first](Self::at_first) 20 ms every 1 ms, with
/// [totals](Self::totals_every) every 0.2 ms.
///
/// A pause becomes longer if snapshots take long: at least 20 times the CPU
/// time of the last snapshot, so that sampling takes at most a twentieth of
/// a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    pause: RangeInclusive<Duration>,
    start: Duration,
    start_pause: Duration,
    totals_pause: Option<Duration>,
}

impl Default for Pace {
    fn default() -> Self {
        Self::every(Duration::from_millis(5))
            .at_first(Duration::from_millis(20), Duration::from_millis(1))
            .totals_every(Duration::from_micros(200))
    }
}

impl Pace {
    /// Pauses for this time after each snapshot.
    pub fn every(pause: Duration) -> Self {
        Self::between(pause..=pause)
    }

    /// Pauses for irregular times in this range, so that the snapshots
    /// never fall into step with a rhythm of the processes.
    pub fn between(pause: RangeInclusive<Duration>) -> Self {
        let (start, start_pause) = (Duration::ZERO, Duration::ZERO);
        Self { pause, start, start_pause, totals_pause: None }
    }

    /// Pauses for a shorter time in the first part of the run, because many
    /// programs end soon.
    #[must_use]
    pub fn at_first(mut self, start: Duration, pause: Duration) -> Self {
        self.start = start;
        self.start_pause = pause;
        self
    }

    /// In the first part of the run, also takes snapshots of
    /// [totals](Detail::Totals) between the others, as often as this. They
    /// are not limited to a twentieth of a core.
    #[must_use]
    pub fn totals_every(mut self, pause: Duration) -> Self {
        self.totals_pause = Some(pause);
        self
    }

    /// Returns the pause after the snapshot of this number.
    fn pause(&self, number: u32) -> Duration {
        let (min, max) = (*self.pause.start(), *self.pause.end());
        // Multiples of the golden ratio are as irregular as can be.
        let part = (f64::from(number) * 0.618_033_988_749_895).fract();
        min + max.saturating_sub(min).mul_f64(part)
    }
}

/// A consumer of the snapshots of a [`Sampler`]. A closure that takes a
/// snapshot is one, which reads them in full [detail](Detail::Waits).
pub trait Observer: Send + 'static {
    /// Takes a snapshot that was begun at this time. The sampler waits
    /// until this returns.
    fn observe(&mut self, at: Instant, snapshot: &Snapshot);

    /// Returns the detail of the next snapshot. Default: [`Detail::Waits`],
    /// which is all of it.
    fn detail(&self) -> Detail {
        Detail::Waits
    }
}

impl<F: FnMut(Instant, &Snapshot) + Send + 'static> Observer for F {
    fn observe(&mut self, at: Instant, snapshot: &Snapshot) {
        self(at, snapshot);
    }
}

/// A thread that samples a tree of processes until this is finished or
/// dropped. A thread and not an async task, because a snapshot of thousands
/// of threads takes several milliseconds.
///
/// ```
/// use std::time::{Duration, Instant};
/// use process_tree::{Pace, Sampler, Target};
///
/// # fn main() -> std::io::Result<()> {
/// let target = Target::Process(std::process::id());
/// let mut max = 0;
/// let observer = move |_: Instant, now: &process_tree::Snapshot| {
///     max = now.threads.max(max);
///     println!("{} threads now, {max} at most", now.threads);
/// };
/// let pace = Pace::every(Duration::from_millis(10));
/// let sampler = Sampler::start(target, pace, observer)?;
/// // … the work that it watches …
/// drop(sampler);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Sampler<O> {
    observer: Arc<Mutex<O>>,
    /// Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl<O: Observer> Sampler<O> {
    /// Starts to sample. The first snapshot is taken at once. A process
    /// that has ended yields no more snapshots, and a system other than
    /// Linux none at all.
    ///
    /// # Errors
    ///
    /// If the system refuses to start a thread.
    pub fn start(
        target: Target,
        pace: Pace,
        observer: O,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let observer = Arc::new(Mutex::new(observer));
        let mut rounds = Rounds {
            target,
            pace,
            observer: Arc::clone(&observer),
            began: Instant::now(),
            due: Instant::now(),
            number: 0,
        };
        let run = move || {
            if !cfg!(target_os = "linux") {
                return;
            }
            loop {
                let pause = rounds.next();
                let stop = stopped.recv_timeout(pause);
                if stop == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("sampler".into());
        Ok(Self { observer, stop, thread: thread.spawn(run)? })
    }

    /// Returns the observer. The sampler cannot go on while the guard
    /// exists.
    pub fn observer(&self) -> MutexGuard<'_, O> {
        lock(&self.observer)
    }

    /// Stops sampling, and returns the observer. Blocks while a snapshot is
    /// being taken, so for a few milliseconds.
    ///
    /// # Panics
    ///
    /// If the observer has panicked.
    pub fn finish(self) -> O {
        drop(self.stop);
        if let Err(payload) = self.thread.join() {
            panic::resume_unwind(payload);
        }
        let observer = Arc::into_inner(self.observer);
        let observer = observer.expect("the thread has ended");
        observer.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<O>(observer: &Mutex<O>) -> MutexGuard<'_, O> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The work of the sampler's thread.
struct Rounds<O> {
    target: Target,
    pace: Pace,
    observer: Arc<Mutex<O>>,
    began: Instant,
    /// The time of the next snapshot that is not one of totals only.
    due: Instant,
    /// The number of such snapshots so far.
    number: u32,
}

impl<O: Observer> Rounds<O> {
    /// Takes a snapshot, and returns the pause until the next one.
    fn next(&mut self) -> Duration {
        let now = Instant::now();
        let is_start = now - self.began < self.pace.start;
        let is_due = now >= self.due;
        let detail = match is_due {
            true => lock(&self.observer).detail(),
            false => Detail::Totals,
        };
        let snapshot = self.target.snapshot(detail);
        if let Some(snapshot) = &snapshot {
            lock(&self.observer).observe(now, snapshot);
        }
        if is_due {
            let pause = match is_start {
                true => self.pace.start_pause,
                false => self.pace.pause(self.number),
            };
            let took = snapshot.map(|snapshot| snapshot.took);
            let rest = EFFORT * took.unwrap_or_default();
            self.due = Instant::now() + pause.max(rest);
            self.number = self.number.wrapping_add(1);
        }
        let until_due = self.due.saturating_duration_since(Instant::now());
        match self.pace.totals_pause {
            Some(pause) if is_start => until_due.min(pause),
            _ => until_due,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn this_process() -> Target {
        Target::Process(std::process::id())
    }

    /// Returns rounds that send the detail and the CPU time of each
    /// snapshot.
    fn rounds(
        pace: Pace,
        sender: Sender<(Detail, Duration)>,
    ) -> Rounds<impl Observer> {
        let observe = move |_: Instant, snapshot: &Snapshot| {
            sender.send((snapshot.detail, snapshot.took)).ok();
        };
        Rounds {
            target: this_process(),
            pace,
            observer: Arc::new(Mutex::new(observe)),
            began: Instant::now(),
            due: Instant::now(),
            number: 0,
        }
    }

    #[test]
    fn sampling_takes_at_most_a_twentieth_of_a_core() {
        let (sender, snapshots) = channel();
        let mut rounds = rounds(Pace::every(Duration::ZERO), sender);
        for _ in 0..10 {
            let began = Instant::now();
            rounds.due = began;
            rounds.next();
            let (detail, took) = snapshots.recv().unwrap();
            assert_eq!(detail, Detail::Waits);
            assert!(rounds.due - began >= 20 * took, "{took:?}");
        }
    }

    #[test]
    fn at_first_totals_are_sampled_between_the_others() {
        let (sender, snapshots) = channel();
        let pace = Pace::every(HOUR)
            .at_first(HOUR, HOUR)
            .totals_every(Duration::from_millis(2));
        let mut rounds = rounds(pace, sender);
        assert_eq!(rounds.next(), Duration::from_millis(2));
        assert_eq!(rounds.next(), Duration::from_millis(2));
        let details: Vec<_> = snapshots.try_iter().map(|it| it.0).collect();
        assert_eq!(details, [Detail::Waits, Detail::Totals]);
        // After the first part of the run, only the others are left.
        rounds.pace.start = Duration::ZERO;
        assert!(rounds.next() > Duration::from_secs(1));
    }

    #[test]
    fn irregular_pauses_are_spread_over_their_range() {
        let ms = Duration::from_millis;
        let pace = Pace::between(ms(5)..=ms(15));
        let mut pauses: Vec<_> = (0..100).map(|n| pace.pause(n)).collect();
        pauses.sort();
        assert!(pauses[0] >= ms(5) && pauses[99] <= ms(15));
        // No gap is much larger than a hundredth of the range.
        let gaps = pauses.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max() < Some(Duration::from_micros(300)));
        assert_eq!(Pace::every(ms(5)).pause(7), ms(5));
    }

    #[test]
    fn the_thread_ends_when_its_sampler_is_dropped() {
        let (sender, snapshots) = channel();
        let observe = move |_: Instant, _: &Snapshot| {
            sender.send(()).unwrap();
        };
        let pace = Pace::default();
        let sampler =
            Sampler::start(this_process(), pace, observe).unwrap();
        snapshots.recv().unwrap();
        drop(sampler);
        while snapshots.recv().is_ok() {} // until it is dropped, too
    }

    #[test]
    #[should_panic = "on purpose"]
    fn a_panic_of_an_observer_is_passed_on() {
        let observe = |_: Instant, _: &Snapshot| panic!("on purpose");
        let pace = Pace::default();
        let sampler =
            Sampler::start(this_process(), pace, observe).unwrap();
        let _observer = sampler.finish();
    }
}
