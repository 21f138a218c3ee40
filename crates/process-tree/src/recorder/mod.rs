//! Turns snapshots of a process tree into an [`Activity`]: the states of
//! each thread, one after the other, and the cores in use.
//!
//! A snapshot shows what a thread is doing at that moment, and for how long
//! it has run and queued for a core since it started. The difference
//! between two snapshots shows what it did in between: it computed and
//! queued for so long, and the rest was the wait that it was in before or
//! is in now. A state that took less than a quarter of the time between two
//! snapshots is left out.
//!
//! `cargo run -p process-tree --example sampler` measures what sampling
//! costs. On two cores at Linux 6.18, built without optimization, the
//! sampler used 3 % of one core for a program with 5 threads, 4 % for 100,
//! and 5 % for 5,000. One snapshot took 0.22, 2.9 and 6.7 ms of CPU time,
//! so the snapshots were about 5, 60 and 140 ms apart. The CPU time of a
//! program whose main thread computes did not change by more than the 2 %
//! by which it differs from run to run.

mod cores;
mod interval;
mod spans;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::activity::{Activity, Span, Spans, State, Thread, seconds};
use crate::snapshot::{
    KernelState, MAX_THREADS, Snapshot, ThreadSample, Times,
};
use crate::wait::Wait;

use cores::CpuTime;
use interval::Interval;

/// The minimum length of a run that has an activity. A shorter one yields
/// too few snapshots to show anything.
const MIN_RUN: Duration = Duration::from_millis(20);
/// The maximum number of threads in an activity.
const MAX_KEPT: usize = 40;
/// The maximum number of threads that are followed, so that the most
/// important ones can be selected at the end.
const MAX_FOLLOWED: usize = 400;
/// The maximum number of spans of one thread. A picture has no room for
/// more, and recordings stay small.
const MAX_SPANS: usize = 400;
/// The maximum number of spans of all threads together.
const MAX_SPANS_OF_ALL: usize = 4000;
/// The maximum time between two updates of the counters of a thread that is
/// on a core, in milliseconds. The kernel updates them at its ticks.
const TICK: f64 = 10.0;
/// If the counters of a runnable thread have not moved for this long, in
/// milliseconds, it has no core.
const NO_UPDATE: f64 = 25.0;

/// The snapshots of a run so far, as far as they matter for its activity.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// In the order in which the threads appeared.
    followed: Vec<Followed>,
    /// The threads of the last snapshot by their ids: the index in
    /// `followed`, or `None` for a thread that is only counted.
    alive: HashMap<i32, Option<usize>>,
    /// The number of threads that are only counted.
    counted: u64,
    /// The maximum number of threads that one snapshot has not read.
    unread: u64,
    /// The time of the last snapshot since the start of the program.
    last: Duration,
    cpu: Vec<CpuTime>,
}

/// A thread, and its states so far.
#[derive(Debug)]
struct Followed {
    process: i32,
    is_main: bool,
    name: String,
    from: Duration,
    spans: Spans,
    /// The end of the last span. The next two fields are of that time.
    until: Duration,
    times: Option<Times>,
    wait: Option<State>,
    /// The time of the first snapshot after `until`, if the thread was
    /// runnable in it.
    runnable_since: Option<Duration>,
}

impl Followed {
    /// Begins to follow a thread that was not in the previous snapshot.
    fn new(thread: &ThreadSample, before: Duration, now: Duration) -> Self {
        // It has existed for at least as long as it has run and queued.
        let times = thread.times.unwrap_or_default();
        let from = now.saturating_sub(times.ran + times.queued).max(before);
        Self {
            process: thread.process,
            is_main: thread.id == thread.process,
            name: String::new(),
            from,
            spans: Spans::default(),
            until: from,
            times: thread.times.map(|_| Times::default()),
            wait: None,
            runnable_since: None,
        }
    }

    /// Adds the states of the thread up to this snapshot.
    fn add(&mut self, thread: &ThreadSample, now: Duration) {
        if self.name != thread.name {
            // A thread can change its name after its start.
            self.name.clone_from(&thread.name);
        }
        let wait = wait(thread);
        let since =
            |earlier: Duration| milliseconds(now.saturating_sub(earlier));
        let length = since(self.until);
        let (computed, queued) = match (self.times, thread.times) {
            (Some(before), Some(now)) => (
                milliseconds(now.ran.saturating_sub(before.ran)),
                milliseconds(now.queued.saturating_sub(before.queued)),
            ),
            // The kernel has no counters.
            _ => (if wait.is_none() { length } else { 0.0 }, 0.0),
        };
        if wait.is_none() {
            let runnable_since = *self.runnable_since.get_or_insert(now);
            if computed + queued == 0.0 && since(runnable_since) < NO_UPDATE
            {
                return; // undecided until the kernel updates its counters
            }
        }
        if length > 0.0 {
            let interval = Interval {
                length,
                before: self.wait,
                after: wait,
                runnable_after: self
                    .runnable_since
                    .map_or(length, |seen| length - since(seen)),
                computed,
                queued,
            };
            self.push(&interval.spans());
        }
        self.until = now;
        self.times = thread.times;
        self.wait = wait;
        self.runnable_since = None;
    }

    /// Adds spans, and reduces their number if there are too many for a
    /// long run.
    fn push(&mut self, spans: &[Span]) {
        for Span { state, ms } in spans {
            self.spans.push(*state, *ms);
        }
        if self.spans.0.len() > 4 * MAX_SPANS {
            self.spans = spans::reduce(&self.spans, MAX_SPANS);
        }
    }

