//! Draws a run: one lane for each worker, thread, process or task that the output names, and time
//! across.
//!
//! `Worker 3 starting` opens a bar on the lane `Worker 3`, `Worker 3 finished` closes it. A line
//! `Main: …` is a mark on the lane `Main`. Any other line is a mark on the lane `output`, and a
//! line on stderr one on the lane `stderr`.
//!
//! The picture is SVG whose lengths across are percentages and whose other lengths are fixed, so
//! that its text is as large on a phone as on a wide screen. It holds no line ends, and its
//! colours are the theme's, by the classes in `guide/assets/book.css`.
use std::fmt::Write as _;

use harness::recording::Run;
use harness::run::{Stream, TimedLine};
use maud::{Markup, html};

/// The run of one program, to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    /// What it is called: the language.
    pub name: &'a str,
    /// What it printed.
    pub lines: &'a [TimedLine],
    /// The time until its end in seconds, or until now if it is still running.
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

/// What happened on one lane, times in seconds.
#[derive(Debug, PartialEq)]
struct Lane<'a> {
    name: &'a str,
    /// From when to when; to the end of the run if that was never said.
    bars: Vec<(f64, Option<f64>)>,
    marks: Vec<&'a TimedLine>,
}

const LANE: u32 = 32;
const HEADING: u32 = 24;
const AXIS: u32 = 22;
/// More lines than this are not drawn, so that a picture stays small.
const MOST_LINES: usize = 1000;

fn lanes(lines: &[TimedLine]) -> Vec<Lane<'_>> {
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
            (Stream::Stderr, ..) => "stderr",
            (_, Some(name), _) => name,
            (_, None, Some((name, _))) => name,
            (_, None, None) => "output",
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
    // What ran beside each other stands in order; what was printed only once stays where it is.
    lanes.sort_by_key(|lane| match lane.bars.is_empty() {
        false => (0, lane.name),
        true => (1, ""),
    });
    lanes
}

/// How many workers or tasks the output names, as in `5 workers`. None where it names none.
pub fn workers(lines: &[TimedLine]) -> Option<(usize, String)> {
    let lanes = lanes(lines);
    let mut named = lanes.iter().filter(|lane| !lane.bars.is_empty());
    let kind = |lane: &Lane<'_>| lane.name.split(' ').next().unwrap_or_default().to_lowercase();
    let first = kind(named.next()?);
    let others = named.filter(|lane| kind(lane) == first).count();
    Some((others + 1, first))
}

/// The picture of some runs, one below the other, on one axis from 0 to at least `axis` seconds.
///
/// `id` must be unique on the page; `title` and `description` are for those who do not see it.
pub fn draw(id: &str, title: &str, description: &str, tracks: &[Track<'_>], axis: f64) -> Markup {
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
                lanes(track.lines).into_iter().map(|lane| (place(LANE), lane)).collect();
            (track, heading, lanes)
        })
        .collect();
    let bottom = place(AXIS);

    html! {
        svg.timeline role="img" width="100%" height=(height)
            aria-labelledby={ (id) "-title " (id) "-description" }
        {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-description" } { (description) }
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
                            title { (lane.name) ": " (span(from, to)) }
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

/// In words what the picture shows, for those who do not see it.
pub fn describe(tracks: &[Track<'_>]) -> String {
    let mut text = String::new();
    for track in tracks {
        let lanes = lanes(track.lines);
        write!(text, "{}, {:.2} s: ", track.name, track.wall).expect("a string takes all text");
        let parts: Vec<_> = lanes
            .iter()
            .map(|lane| {
                let bars = lane.bars.iter().map(|&(from, to)| span(from, to));
                let marks = match lane.marks.len() {
                    0 => None,
                    1 => Some(format!("one line at {:.2} s", lane.marks[0].at)),
                    many => Some(format!("{many} lines")),
                };
                format!("{} {}", lane.name, bars.chain(marks).collect::<Vec<_>>().join(" and "))
            })
            .collect();
        write!(text, "{}. ", parts.join("; ")).expect("a string takes all text");
    }
    text.trim_end().to_owned()
}

fn span(from: f64, to: Option<f64>) -> String {
    match to {
        Some(to) => format!("from {from:.2} s to {to:.2} s"),
        None => format!("from {from:.2} s, never finished"),
    }
}

/// The marks of an axis: at most six steps of 1, 2 or 5 times a power of ten, with their labels.
fn ticks(axis: f64) -> Vec<(f64, String)> {
    let power = 10_f64.powf((axis / 6.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| axis / step <= 6.0).unwrap_or(axis);
    let (unit, scale) = if axis < 0.2 { ("ms", 1000.0) } else { ("s", 1.0) };
    let decimals = usize::from(step * scale < 1.0);
    // The few steps of an axis, so the loss is none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let count = (axis / step + 1e-9) as u32;
    (0..=count)
        .map(|number| {
            let at = f64::from(number) * step;
            (at, format!("{:.decimals$} {unit}", at * scale))
        })
        .collect()
}

/// The first and the last label must not stand out at the sides.
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
        let found: Vec<_> = lanes(&lines)
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
        assert_eq!(workers(&lines), Some((2, "worker".to_owned())));
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
