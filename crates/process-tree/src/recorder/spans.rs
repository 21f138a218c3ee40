//! Makes spans fewer and shorter to write.

use crate::activity::{Span, Spans, State};

/// Reduces the spans to at most `max` by merging short neighbors. A merged
/// span takes the dominant state. The time that the other states lose is
/// credited to them in the next merge, so the share of each state stays
/// about the same.
pub(super) fn reduce(spans: &Spans, max: usize) -> Spans {
    let total: f64 = spans.0.iter().map(|span| span.ms).sum();
    let mut short = total / max as f64 / 4.0;
    let mut result = spans.clone();
    while result.0.len() > max {
        result = merge_short(spans, short);
        short *= 1.25;
    }
    result
}

/// Merges neighbors that are shorter than this until together they are as
/// long as this.
fn merge_short(spans: &Spans, short: f64) -> Spans {
    let mut merge = Merge::default();
    for span in &spans.0 {
        if span.ms >= short {
            merge.flush();
            merge.result.push(span.state, span.ms);
        } else {
            merge.add(*span);
            if merge.length >= short {
                merge.flush();
            }
        }
    }
    merge.flush();
    merge.result
}

/// A merge of spans in progress.
struct Merge {
    result: Spans,
    /// The length of the merged span that comes next.
    length: f64,
    /// The time that each state has had, minus its time in the result.
    credit: [Span; State::ALL.len()],
}

impl Default for Merge {
    fn default() -> Self {
        let credit = State::ALL.map(|state| Span { state, ms: 0.0 });
        Self { result: Spans::default(), length: 0.0, credit }
    }
}

impl Merge {
    fn add(&mut self, span: Span) {
        self.length += span.ms;
        let mut credit = self.credit.iter_mut();
        if let Some(credit) = credit.find(|it| it.state == span.state) {
            credit.ms += span.ms;
        }
    }

    /// Adds the merged span to the result, in the state with the largest
    /// credit.
    fn flush(&mut self) {
        let credits = self.credit.iter_mut();
        let max = credits.max_by(|one, other| one.ms.total_cmp(&other.ms));
        if let Some(max) = max.filter(|_| self.length > 0.0) {
            self.result.push(max.state, self.length);
            max.ms -= self.length;
            self.length = 0.0;
        }
    }
}

/// Rounds the lengths to 0.1 ms, so that the errors do not add up: each end
/// stays where it was, to 0.1 ms.
pub(super) fn rounded(spans: &Spans) -> Spans {
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
