//! The states of a thread between two snapshots.

use super::TICK;
use crate::activity::{Span, State};

/// A state that takes a smaller part of an interval is left out.
const MIN_PART: f64 = 0.25;

/// The facts about a thread between two snapshots. All times are in
/// milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub length: f64,
    /// The reason of its wait when the interval began, or `None` if it was
    /// runnable.
    pub before: Option<State>,
    /// The reason of its wait at the end, or `None` if it is runnable.
    pub after: Option<State>,
    /// The time after which it was certainly runnable until the end, if it
    /// is runnable.
    pub runnable_after: f64,
    pub computed: f64,
    pub queued: f64,
}

impl Interval {
    /// Returns the states in their order. Together they are as long as the
    /// interval.
    pub fn spans(self) -> Vec<Span> {
        let mut spans = match self.after {
            Some(wait) => self.until_it_waits(wait),
            None => self.until_it_is_runnable(),
        }
        .to_vec();
        spans.retain(|span| span.ms >= MIN_PART * self.length);
        let kept: f64 = spans.iter().map(|span| span.ms).sum();
        spans.iter_mut().for_each(|span| span.ms *= self.length / kept);
        spans
    }

    /// It woke up, computed, and waits again. If both waits have the same
    /// reason, nothing shows how long the first one was.
    fn until_it_waits(self, wait: State) -> [Span; 3] {
        let (computed, queued, rest) = self.times();
        [
            Span { state: State::Ready, ms: queued },
            Span { state: State::Computing, ms: computed },
            Span { state: wait, ms: rest },
        ]
    }

    /// It waited, woke up, and computes or queues.
    fn until_it_is_runnable(self) -> [Span; 3] {
        let (mut computed, mut queued, mut rest) = self.times();
        // Not all of the time since it became runnable is in the counters:
        // at most a tick is missing if it is on a core, and all of its time
        // in the queue if it is still there.
        let max_wait = match self.before {
            Some(_) => self.runnable_after,
            None => 0.0,
        };
        let uncounted = f64::max(rest - max_wait, 0.0);
        let on_core =
            if computed > queued { uncounted.min(TICK) } else { 0.0 };
        rest -= uncounted;
        computed += on_core;
        queued += uncounted - on_core;
        let wait = self.before.unwrap_or(State::Waiting);
        [
            Span { state: wait, ms: rest },
            Span { state: State::Ready, ms: queued },
            Span { state: State::Computing, ms: computed },
        ]
    }

    /// Returns the time that it computed, the time that it queued, and the
    /// rest. The counters may exceed the interval a little.
    fn times(self) -> (f64, f64, f64) {
        let computed = self.computed.min(self.length);
        let queued = self.queued.min(self.length - computed);
        (computed, queued, self.length - computed - queued)
    }
}
