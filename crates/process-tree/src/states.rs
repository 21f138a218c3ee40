//! Turns samples of a process tree into an [`Activity`]: what each thread did, one state after the
//! other, and how many cores were in use.
//!
//! A sample says what a thread is doing at that moment, and how long it has computed and queued
//! for a core since it started. What it did between two samples follows from the difference: so
//! much computing, so much queuing, and the rest was the wait that it was in before or is in now.
//! What took less than a quarter of the time between two samples is left out.
//!
//! `cargo run -p harness --example sampler` measures what sampling costs. On two cores at Linux 6.18,
//! with the harness built without optimization, the sampler used 3 % of one core for a program with
//! 5 threads, 4 % for 100, and 5 % for 5,000. One sample took 0.22, 2.9 and 6.7 ms of CPU time, so
//! the samples were about 5, 60 and 140 ms apart. The CPU time of a program whose main thread
//! computes did not change by more than the 2 % by which it differs from run to run.
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::{Snapshot, Times, Wait};

use crate::activity::{self, Activity, Cores, Span, Spans, State, seconds};

/// A shorter run has no activity: there would be a handful of samples, and nothing to see.
const SHORT: Duration = Duration::from_millis(20);
/// The most threads of an activity.
const MOST_THREADS: usize = 40;
/// The most threads that are followed, so that the most telling ones of them can be kept.
const MOST_FOLLOWED: usize = 400;
/// The most spans of one thread, and of all threads together. A picture has no room for more, and
/// recordings stay small.
const MOST_SPANS: usize = 400;
const MOST_SPANS_OF_ALL: usize = 4000;
/// The most steps of the cores in use, and the lengths that a step can have, in milliseconds.
const MOST_STEPS: f64 = 200.0;
const STEPS: [f64; 8] = [5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
/// The kernel counts the time of a thread that is on a core at its ticks, which are at most 10 ms
/// apart.
const TICK: f64 = 10.0;
/// A runnable thread whose times have not changed for so long has no core.
const NO_NEWS: f64 = 25.0;
/// A smaller part of an interval is left out.
const LEAST_PART: f64 = 0.25;

/// What the samples of a run have shown so far.
#[derive(Debug, Default)]
pub struct Samples {
    /// In the order in which they appeared.
    followed: Vec<Followed>,
    /// The threads of the last sample by their ids: the index in `followed`, or none for a thread
    /// that is only counted.
    alive: HashMap<i32, Option<usize>>,
    /// How many threads were only counted.
    counted: u64,
    /// The most threads of one sample that it has not read.
    unread: u64,
    /// The time of the last sample since the start of the program.
    last: Duration,
    cpu: Vec<CpuTime>,
}

/// The CPU time that all processes have used up to a time. Both are in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct CpuTime {
    at: f64,
    used: f64,
    /// How many cores the runnable threads of that moment can use.
    cores: u64,
}

/// A thread, and what it has done so far.
#[derive(Debug)]
struct Followed {
    process: i32,
    is_main: bool,
    name: String,
    from: Duration,
    spans: Spans,
    /// The time up to which the spans go, and what the thread was doing then.
    until: Duration,
    times: Option<Times>,
    wait: Option<State>,
    /// The first sample after `until`, if it saw the thread runnable.
    runnable_since: Option<Duration>,
}

/// What is known about a thread between two samples. All times are in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Interval {
    length: f64,
    /// What the thread waited for when the interval began. None if it was runnable.
    before: Option<State>,
    /// What it waits for now. None if it is runnable.
    after: Option<State>,
    /// The part of the interval after which it was surely runnable up to now, if it is.
    runnable_after: f64,
    computed: f64,
    queued: f64,
}

