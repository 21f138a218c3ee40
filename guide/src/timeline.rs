//! Draws a run: one lane for each worker, thread, process or task that the output names, with time
//! from left to right.
//!
//! `Worker 3 starting` opens a bar on the lane `Worker 3`, and `Worker 3 finished` closes it. A line
//! `Main: …` is a mark on the lane `Main`. Any other line is a mark on a lane for output, and a line
//! on stderr is a mark on a lane for stderr.
//!
//! In the SVG, horizontal lengths are percentages and all others are fixed, so text has the same
//! size on a phone and on a wide screen. It has no line breaks, and gets the colors of the theme
//! from the classes in `guide/assets/book.css`.
use harness::recording::Run;
use harness::run::{Stream, TimedLine};
use maud::{Markup, html};

use crate::words::Words;

/// The run of one program.
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    /// The heading: the program's language.
    pub name: &'a str,
    /// The lines that it has printed.
    pub lines: &'a [TimedLine],
    /// The seconds until its end, or until now if it is still running.
    pub wall: f64,
    /// Whether it has ended.
    pub ended: bool,
}

impl<'a> Track<'a> {
    /// A run that has ended.
    pub fn of(run: &'a Run, name: &'a str) -> Self {
        Self { name, lines: &run.lines, wall: run.wall, ended: true }
    }
}

/// What happened on one lane, with times in seconds.
#[derive(Debug, PartialEq)]
struct Lane<'a> {
    name: &'a str,
    /// The start and the end of each bar. A bar without an end lasts to the end of the run.
    bars: Vec<(f64, Option<f64>)>,
    marks: Vec<&'a TimedLine>,
}

const LANE: u32 = 32;
const HEADING: u32 = 24;
const AXIS: u32 = 22;
/// The largest number of lines that are drawn, so that a picture stays small.
const MOST_LINES: usize = 1000;

fn lanes<'a>(lines: &'a [TimedLine], words: &Words) -> Vec<Lane<'a>> {
    let [output, stderr] = words.lanes;
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for line in lines.iter().take(MOST_LINES) {
        let text = line.text.as_str();
        let is_open = |name: &str| {
            let lane = lanes.iter().find(|lane| lane.name == name);
            lane.is_some_and(|lane| lane.bars.iter().any(|bar| bar.1.is_none()))
        };
        let opens = text.split_once(" starting").map(|(name, _)| name);
        let closes = text.strip_suffix(" finished").filter(|name| is_open(name));

        let name = match (line.stream, opens.or(closes), text.split_once(": ")) {
            (Stream::Stderr, ..) => stderr,
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
        if line.stream == Stream::Stdout && opens.is_some() {
            lane.bars.push((line.at, None));
        } else if line.stream == Stream::Stdout && closes.is_some() {
            if let Some(bar) = lane.bars.iter_mut().find(|bar| bar.1.is_none()) {
                bar.1 = Some(line.at);
            }
        } else {
            lane.marks.push(line);
        }
    }
    // Lanes with bars come first, by name. The others stay in the order in which they appeared.
    lanes.sort_by_key(|lane| match lane.bars.is_empty() {
        false => (0, lane.name),
        true => (1, ""),
    });
    lanes
}

/// The number of workers or tasks that the output names, and what it calls one: `(5, "worker")`.
/// None if it names none.
pub fn workers(lines: &[TimedLine], words: &Words) -> Option<(u64, String)> {
    let lanes = lanes(lines, words);
    let mut named = lanes.iter().filter(|lane| !lane.bars.is_empty());
    let kind = |lane: &Lane<'_>| lane.name.split(' ').next().unwrap_or_default().to_lowercase();
    let first = kind(named.next()?);
    let others = named.filter(|lane| kind(lane) == first).count() as u64;
    Some((others + 1, first))
}