    /// Returns the time between its first and its last snapshot.
    fn length(&self) -> Duration {
        self.until.saturating_sub(self.from)
    }
}

/// Returns the state of a thread that waits, or `None` if it is runnable.
fn wait(thread: &ThreadSample) -> Option<State> {
    match thread.state {
        KernelState::Runnable => None,
        KernelState::Other('T' | 't') => Some(State::Stopped),
        _ => Some(match thread.wait {
            Some(Wait::Lock) => State::Lock,
            Some(Wait::Time) => State::Sleeping,
            Some(Wait::Io) => State::Io,
            Some(Wait::Child) => State::Child,
            Some(Wait::Unknown) | None => State::Waiting,
        }),
    }
}

fn has_ended(thread: &ThreadSample) -> bool {
    matches!(thread.state, KernelState::Other('Z' | 'X'))
}

impl Recorder {
    /// Adds a snapshot that was taken at this time since the start of the
    /// program.
    pub fn add(&mut self, now: Duration, snapshot: &Snapshot) {
        let before = std::mem::take(&mut self.alive);
        for thread in snapshot.seen.iter().filter(|it| !has_ended(it)) {
            let number = match before.get(&thread.id) {
                Some(&number) => number,
                None => self.follow(thread, now),
            };
            if let Some(number) = number {
                self.followed[number].add(thread, now);
            }
            self.alive.insert(thread.id, number);
        }
        self.keep_alive_at_end(&before, snapshot);
        if snapshot.seen.len() >= MAX_THREADS {
            let seen = snapshot.seen.len() as u64;
            let unread = snapshot.threads.saturating_sub(seen);
            self.unread = self.unread.max(unread);
        }
        self.last = now;
    }

    /// Adds the CPU time that all processes have used up to this time, and
    /// the number of cores that their runnable threads can use now.
    pub fn add_cpu(&mut self, now: Duration, used: Duration, cores: u64) {
        let (at, used) = (milliseconds(now), milliseconds(used));
        self.cpu.push(CpuTime { at, used, cores });
    }

    /// Keeps the threads of a process that is ending. They disappear one
    /// after the other, but those that existed when their main thread began
    /// to end count as alive at the end of the run.
    fn keep_alive_at_end(
        &mut self,
        before: &HashMap<i32, Option<usize>>,
        snapshot: &Snapshot,
    ) {
        let first = self.followed.first().map(|thread| thread.process);
        // Another process that has ended may stay until its parent reaps
        // it.
        let is_ending = |thread: &&ThreadSample| {
            thread.id == thread.process
                && (thread.state == KernelState::Other('X')
                    || has_ended(thread) && first == Some(thread.process))
        };
        let mains = snapshot.seen.iter().filter(is_ending);
        let ending: HashSet<_> = mains.map(|main| main.process).collect();
        for (&id, &number) in before {
            let process = number.map(|it| self.followed[it].process);
            if process.is_some_and(|process| ending.contains(&process)) {
                self.alive.insert(id, number);
            }
        }
    }

    /// Begins to follow a thread, unless there are too many.
    fn follow(
        &mut self,
        thread: &ThreadSample,
        now: Duration,
    ) -> Option<usize> {
        if self.followed.len() == MAX_FOLLOWED {
            self.counted += 1;
            return None;
        }
        self.followed.push(Followed::new(thread, self.last, now));
        Some(self.followed.len() - 1)
    }

    /// Returns the activity so far, or `None` if the run is too short.
    pub fn activity(&self) -> Option<Activity> {
        if self.last < MIN_RUN {
            return None;
        }
        let kept = self.most_important();
        let max_spans = MAX_SPANS.min(MAX_SPANS_OF_ALL / kept.len().max(1));
        let alive: HashSet<_> =
            self.alive.values().copied().flatten().collect();
        let mut processes = Vec::new();
        let thread = |&number: &usize| {
            let thread = &self.followed[number];
            Thread {
                process: index_in(&mut processes, thread.process),
                name: thread.name.clone(),
                from: seconds(thread.from),
                spans: spans::rounded(&spans::reduce(
                    &thread.spans,
                    max_spans,
                )),
                at_end: alive.contains(&number),
            }
        };
        Some(Activity {
            threads: kept.iter().map(thread).collect(),
            more: (self.followed.len() - kept.len()) as u64
                + self.counted
                + self.unread,
            cores: cores::in_use(&self.cpu),
        })
    }

    /// Selects the threads to show, in the order in which they appeared:
    /// main threads, the first thread of each name, and then those that
    /// existed for the longest time.
    fn most_important(&self) -> Vec<usize> {
        let mut names = HashSet::new();
        let mut ranked = Vec::new();
        for (number, thread) in self.followed.iter().enumerate() {
            let is_first = names.insert((thread.process, &thread.name));
            let rank = match (thread.is_main, is_first) {
                (true, _) => (0, Reverse(Duration::ZERO)),
                (false, true) => (1, Reverse(Duration::ZERO)),
                (false, false) => (2, Reverse(thread.length())),
            };
            if !thread.spans.0.is_empty() {
                ranked.push((rank, number));
            }
        }
        ranked.sort_unstable();
        ranked.truncate(MAX_KEPT);
        let mut kept: Vec<_> =
            ranked.into_iter().map(|(_, number)| number).collect();
        kept.sort_unstable();
        kept
    }
}

/// Returns the index of a process, which is added if it is new.
fn index_in(processes: &mut Vec<i32>, process: i32) -> usize {
    let known = processes.iter().position(|it| *it == process);
    known.unwrap_or_else(|| {
        processes.push(process);
        processes.len() - 1
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