impl Interval {
    /// The states in their order. Their lengths add up to that of the interval.
    fn spans(self) -> Vec<Span> {
        let span = |state, ms| Span { state, ms };
        let mut computed = self.computed.min(self.length);
        let mut queued = self.queued.min(self.length - computed);
        let mut rest = self.length - computed - queued;

        let order = match (self.before, self.after) {
            // It woke up, computed, and waits again: if it was the same wait, nothing says when.
            (_, Some(wait)) => [
                span(State::Ready, queued),
                span(State::Computing, computed),
                span(wait, rest),
            ],
            (before, None) => {
                // The kernel has not counted all of the time since it became runnable: a tick at
                // most if it has a core, and all of its time in the queue if it is still there.
                let longest_wait =
                    if before.is_some() { self.runnable_after } else { 0.0 };
                let uncounted = f64::max(rest - longest_wait, 0.0);
                let on_core =
                    if computed > queued { uncounted.min(TICK) } else { 0.0 };
                rest -= uncounted;
                computed += on_core;
                queued += uncounted - on_core;
                let wait = span(before.unwrap_or(State::Waiting), rest);
                [
                    wait,
                    span(State::Ready, queued),
                    span(State::Computing, computed),
                ]
            }
        };
        let mut spans = order.to_vec();
        spans.retain(|span| span.ms >= LEAST_PART * self.length);
        let kept: f64 = spans.iter().map(|span| span.ms).sum();
        spans.iter_mut().for_each(|span| span.ms *= self.length / kept);
        spans
    }
}

impl Followed {
    /// A thread that was not there in the sample before.
    fn new(thread: &crate::Thread, before: Duration, now: Duration) -> Self {
        // It has been there at least as long as it has computed and queued.
        let times = thread.times.unwrap_or_default();
        let from = now.saturating_sub(times.ran + times.queued).max(before);
        Self {
            process: thread.process,
            is_main: thread.id == thread.process,
            name: String::new(),
            from,
            spans: Spans::default(),
            until: from,
            times: thread.times.and(Some(Times::default())),
            wait: None,
            runnable_since: None,
        }
    }

    /// Adds what a thread has done up to this sample.
    fn add(&mut self, thread: &crate::Thread, now: Duration) {
        if self.name != thread.name {
            self.name.clone_from(&thread.name); // it can change: threads name themselves
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
            // The kernel does not count.
            _ => (if wait.is_none() { length } else { 0.0 }, 0.0),
        };
        if wait.is_none() {
            let runnable_since = *self.runnable_since.get_or_insert(now);
            if computed + queued == 0.0 && since(runnable_since) < NO_NEWS {
                return; // wait for the news whether it has a core
            }
        }
        if length > 0.0 {
            let runnable_after =
                self.runnable_since.map_or(length, |seen| length - since(seen));
            let interval = Interval {
                length,
                before: self.wait,
                after: wait,
                runnable_after,
                computed,
                queued,
            };
            for Span { state, ms } in interval.spans() {
                self.spans.push(state, ms);
            }
            if self.spans.0.len() > 4 * MOST_SPANS {
                self.spans = fewer(&self.spans, MOST_SPANS);
            }
        }
        self.until = now;
        self.times = thread.times;
        self.wait = wait;
        self.runnable_since = None;
    }

    /// How long it has been there, as far as that is known.
    fn length(&self) -> Duration {
        self.until.saturating_sub(self.from)
    }
}

/// What a thread waits for. None if it is runnable.
fn wait(thread: &crate::Thread) -> Option<State> {
    match thread.state {
        crate::State::Runnable => None,
        crate::State::Other('T' | 't') => Some(State::Stopped),
        _ => Some(match thread.wait {
            Some(Wait::Lock) => State::Lock,
            Some(Wait::Time) => State::Sleeping,
            Some(Wait::Io) => State::Io,
            Some(Wait::Child) => State::Child,
            Some(Wait::Unknown) | None => State::Waiting,
        }),
    }
}