/// The picture of some runs, one below the other, on one axis from 0 to at least `axis` seconds.
/// `id` must be unique on the page.
pub fn draw(id: &str, tracks: &[Track<'_>], axis: f64, words: &Words) -> Markup {
    let axis = tracks.iter().map(|track| track.wall).fold(axis, f64::max).max(0.001);
    let across = |at: f64| format!("{:.2}%", (at / axis).clamp(0.0, 1.0) * 100.0);

    let mut height = 4;
    let mut place = |by: u32| {
        let y = height;
        height += by;
        y
    };
    let placed: Vec<_> = tracks
        .iter()
        .map(|track| {
            let heading = place(HEADING);
            let lanes: Vec<_> =
                lanes(track.lines, words).into_iter().map(|lane| (place(LANE), lane)).collect();
            (track, heading, lanes)
        })
        .collect();
    let bottom = place(AXIS);

    html! {
        svg.timeline role="img" width="100%" height=(height)
            aria-labelledby={ (id) "-title " (id) "-description" }
        {
            title id={ (id) "-title" } { (words.timeline) }
            desc id={ (id) "-description" } { (describe(tracks, words)) }
            @for (at, label) in ticks(axis) {
                line.grid x1=(across(at)) x2=(across(at)) y1="4" y2=(bottom) {}
                text.tick x=(across(at)) y=(bottom + 15) text-anchor=(anchor(at, axis)) { (label) }
            }
            @for (track, heading, lanes) in &placed {
                text.heading x="0" y=(heading + 15) { (track.name) }
                @for (y, lane) in lanes {
                    text.lane x="0" y=(y + 12) { (lane.name) }
                    line.rail x1="0" x2=(across(track.wall)) y1=(y + 22) y2=(y + 22) {}
                    @for &(from, to) in &lane.bars {
                        rect.bar.open[to.is_none()] x=(across(from)) y=(y + 17) height="10" rx="2"
                            width=(across(to.unwrap_or(track.wall) - from))
                        {
                            title { (lane.name) ": " (span(from, to, words)) }
                        }
                    }
                    @for line in &lane.marks {
                        circle.mark.error[line.stream == Stream::Stderr]
                            cx=(across(line.at)) cy=(y + 22) r="4.5"
                        {
                            title { (format!("{:.3} s: {}", line.at, line.text)) }
                        }
                    }
                }
                @if track.ended {
                    line.end x1=(across(track.wall)) x2=(across(track.wall))
                        y1=(heading + 8) y2=(heading + HEADING + LANE * lanes.len() as u32) {}
                }
            }
        }
    }
}

/// The text alternative of the picture.
fn describe(tracks: &[Track<'_>], words: &Words) -> String {
    let tracks = tracks.iter().map(|track| {
        let lanes = lanes(track.lines, words).into_iter().map(|lane| {
            let bars = lane.bars.iter().map(|&(from, to)| span(from, to, words));
            let lines = lane
                .marks
                .first()
                .map(|first| (words.lines_at)(lane.marks.len(), &format!("{:.2} s", first.at)));
            format!("{} {}", lane.name, bars.chain(lines).collect::<Vec<_>>().join(words.and))
        });
        let lanes = lanes.collect::<Vec<_>>().join("; ");
        (words.described)(track.name, &format!("{:.2} s", track.wall), &lanes)
    });
    tracks.collect::<Vec<_>>().join(" ")
}

fn span(from: f64, to: Option<f64>, words: &Words) -> String {
    let to = to.map(|to| format!("{to:.2} s"));
    (words.from_to)(&format!("{from:.2} s"), to.as_deref())
}

/// The ticks of an axis with their labels: at most six steps of 1, 2 or 5 times a power of ten.
fn ticks(axis: f64) -> Vec<(f64, String)> {
    let power = 10_f64.powf((axis / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| axis / step <= 6.0).unwrap_or(axis);
    let (unit, scale) = if axis < 0.2 { ("ms", 1000.0) } else { ("s", 1.0) };
    let decimals = usize::from(step * scale < 1.0);
    // An axis has few steps, so nothing is lost.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (axis / step + 1e-9) as u32;
    (0..=count)
        .map(|number| {
            let at = f64::from(number) * step;
            (at, format!("{:.decimals$} {unit}", at * scale))
        })
        .collect()
}

/// Keeps the first and the last label within the picture.
fn anchor(at: f64, axis: f64) -> &'static str {
    match at / axis {
        place if place < 0.02 => "start",
        place if place > 0.95 => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ENGLISH;

    fn line(at: f64, text: &str) -> TimedLine {
        TimedLine { at, stream: Stream::Stdout, text: text.to_owned() }
    }

    #[test]
    fn output_becomes_lanes() {
        let lines = [
            line(0.0, "Worker 1 starting (process 7)"),
            line(0.1, "Worker 0 starting"),
            line(0.2, "tick"),
            line(1.0, "Worker 1 finished"),
            line(1.5, "Main: the task was finished"),
            TimedLine { stream: Stream::Stderr, ..line(2.0, "Worker 0 failed: signal") },
        ];
        let found: Vec<_> = lanes(&lines, &ENGLISH)
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
        assert_eq!(workers(&lines, &ENGLISH), Some((2, "worker".to_owned())));
    }

    #[test]
    fn an_axis_has_a_few_round_steps() {
        let labels = |axis| ticks(axis).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(2.01), ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]);
        assert_eq!(labels(5.0), ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s"]);
        assert_eq!(labels(0.05), ["0 ms", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"]);
        assert_eq!(labels(60.0).len(), 7);
    }
}
