//! The lanes of a run that its output names: one for each worker, thread, process or task.
//!
//! `Worker 3 starting` opens a bar on the lane `Worker 3`, and `Worker 3 finished` closes it. A line
//! `Main: …` is a mark on the lane `Main`. Any other line is a mark on a lane for output, and a line
//! on stderr is a mark on a lane for stderr.

/// A line that a program has printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Seconds since the start of the program.
    pub at: f64,
    /// Whether it was printed to stderr instead of stdout.
    pub is_stderr: bool,
    /// The text, without the line's end.
    pub text: &'a str,
}

/// What happened on one lane, with times in seconds.
#[derive(Debug, PartialEq)]
pub struct Lane<'a> {
    /// The name in the output.
    pub name: &'a str,
    /// The start and the end of each bar. A bar without an end lasts to the end of the run.
    pub bars: Vec<(f64, Option<f64>)>,
    /// The lines that belong to the lane and neither open nor close a bar.
    pub marks: Vec<Line<'a>>,
}

/// The largest number of lines that are drawn, so that a picture stays small.
const MOST_LINES: usize = 1000;
/// From this number on, lanes with a single mark become one lane.
const MANY: usize = 4;

/// The lanes of some output; `others` are the names of the lane for output and of the lane for stderr.
/// Lanes with bars come first, by name; the others follow in the order in
/// which they appeared.
pub fn lanes<'a>(lines: &[Line<'a>], others: [&'a str; 2]) -> Vec<Lane<'a>> {
    let [output, stderr] = others;
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for &line in lines.iter().take(MOST_LINES) {
        let text = line.text;
        let is_open = |name: &str| {
            let lane = lanes.iter().find(|lane| lane.name == name);
            lane.is_some_and(|lane| lane.bars.iter().any(|bar| bar.1.is_none()))
        };
        let opens = text.split_once(" starting").map(|(name, _)| name);
        let closes =
            text.strip_suffix(" finished").filter(|name| is_open(name));

        let name =
            match (line.is_stderr, opens.or(closes), text.split_once(": ")) {
                (true, ..) => stderr,
                (_, Some(name), _) => name,
                (_, None, Some((name, _))) => name,
                (_, None, None) => output,
            };
        let lane = match lanes.iter().position(|lane| lane.name == name) {
            Some(known) => &mut lanes[known],
            None => {
                lanes.push(Lane { name, bars: Vec::new(), marks: Vec::new() });
                lanes.last_mut().expect("a lane was just added")
            }
        };
        if !line.is_stderr && opens.is_some() {
            lane.bars.push((line.at, None));
        } else if !line.is_stderr && closes.is_some() {
            if let Some(bar) = lane.bars.iter_mut().find(|bar| bar.1.is_none())
            {
                bar.1 = Some(line.at);
            }
        } else {
            lane.marks.push(line);
        }
    }
    gather_single_marks(&mut lanes, output, stderr);
    lanes.sort_by_key(|lane| match lane.bars.is_empty() {
        false => (0, lane.name),
        true => (1, ""),
    });
    lanes
}

/// Moves the marks of many lanes with a single mark each to the lane for output: their names are
/// rather the beginnings of lines than names.
fn gather_single_marks<'a>(
    lanes: &mut Vec<Lane<'a>>,
    output: &'a str,
    stderr: &str,
) {
    let is_single = |lane: &Lane<'_>| {
        lane.bars.is_empty()
            && lane.marks.len() == 1
            && ![output, stderr].contains(&lane.name)
    };
    if lanes.iter().filter(|lane| is_single(lane)).count() < MANY {
        return;
    }
    let single: Vec<_> = lanes.extract_if(.., |lane| is_single(lane)).collect();
    let mut marks: Vec<_> =
        single.into_iter().flat_map(|lane| lane.marks).collect();
    match lanes.iter_mut().find(|lane| lane.name == output) {
        Some(known) => known.marks.append(&mut marks),
        None => lanes.push(Lane { name: output, bars: Vec::new(), marks }),
    }
}

/// The number of workers or tasks that the output names, and what it calls one: `(5, "worker")`.
/// None if it names none.
pub fn workers(lines: &[Line<'_>], others: [&str; 2]) -> Option<(u64, String)> {
    let lanes = lanes(lines, others);
    let mut named = lanes.iter().filter(|lane| !lane.bars.is_empty());
    let kind = |lane: &Lane<'_>| {
        lane.name.split(' ').next().unwrap_or_default().to_lowercase()
    };
    let first = kind(named.next()?);
    let others = named.filter(|lane| kind(lane) == first).count() as u64;
    Some((others + 1, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_becomes_lanes() {
        let line = |at, text| Line { at, is_stderr: false, text };
        let worker_lines = [
            line(0.0, "Worker 1 starting (process 7)"),
            line(0.1, "Worker 0 starting"),
            line(0.2, "tick"),
            line(1.0, "Worker 1 finished"),
            line(1.5, "Main: the task was finished"),
            Line { is_stderr: true, ..line(2.0, "Worker 0 failed: signal") },
        ];
        let found: Vec<_> = lanes(&worker_lines, ["output", "stderr"])
            .into_iter()
            .map(|lane| (lane.name, lane.bars, lane.marks.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("Worker 0", vec![(0.1, None)], 0),
                ("Worker 1", vec![(0.0, Some(1.0))], 0),
                ("output", vec![], 1),
                ("Main", vec![], 1),
                ("stderr", vec![], 1),
            ]
        );
        let lines = ["A: 1", "B: 1", "C: 1", "D: 1", "E: 1", "E: 2"]
            .map(|text| line(0.0, text));
        let found = lanes(&lines, ["output", "stderr"]);
        let found: Vec<_> =
            found.iter().map(|lane| (lane.name, lane.marks.len())).collect();
        assert_eq!(found, [("E", 2), ("output", 4)]);
        assert_eq!(
            workers(&worker_lines, ["output", "stderr"]),
            Some((2, "worker".to_owned()))
        );
    }
}