impl Samples {
    /// Adds a sample that was taken at this time since the start of the program.
    pub fn add(&mut self, now: Duration, sample: &Snapshot) {
        let has_ended = |thread: &crate::Thread| {
            matches!(thread.state, crate::State::Other('Z' | 'X'))
        };
        let before = std::mem::take(&mut self.alive);
        for thread in sample.seen.iter().filter(|thread| !has_ended(thread)) {
            let number = match before.get(&thread.id) {
                Some(&number) => number,
                None => self.follow(thread, now),
            };
            if let Some(number) = number {
                self.followed[number].add(thread, now);
            }
            self.alive.insert(thread.id, number);
        }
        // The threads of a process that ends disappear one after the other. Those that were there
        // when its main thread began to end are there at the end. A child that has ended may stay
        // for longer, until its parent asks for its exit code.
        let first = self.followed.first().map(|thread| thread.process);
        let is_ending = |thread: &&crate::Thread| {
            thread.state == crate::State::Other('X')
                || has_ended(thread) && first == Some(thread.process)
        };
        let mains =
            sample.seen.iter().filter(|thread| thread.id == thread.process);
        let ending: HashSet<_> =
            mains.filter(is_ending).map(|thread| thread.id).collect();
        for (id, number) in before {
            if number.is_some_and(|number| {
                ending.contains(&self.followed[number].process)
            }) {
                self.alive.insert(id, number);
            }
        }
        if sample.seen.len() >= crate::MOST_THREADS {
            self.unread = self
                .unread
                .max(sample.threads.saturating_sub(sample.seen.len() as u64));
        }
        self.last = now;
    }

    /// Adds the CPU time that all processes have used up to this time, and how many cores their
    /// runnable threads can use now.
    pub fn add_cpu(&mut self, now: Duration, used: Duration, cores: u64) {
        self.cpu.push(CpuTime {
            at: milliseconds(now),
            used: milliseconds(used),
            cores,
        });
    }

    /// Begins to follow a thread, if there are not too many.
    fn follow(
        &mut self,
        thread: &crate::Thread,
        now: Duration,
    ) -> Option<usize> {
        if self.followed.len() == MOST_FOLLOWED {
            self.counted += 1;
            return None;
        }
        self.followed.push(Followed::new(thread, self.last, now));
        Some(self.followed.len() - 1)
    }

    /// What the threads have done so far. None if the run is too short to tell.
    pub fn activity(&self) -> Option<Activity> {
        if self.last < SHORT {
            return None;
        }
        let kept = self.most_telling();
        let most_spans = MOST_SPANS.min(MOST_SPANS_OF_ALL / kept.len().max(1));
        let alive: HashSet<_> =
            self.alive.values().copied().flatten().collect();
        let mut processes = Vec::new();
        let thread = |&number: &usize| {
            let thread = &self.followed[number];
            if !processes.contains(&thread.process) {
                processes.push(thread.process);
            }
            let process =
                processes.iter().position(|process| *process == thread.process);
            activity::Thread {
                process: process.unwrap_or_default(),
                name: thread.name.clone(),
                from: seconds(thread.from),
                spans: rounded(&fewer(&thread.spans, most_spans)),
                at_end: alive.contains(&number),
            }
        };
        Some(Activity {
            threads: kept.iter().map(thread).collect(),
            more: (self.followed.len() - kept.len()) as u64
                + self.counted
                + self.unread,
            cores: cores(&self.cpu),
        })
    }

    /// The threads to show, in the order in which they appeared: main threads, the first thread of
    /// each name, and then those that were there for the longest time.
    fn most_telling(&self) -> Vec<usize> {
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
        ranked.truncate(MOST_THREADS);
        let mut kept: Vec<_> =
            ranked.into_iter().map(|(_, number)| number).collect();
        kept.sort_unstable();
        kept
    }
}

/// The same with at most so many spans: neighbors that are short become one span. It gets the state
/// that they have most of, and what the other states lose there, they have more of in the next such
/// span. So the share of each state stays about the same.
fn fewer(spans: &Spans, most: usize) -> Spans {
    let total: f64 = spans.0.iter().map(|span| span.ms).sum();
    let mut short = total / most as f64 / 4.0;
    let mut result = spans.clone();
    while result.0.len() > most {
        result = merge_short(spans, short);
        short *= 1.25;
    }
    result
}

