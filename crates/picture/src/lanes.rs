//! The lanes of a run that its output names: one for each worker, thread,
//! process or task.
//!
//! `Worker 3 starting` opens a bar on the lane `Worker 3`, and
//! `Worker 3 finished` closes it. A line `Main: …` is a mark on the lane
//! `Main`. Any other line is a mark on a lane for output, and a line on
//! stderr is a mark on a lane for stderr.
use crate::track::Line;

/// The name of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LaneName<'a> {
    /// A name from the output.
    Named(&'a str),
    /// The lane of the lines that name none.
    Output,
    /// The lane of all lines on stderr.
    Stderr,
}

/// The time from one line to another, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) from: f64,
    /// None if it lasts to the end of the run.
    pub(crate) to: Option<f64>,
}

/// A lane with its events.
#[derive(Debug, PartialEq)]
pub(crate) struct Lane<'a> {
    pub(crate) name: LaneName<'a>,
    pub(crate) bars: Vec<Bar>,
    /// The lines that neither open nor close a bar.
    pub(crate) marks: Vec<Line<'a>>,
}

impl Lane<'_> {
    /// The first word of the name: `worker`.
    pub(crate) fn kind(&self) -> String {
        let LaneName::Named(name) = self.name else { return String::new() };
        name.split(' ').next().unwrap_or_default().to_lowercase()
    }

    fn open_bar(&mut self) -> Option<&mut Bar> {
        self.bars.iter_mut().find(|bar| bar.to.is_none())
    }
}

/// The maximum number of lines that are drawn, so that a picture stays
/// small.
const MAX_LINES: usize = 1000;
/// From this number on, lanes with a single mark become one lane.
const MANY: usize = 4;

/// The lanes of some output. Lanes with bars come first, by name; the others
/// follow in the order in which they appeared.
pub(crate) fn lanes<'a>(lines: &[Line<'a>]) -> Vec<Lane<'a>> {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for &line in lines.iter().take(MAX_LINES) {
        let (text, is_stderr) = (line.text, line.is_stderr);
        let opens = text.split_once(" starting").map(|(name, _)| name);
        let closes = text.strip_suffix(" finished").filter(|name| {
            let name = LaneName::Named(name);
            let lane = lanes.iter_mut().find(|lane| lane.name == name);
            lane.is_some_and(|lane| lane.open_bar().is_some())
        });
        let before_colon = text.split_once(": ").map(|(name, _)| name);
        let name = match opens.or(closes).or(before_colon) {
            _ if is_stderr => LaneName::Stderr,
            Some(name) => LaneName::Named(name),
            None => LaneName::Output,
        };
        let lane = lane_of(&mut lanes, name);
        if !is_stderr && opens.is_some() {
            lane.bars.push(Bar { from: line.at, to: None });
        } else if !is_stderr && closes.is_some() {
            if let Some(bar) = lane.open_bar() {
                bar.to = Some(line.at);
            }
        } else {
            lane.marks.push(line);
        }
    }
    gather_single_marks(&mut lanes);
    lanes.sort_by_key(|lane| match lane.bars.is_empty() {
        false => (0, lane.name),
        true => (1, LaneName::Output),
    });
    lanes
}

/// The lane of this name, which is added if it is missing.
fn lane_of<'a, 'b>(
    lanes: &'b mut Vec<Lane<'a>>,
    name: LaneName<'a>,
) -> &'b mut Lane<'a> {
    let known = lanes.iter().position(|lane| lane.name == name);
    let at = known.unwrap_or_else(|| {
        lanes.push(Lane { name, bars: Vec::new(), marks: Vec::new() });
        lanes.len() - 1
    });
    &mut lanes[at]
}

/// Moves the marks of many lanes with a single mark each to the lane for
/// output: their names are rather the beginnings of lines than names.
fn gather_single_marks(lanes: &mut Vec<Lane<'_>>) {
    let is_single = |lane: &Lane<'_>| {
        let is_named = matches!(lane.name, LaneName::Named(_));
        is_named && lane.bars.is_empty() && lane.marks.len() == 1
    };
    if lanes.iter().filter(|lane| is_single(lane)).count() < MANY {
        return;
    }
    let single: Vec<_> =
        lanes.extract_if(.., |lane| is_single(lane)).collect();
    let marks = single.into_iter().flat_map(|lane| lane.marks);
    lane_of(lanes, LaneName::Output).marks.extend(marks);
}

/// The number of workers or tasks that some output names, and the output's
/// word for one. None if it names none.
///
/// ```
/// use picture::Line;
///
/// let lines = ["Worker 1 starting", "Worker 2 starting"];
/// let lines = lines.map(|text| Line::stdout(0.0, text));
/// assert_eq!(picture::workers(&lines), Some((2, "worker".to_owned())));
/// ```
pub fn workers(lines: &[Line<'_>]) -> Option<(u64, String)> {
    let lanes = lanes(lines);
    let kinds = || {
        let with_bars = lanes.iter().filter(|lane| !lane.bars.is_empty());
        with_bars.map(Lane::kind)
    };
    let first = kinds().next()?;
    Some((kinds().filter(|kind| *kind == first).count() as u64, first))
}

#[cfg(test)]
mod tests {
    use super::LaneName::{Named, Output, Stderr};
    use super::*;

    #[test]
    fn output_becomes_lanes() {
        let line = Line::stdout;
        let lines = [
            line(0.0, "Worker 1 starting (process 7)"),
            line(0.1, "Worker 0 starting"),
            line(0.2, "tick"),
            line(1.0, "Worker 1 finished"),
            line(1.5, "Main: the task was finished"),
            Line::stderr(2.0, "Worker 0 failed: signal"),
        ];
        let bar = |from, to| vec![Bar { from, to }];
        let drawn: Vec<_> = lanes(&lines)
            .into_iter()
            .map(|lane| (lane.name, lane.bars, lane.marks.len()))
            .collect();
        let expected = [
            (Named("Worker 0"), bar(0.1, None), 0),
            (Named("Worker 1"), bar(0.0, Some(1.0)), 0),
            (Output, vec![], 1),
            (Named("Main"), vec![], 1),
            (Stderr, vec![], 1),
        ];
        assert_eq!(drawn, expected);
        assert_eq!(workers(&lines), Some((2, "worker".to_owned())));
    }

    #[test]
    fn many_lanes_with_one_mark_are_one_lane() {
        let lines = ["A: 1", "B: 1", "C: 1", "D: 1", "E: 1", "E: 2"];
        let lines = lines.map(|text| Line::stdout(0.0, text));
        let lanes = lanes(&lines);
        let drawn: Vec<_> = lanes
            .iter()
            .map(|lane| (lane.name, lane.marks.len()))
            .collect();
        assert_eq!(drawn, [(Named("E"), 2), (Output, 4)]);
    }
}