/// Merges neighbors that are shorter than this, until they are as long together.
fn merge_short(spans: &Spans, short: f64) -> Spans {
    let mut merged = Spans::default();
    let mut owed = State::ALL.map(|state| Span { state, ms: 0.0 });
    let mut length = 0.0;
    for span in &spans.0 {
        if span.ms >= short {
            place(&mut length, &mut owed, &mut merged);
            merged.push(span.state, span.ms);
            continue;
        }
        length += span.ms;
        for owed in owed.iter_mut().filter(|owed| owed.state == span.state) {
            owed.ms += span.ms;
        }
        if length >= short {
            place(&mut length, &mut owed, &mut merged);
        }
    }
    place(&mut length, &mut owed, &mut merged);
    merged
}

/// Adds a span of this length, in the state that is owed the most.
fn place(length: &mut f64, owed: &mut [Span], merged: &mut Spans) {
    let most = owed.iter_mut().max_by(|one, other| one.ms.total_cmp(&other.ms));
    if let Some(most) = most.filter(|_| *length > 0.0) {
        merged.push(most.state, *length);
        most.ms -= *length;
        *length = 0.0;
    }
}

/// To 0.1 ms, with the ends where they were: the errors do not add up.
fn rounded(spans: &Spans) -> Spans {
    let tenths = |ms: f64| (ms * 10.0).round();
    let mut rounded = Spans::default();
    let (mut end, mut rounded_end) = (0.0, 0.0);
    for Span { state, ms } in &spans.0 {
        end += ms;
        let length = tenths(end) - rounded_end;
        if length > 0.0 {
            rounded.push(*state, length / 10.0);
            rounded_end = tenths(end);
        }
    }
    rounded
}

/// The cores in use per step.
fn cores(cpu: &[CpuTime]) -> Cores {
    let Some(last) = cpu.last() else { return Cores::default() };
    let end = last.at;
    let step = STEPS.into_iter().find(|step| end / step <= MOST_STEPS);
    let step = step.unwrap_or(end / MOST_STEPS);

    let mut used = vec![0.0; (end / step).ceil() as usize];
    let mut from = 0.0;
    for (to, ms) in used_between(cpu) {
        // Between two samples, the processes used as much in each moment.
        let (first, last) = ((from / step) as usize, (to / step) as usize);
        for (number, used) in
            used.iter_mut().enumerate().take(last + 1).skip(first)
        {
            let begin = number as f64 * step;
            let part = to.min(begin + step) - f64::max(from, begin);
            *used += ms * part / (to - from);
        }
        from = to;
    }
    for (number, used) in used.iter_mut().enumerate() {
        let length = step.min(end - number as f64 * step);
        *used = (*used / length * 100.0).round() / 100.0;
    }
    Cores { used, step: step / 1000.0 }
}

/// The end of each interval between two samples, and the CPU time that was used in it.
///
/// The kernel counts the time of a thread that is on a core only now and then, so some of it is
/// counted an interval or two late. What is more than the runnable threads can have used is moved
/// to intervals before, as far as there is room in them.
fn used_between(cpu: &[CpuTime]) -> Vec<(f64, f64)> {
    let mut intervals = Vec::new();
    let mut before = &CpuTime::default();
    for now in cpu.iter().filter(|it| it.at > 0.0) {
        if now.at > before.at {
            let most = before.cores.max(now.cores).max(1) as f64
                * (now.at - before.at);
            intervals.push((now.at, now.used - before.used, most));
            before = now;
        }
    }
    for number in (0..intervals.len()).rev() {
        let (to, used, most) = intervals[number];
        let mut excess = f64::max(used - most, 0.0);
        for earlier in (0..number).rev() {
            let (end, used, most) = intervals[earlier];
            if excess == 0.0 || to - end > 2.0 * TICK {
                break;
            }
            let moved = excess.min(f64::max(most - used, 0.0));
            intervals[earlier].1 += moved;
            intervals[number].1 -= moved;
            excess -= moved;
        }
    }
    intervals.into_iter().map(|(to, used, _)| (to, used)).collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use crate::State as Kernel;

    use super::*;

    /// What a thread is doing when a sample is taken.
    #[derive(Clone, Copy)]
    enum Now {
        Runnable,
        Waits(Wait),
        Other(char),
    }
    use Now::{Other, Runnable, Waits};

    const MAIN: i32 = 100;

    /// A thread of the process [`MAIN`] that has computed and queued for so many milliseconds.
    fn thread(id: i32, now: Now, computed: f64, queued: f64) -> crate::Thread {
        let time =
            |milliseconds: f64| Duration::from_secs_f64(milliseconds / 1000.0);
        crate::Thread {
            process: MAIN,
            id,
            state: match now {
                Runnable => Kernel::Runnable,
                Waits(_) => Kernel::Sleeping,
                Other(letter) => Kernel::Other(letter),
            },
            times: Some(Times { ran: time(computed), queued: time(queued) }),
            wait: match now {
                Waits(reason) => Some(reason),
                _ => None,
            },
            name: "main".into(),
        }
    }

    fn add(samples: &mut Samples, at: u64, seen: Vec<crate::Thread>) {
        let sample = Snapshot {
            threads: seen.len() as u64,
            seen,
            ..Snapshot::default()
        };
        samples.add(Duration::from_millis(at), &sample);
    }

    /// The spans of a thread that was in a futex at the time 0, without having computed, from
    /// samples of the time in milliseconds, what it is doing, and how long it has computed and
    /// queued by then.
    fn spans(samples: &[(u64, Now, f64, f64)]) -> String {
        let mut all = Samples::default();
        add(&mut all, 0, vec![thread(MAIN, Waits(Wait::Lock), 0.0, 0.0)]);
        for (at, now, computed, queued) in samples {
            add(&mut all, *at, vec![thread(MAIN, *now, *computed, *queued)]);
        }
        rounded(&all.followed[0].spans).to_string()
    }

    #[test]
    fn a_waiting_thread_has_the_state_of_what_it_waits_for() {
        for (now, state) in [
            (Waits(Wait::Lock), State::Lock),
            (Waits(Wait::Time), State::Sleeping),
            (Waits(Wait::Io), State::Io),
            (Waits(Wait::Child), State::Child),
            (Waits(Wait::Unknown), State::Waiting),
            (Other('T'), State::Stopped),
            (Other('t'), State::Stopped),
            (Other('I'), State::Waiting),
        ] {
            let expected = format!("{}10", state.letter());
            assert_eq!(
                spans(&[(5, now, 0.0, 0.0), (10, now, 0.0, 0.0)]),
                expected,
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_thread_computes_for_as_long_as_the_kernel_counts() {
        assert_eq!(
            spans(&[(5, Runnable, 5.0, 0.0), (10, Runnable, 10.0, 0.0)]),
            "c10"
        );
        // It counts in ticks, so it has not yet counted the last ones of these 10 ms.
        assert_eq!(
            spans(&[(5, Runnable, 4.0, 0.0), (10, Runnable, 8.0, 0.0)]),
            "c10"
        );
    }

    #[test]
    fn a_runnable_thread_that_queues_is_ready() {
        assert_eq!(
            spans(&[(5, Runnable, 0.0, 5.0), (10, Runnable, 0.5, 9.5)]),
            "r10"
        );
        // Half and half: first the queue, then the core.
        assert_eq!(spans(&[(10, Runnable, 5.0, 5.0)]), "r5 c5");
    }

    #[test]
    fn a_runnable_thread_without_news_is_ready_after_a_while() {
        let without_news: Vec<_> =
            (1..=4).map(|n| (5 * n, Runnable, 0.0, 0.0)).collect();
        assert_eq!(
            spans(&without_news),
            "",
            "it may have a core: ticks are up to 10 ms apart"
        );
        let more: Vec<_> =
            (1..=6).map(|n| (5 * n, Runnable, 0.0, 0.0)).collect();
        assert_eq!(spans(&more), "r30", "the wait before is too small a part");
        // Then the kernel has counted.
        let counted =
            [&without_news[..], &[(25, Runnable, 20.0, 0.0)]].concat();
        assert_eq!(spans(&counted), "c25");
    }

    #[test]
    fn a_thread_that_blocks_has_computed_before() {
        let now = Waits(Wait::Io);
        assert_eq!(
            spans(&[(5, Runnable, 5.0, 0.0), (10, now, 7.0, 0.0)]),
            "c7 i3"
        );
        assert_eq!(
            spans(&[(5, Runnable, 5.0, 0.0), (10, now, 6.0, 0.0)]),
            "c5 i5",
            "too little"
        );
        assert_eq!(
            spans(&[(5, Runnable, 5.0, 0.0), (10, now, 9.0, 0.0)]),
            "c10",
            "nearly all"
        );
        assert_eq!(spans(&[(10, now, 3.0, 3.0)]), "r3 c3 i4");
    }

    #[test]
    fn a_thread_that_wakes_up_has_waited_before() {
        assert_eq!(
            spans(&[
                (5, Waits(Wait::Lock), 0.0, 0.0),
                (10, Runnable, 2.0, 0.0)
            ]),
            "l8 c2"
        );
        // Runnable since 5, so all that is not counted came after that.
        assert_eq!(
            spans(&[(5, Runnable, 0.0, 0.0), (15, Runnable, 4.0, 0.0)]),
            "l5 c10"
        );
    }

    #[test]
    fn what_is_not_counted_between_two_samples_far_apart_was_in_the_queue() {
        let little = [(100, Runnable, 100.0, 0.0), (200, Runnable, 101.0, 1.0)];
        assert_eq!(spans(&little), "c100 r100");
        let more = [(100, Runnable, 100.0, 0.0), (200, Runnable, 160.0, 0.0)];
        assert_eq!(spans(&more), "c100 r30 c70", "up to a tick was on a core");
    }

    #[test]
    fn without_times_the_state_at_the_end_of_an_interval_counts() {
        let mut samples = Samples::default();
        for (at, now) in
            [(0, Waits(Wait::Time)), (5, Runnable), (10, Waits(Wait::Time))]
        {
            let seen =
                crate::Thread { times: None, ..thread(MAIN, now, 0.0, 0.0) };
            add(&mut samples, at, vec![seen]);
        }
        assert_eq!(samples.followed[0].spans.to_string(), "c5 s5");
    }

    #[test]
    fn a_thread_begins_before_it_was_seen_and_ends_when_it_is_gone() {
        let waits = |id| thread(id, Waits(Wait::Lock), 0.0, 0.0);
        let mut samples = Samples::default();
        add(&mut samples, 10, vec![waits(MAIN)]);
        // One has computed for longer than since the last sample.
        add(
            &mut samples,
            20,
            vec![waits(MAIN), thread(101, Runnable, 4.0, 0.0)],
        );
        add(
            &mut samples,
            30,
            vec![waits(MAIN), waits(101), thread(102, Runnable, 99.0, 0.0)],
        );
        let gone = thread(101, Other('Z'), 4.0, 0.0);
        add(
            &mut samples,
            40,
            vec![waits(MAIN), gone, thread(102, Runnable, 109.0, 0.0)],
        );

        let activity = samples.activity().unwrap();
        let threads: Vec<_> = activity
            .threads
            .iter()
            .map(|it| (it.from, it.spans.to_string(), it.at_end))
            .collect();
        let thread =
            |from, spans: &str, at_end| (from, spans.to_owned(), at_end);
        assert_eq!(
            threads,
            [
                thread(0.01, "l30", true),
                thread(0.016, "c4 l10", false),
                thread(0.02, "c20", true),
            ]
        );
        assert_eq!(activity.more, 0);
    }

    #[test]
    fn the_threads_of_a_process_that_ends_are_there_at_the_end() {
        let waits = |id| thread(id, Waits(Wait::Lock), 0.0, 0.0);
        let mut samples = Samples::default();
        add(&mut samples, 10, vec![waits(MAIN), waits(101), waits(102)]);
        add(&mut samples, 20, vec![waits(MAIN), waits(101), waits(102)]);
        add(&mut samples, 30, vec![waits(MAIN), waits(102)]);
        add(&mut samples, 40, vec![thread(MAIN, Other('X'), 0.0, 0.0)]);
        let activity = samples.activity().unwrap();
        let at_end: Vec<_> =
            activity.threads.iter().map(|thread| thread.at_end).collect();
        assert_eq!(at_end, [true, false, true]);
    }

    #[test]
    fn a_thread_has_the_name_that_it_had_last() {
        let mut samples = Samples::default();
        for (at, name) in [(0, "harness"), (10, "program"), (20, "program")] {
            let seen = thread(MAIN, Waits(Wait::Io), 0.0, 0.0);
            add(
                &mut samples,
                at,
                vec![crate::Thread { name: name.into(), ..seen }],
            );
        }
        assert_eq!(samples.activity().unwrap().threads[0].name, "program");
    }

    #[test]
    fn the_most_telling_threads_are_kept_and_the_others_counted() {
        let seen = |others: i32| {
            let mut seen = vec![thread(MAIN, Waits(Wait::Lock), 0.0, 0.0)];
            seen.extend((1..=others).map(|number| crate::Thread {
                // Two that stand out: the last but one has a name, the last is a process.
                name: if number == 99 { "named".into() } else { "main".into() },
                process: if number == 100 { MAIN + 100 } else { MAIN },
                ..thread(MAIN + number, Waits(Wait::Time), 0.0, 0.0)
            }));
            seen
        };
        let mut samples = Samples::default();
        // The first 60 are there for longer, and one of them for a short time only.
        add(&mut samples, 10, seen(60));
        add(&mut samples, 20, seen(100));
        add(&mut samples, 30, seen(100));
        let activity = samples.activity().unwrap();
        assert_eq!((activity.threads.len(), activity.more), (MOST_THREADS, 61));
        assert!(
            activity.threads.is_sorted_by_key(|thread| thread.from.to_bits())
        );
        let [.., named, process] = &activity.threads[..] else {
            panic!("{activity:#?}")
        };
        assert_eq!((&*named.name, named.process), ("named", 0));
        assert_eq!((&*process.name, process.process), ("main", 1));
        assert!(
            activity.threads[..38].iter().all(|thread| thread.from == 0.01)
        );
    }

    #[test]
    fn threads_that_are_not_followed_are_counted() {
        let mut samples = Samples::default();
        for at in [10, 20, 30] {
            let seen: Vec<_> = (0..500)
                .map(|id| thread(MAIN + id, Waits(Wait::Lock), 0.0, 0.0))
                .collect();
            let sample =
                Snapshot { threads: 5000, seen, ..Snapshot::default() };
            samples.add(Duration::from_millis(at), &sample);
        }
        let activity = samples.activity().unwrap();
        assert_eq!(activity.threads.len() as u64 + activity.more, 5000);
    }

    #[test]
    fn a_short_run_has_no_activity() {
        let mut samples = Samples::default();
        add(&mut samples, 5, vec![thread(MAIN, Runnable, 5.0, 0.0)]);
        add(&mut samples, 19, vec![thread(MAIN, Runnable, 19.0, 0.0)]);
        assert_eq!(samples.activity(), None);
        add(&mut samples, 20, vec![thread(MAIN, Runnable, 20.0, 0.0)]);
        assert_eq!(
            samples.activity().unwrap().threads[0].spans.to_string(),
            "c20"
        );
    }

    #[test]
    fn short_spans_become_fewer_and_keep_their_shares() {
        let mut spans = Spans::default();
        spans.push(State::Sleeping, 1000.0);
        for number in 0..1000 {
            let (state, ms) = match number % 2 {
                0 => (State::Computing, 5.0 + f64::from(number % 7) / 10.0),
                _ => (State::Lock, 2.5),
            };
            spans.push(state, ms);
        }
        spans.push(State::Io, 1000.0);
        let of = |spans: &Spans, state| -> f64 {
            spans
                .0
                .iter()
                .filter(|span| span.state == state)
                .map(|span| span.ms)
                .sum()
        };
        let result = fewer(&spans, 400);
        assert!((200..=400).contains(&result.0.len()), "{}", result.0.len());
        for state in State::ALL {
            let (before, after) = (of(&spans, state), of(&result, state));
            assert!(
                (before - after).abs() < 20.0,
                "{state:?}: {before} and {after}"
            );
        }
        assert_eq!(result.0.first(), spans.0.first());
        assert_eq!(result.0.last(), spans.0.last());
        assert_eq!(fewer(&result, 400), result);
    }

    #[test]
    fn a_long_run_does_not_need_much_memory() {
        let mut samples = Samples::default();
        for number in 0..10_000_u32 {
            let now =
                if number % 2 == 0 { Waits(Wait::Lock) } else { Runnable };
            let computed = f64::from(number.div_ceil(2)) * 5.0;
            add(
                &mut samples,
                5 * u64::from(number),
                vec![thread(MAIN, now, computed, 0.0)],
            );
            assert!(samples.followed[0].spans.0.len() <= 4 * MOST_SPANS);
        }
        let spans = &samples.activity().unwrap().threads[0].spans;
        assert!(
            (200..=MOST_SPANS).contains(&spans.0.len()),
            "{}",
            spans.0.len()
        );
    }

    #[test]
    fn rounding_does_not_move_the_end() {
        let mut spans = Spans::default();
        for _ in 0..100 {
            spans.push(State::Lock, 1.04);
            spans.push(State::Computing, 0.52);
        }
        let total: f64 = rounded(&spans).0.iter().map(|span| span.ms).sum();
        assert!((total - 156.0).abs() < 0.06, "{total}");
    }

    fn cores_of(points: &[(u64, u64, u64)]) -> Cores {
        let mut samples = Samples::default();
        for (at, used, cores) in points {
            samples.add_cpu(
                Duration::from_millis(*at),
                Duration::from_millis(*used),
                *cores,
            );
        }
        cores(&samples.cpu)
    }

    #[test]
    fn cores_are_cpu_time_per_step() {
        let two =
            cores_of(&[(10, 0, 0), (20, 20, 2), (30, 30, 1), (32, 31, 0)]);
        assert_eq!(
            (two.step, two.used),
            (0.005, vec![0.0, 0.0, 2.0, 2.0, 1.0, 1.0, 0.5])
        );
        let long = cores_of(&[(0, 0, 1), (60_000, 30_000, 1)]);
        assert_eq!((long.step, long.used), (0.5, vec![0.5; 120]));
        assert_eq!(cores_of(&[]), Cores::default());
    }

    #[test]
    fn what_the_kernel_counts_late_is_moved_to_where_it_was_used() {
        // One computing thread, which the kernel counts every 10 ms.
        let late = [(5, 0, 1), (10, 10, 1), (15, 10, 1), (20, 20, 1)];
        assert_eq!(cores_of(&late).used, [1.0; 4]);
        // But not to times long ago, and what has no room stays.
        assert_eq!(
            cores_of(&[(5, 0, 1), (10, 5, 1), (60, 55, 1), (65, 70, 1)]).used
                [11..],
            [1.0, 3.0]
        );
    }
}
