//! Draws a run, with time from left to right: the cores in use, a lane for each worker, process or
//! task that the output names, and a lane for each OS thread with its states. A legend and a
//! description in words are part of the picture.
//!
//! In the SVG, horizontal lengths are percentages and all others are fixed, so text has the same
//! size on a phone and on a wide screen. It has no line breaks, and gets the colors of the theme
//! from the classes in [`STYLE`](crate::STYLE). [`REPLAY`](crate::REPLAY) adds the replay.
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use process_tree::activity::{Activity, Cores, State};

use crate::facts::facts;
use crate::lanes::{Lane, Line, lanes};
use crate::legend::{Shown, class, fill, legend, patterns};
use crate::threads::{self, HEIGHT, ThreadLane};
use crate::words::Words;

/// The run of one program.
#[derive(Debug, Clone)]
pub struct Track<'a> {
    /// The heading: the program's language.
    pub name: &'a str,
    /// The lines that it has printed.
    pub lines: Vec<Line<'a>>,
    /// The seconds until its end, or until now if it is still running.
    pub wall: f64,
    /// Whether it has ended.
    pub ended: bool,
    /// What its threads did, if that is known.
    pub activity: Option<&'a Activity>,
    /// The cores of the machine.
    pub cores: u32,
}

impl Track<'_> {
    /// Whether there is something to see: bars, or what the threads did.
    fn has_something(&self, words: &Words) -> bool {
        self.activity.is_some_and(|activity| !activity.threads.is_empty())
            || lanes(&self.lines, [words.output, words.stderr])
                .iter()
                .any(|lane| !lane.bars.is_empty())
    }
}

/// A run that is shorter than this many seconds shows nothing: it is over after a few samples.
const SHORTEST: f64 = 0.02;
/// The same for a run that a longer one is compared with. An interpreter takes about this long to
/// start.
const SHORTEST_OTHER: f64 = 0.1;

const LANE: u32 = 32;
const THREAD: u32 = 33;
const HEADING: u32 = 24;
const STRIP: u32 = 46;
/// The height of the curve in the strip of the cores.
const CURVE: u32 = 26;
const MORE: u32 = 18;
/// Above the lanes of threads.
const ABOVE: u32 = 23;
const AXIS: u32 = 22;

/// What takes a smaller part of the axis is not in the legend.
const SEEN: f64 = 0.01;
/// The share of the axis that a step of the cores takes at least.
const STEP: f64 = 0.004;

/// A track with the place of each of its parts.
struct Placed<'a> {
    track: &'a Track<'a>,
    heading: u32,
    strip: Option<(u32, &'a Cores)>,
    lanes: Vec<(u32, Lane<'a>)>,
    threads_heading: u32,
    threads: Vec<(u32, ThreadLane<'a>)>,
    more: Option<(u32, u64)>,
    bottom: u32,
}

/// The picture of some runs, one below the other, on one axis from 0 to at least `axis` seconds.
/// `id` must be unique on the page. Empty if there is nothing to see.
pub fn draw(
    id: &str,
    tracks: &[Track<'_>],
    axis: f64,
    words: &Words,
) -> Markup {
    let shortest = |number| if number == 0 { SHORTEST } else { SHORTEST_OTHER };
    let mut numbered = tracks.iter().enumerate();
    if !numbered.any(|(at, track)| {
        track.wall >= shortest(at) && track.has_something(words)
    }) {
        return Markup::default();
    }

    let axis = tracks.iter().map(|track| track.wall).fold(axis, f64::max);
    let mut height = 4;
    let placed: Vec<_> = tracks
        .iter()
        .map(|track| place(track, axis, &mut height, words))
        .collect();
    let bottom = height;
    let (shown, drawn) = shown(&placed, axis);

    let across = |at: f64| across(at, axis);
    html! {
        div.picture data-axis=(format!("{axis:.4}")) {
            div.plot {
                svg.timeline role="img" width="100%" height=(bottom + AXIS)
                    aria-labelledby={ (id) "-title" } aria-describedby={ (id) "-description" }
                {
                    title id={ (id) "-title" } { (words.timeline) }
                    (patterns(id, &drawn))
                    @for (at, label) in ticks(axis) {
                        line.grid x1=(across(at)) x2=(across(at)) y1="4" y2=(bottom) {}
                        text.tick x=(across(at)) y=(bottom + 15) text-anchor=(anchor(at, axis)) { (label) }
                    }
                    @for placed in &placed { (placed.draw(id, axis, words)) }
                }
            }
            (legend(id, &shown, words))
            div.description id={ (id) "-description" } {
                @for Placed { track, lanes, .. } in &placed {
                    @let text = describe(track, lanes, words);
                    @if !text.is_empty() {
                        p {
                            @if !track.name.is_empty() { b { (track.name) ":" } " " }
                            (text)
                        }
                    }
                }
            }
        }
    }
}

/// What the legend explains, and all states that are drawn. The legend leaves out what is too small to
/// be seen.
fn shown(placed: &[Placed<'_>], axis: f64) -> (Shown, BTreeSet<State>) {
    let lanes = || placed.iter().flat_map(|placed| &placed.lanes);
    let pieces = || {
        placed
            .iter()
            .flat_map(|placed| &placed.threads)
            .flat_map(|(_, it)| &it.pieces)
    };
    let is_seen = |length: f64| length >= SEEN * axis;
    let mut widths: BTreeMap<State, f64> = BTreeMap::new();
    for piece in pieces() {
        for (state, _) in &piece.states {
            *widths.entry(*state).or_default() += piece.to - piece.from;
        }
    }
    let mixed = pieces()
        .filter(|piece| piece.states.len() > 1)
        .map(|piece| piece.to - piece.from);
    let others = [
        lanes().any(|(_, lane)| !lane.bars.is_empty()),
        lanes().any(|(_, lane)| !lane.marks.is_empty()),
        is_seen(mixed.sum()),
    ];
    let seen = widths
        .iter()
        .filter(|(_, width)| is_seen(**width))
        .map(|(state, _)| *state);
    (Shown { states: seen.collect(), others }, widths.into_keys().collect())
}

fn place<'a>(
    track: &'a Track<'a>,
    axis: f64,
    height: &mut u32,
    words: &Words,
) -> Placed<'a> {
    let mut place = |by: u32| {
        let y = *height;
        *height += by;
        y
    };
    let heading = if track.name.is_empty() { 0 } else { place(HEADING) };
    let cores = track.activity.map(|activity| &activity.cores);
    let cores =
        cores.filter(|cores| cores.step > 0.0 && !cores.used.is_empty());
    let strip = cores.map(|cores| (place(STRIP), cores));
    let lanes = lanes(&track.lines, [words.output, words.stderr])
        .into_iter()
        .map(|lane| (place(LANE), lane))
        .collect();
    let (threads, more) = track
        .activity
        .map(|activity| threads::lanes(activity, track.wall, axis))
        .unwrap_or_default();
    let threads_heading = if threads.is_empty() { 0 } else { place(ABOVE) };
    let threads =
        threads.into_iter().map(|lane| (place(THREAD), lane)).collect();
    let more = (more > 0).then(|| (place(MORE), more));
    let bottom = place(6);
    Placed {
        track,
        heading,
        strip,
        lanes,
        threads_heading,
        threads,
        more,
        bottom,
    }
}

impl Placed<'_> {
    fn draw(&self, id: &str, axis: f64, words: &Words) -> Markup {
        let Self {
            track,
            heading,
            strip,
            lanes,
            threads_heading,
            threads,
            more,
            bottom,
        } = self;
        let across = |at: f64| across(at, axis);
        html! {
            text.heading x="0" y=(heading + 15) { (track.name) }
            @if let Some((y, cores)) = strip { (curve(*y, cores, track, axis, words)) }
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
                    circle.mark.error[line.is_stderr]
                        cx=(across(line.at)) cy=(y + 22) r="4.5"
                    {
                        title { (format!("{:.3} s: {}", line.at, line.text)) }
                    }
                }
            }
            @if !threads.is_empty() { text.more x="0" y=(threads_heading + 14) { (words.os_threads) } }
            @for (y, lane) in threads { (thread(*y, lane, id, axis, words)) }
            @if let Some((y, more)) = more {
                text.more x="0" y=(y + 12) { ((words.more_threads)(*more)) }
            }
            @if track.ended {
                line.end x1=(across(track.wall)) x2=(across(track.wall)) y1=(heading + 4) y2=(bottom) {}
            }
        }
    }
}

/// The cores in use over time, with a line at the number of cores of the machine.
fn curve(
    y: u32,
    cores: &Cores,
    track: &Track<'_>,
    axis: f64,
    words: &Words,
) -> Markup {
    // A step is wide enough to be seen.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let group = (STEP * axis / cores.step).ceil().max(1.0) as usize;
    let mean = |steps: &[f64]| steps.iter().sum::<f64>() / steps.len() as f64;
    let used: Vec<_> = cores.used.chunks(group).map(mean).collect();
    let there = f64::from(track.cores);
    let most = used.iter().copied().fold(there, f64::max).max(1.0);
    let depth = |used: f64| f64::from(CURVE) * (1.0 - used / most);
    let mut path = format!("M0 {CURVE}");
    for used in &used {
        path += &format!("V{:.1}h1", depth(*used));
    }
    path += &format!("V{CURVE}z");
    let top = y + STRIP - CURVE - 4;
    let line = format!("{:.1}", f64::from(top) + depth(there));
    // Only as wide as the run, whose last step may not be complete.
    let steps = track.wall / (cores.step * group as f64);
    html! {
        text.lane x="0" y=(y + 12) { (words.cores_in_use) }
        text.lane x="100%" dx="-4" y=(y + 12) text-anchor="end" { ((words.cores)(track.cores.into())) }
        svg.cores x="0" y=(top) width=(across(track.wall, axis)) height=(CURVE)
            viewBox=(format!("0 0 {steps:.2} {CURVE}")) preserveAspectRatio="none"
        {
            path class=(class(State::Computing)) d=(path) {}
        }
        line.rail x1="0" x2=(across(track.wall, axis)) y1=(top + CURVE) y2=(top + CURVE) {}
        line.limit x1="0" x2="100%" y1=(line) y2=(line) {}
    }
}

/// The states of a thread.
fn thread(
    y: u32,
    lane: &ThreadLane<'_>,
    id: &str,
    axis: f64,
    words: &Words,
) -> Markup {
    // To a tenth of a percent, so that neighbors meet.
    let tenths = |at: f64| (at / axis * 1000.0).clamp(0.0, 1000.0).round();
    let mut by_state: BTreeMap<State, Vec<(f64, f64, u32, u32)>> =
        BTreeMap::new();
    for piece in &lane.pieces {
        let (from, to) = (tenths(piece.from), tenths(piece.to));
        let mut below = HEIGHT;
        for &(state, height) in &piece.states {
            below = below.saturating_sub(height);
            if to > from {
                by_state.entry(state).or_default().push((
                    from,
                    to - from,
                    below,
                    height,
                ));
            }
        }
    }
    let name = (words.thread)(&lane.name);
    let percent = |tenths: f64| format!("{}%", tenths / 10.0);
    html! {
        text.lane x="0" y=(y + 11) { (name) }
        g.states transform=(format!("translate(0 {})", y + 15)) {
            title { (name) ": " (totals(lane, words)) }
            @for (state, pieces) in by_state {
                g class=(class(state)) fill=[fill(id, state)] {
                    @for (from, width, y, height) in pieces {
                        rect x=(percent(from)) y=[(y > 0).then_some(y)] width=(percent(width))
                            height=(height) {}
                    }
                }
            }
        }
    }
}

/// How long a thread was in each state.
fn totals(lane: &ThreadLane<'_>, words: &Words) -> String {
    let totals = State::ALL.into_iter().filter_map(|state| {
        let spans =
            lane.thread.spans.0.iter().filter(|span| span.state == state);
        let time = spans.map(|span| span.ms / 1000.0).sum::<f64>();
        (time >= 0.005).then(|| format!("{} {time:.2} s", (words.state)(state)))
    });
    totals.collect::<Vec<_>>().join("; ")
}

/// What the picture of a run shows, in words. It is also the text alternative.
fn describe(
    track: &Track<'_>,
    placed: &[(u32, Lane<'_>)],
    words: &Words,
) -> String {
    let lanes = placed.iter().map(|(_, lane)| lane);
    let facts = facts(lanes, track.activity, track.wall, track.ended);
    facts.iter().map(words.fact).collect::<Vec<_>>().join(" ")
}

fn span(from: f64, to: Option<f64>, words: &Words) -> String {
    let to = to.map(|to| format!("{to:.2} s"));
    (words.from_to)(&format!("{from:.2} s"), to.as_deref())
}

/// A place on the axis.
fn across(at: f64, axis: f64) -> String {
    format!("{:.2}%", (at / axis).clamp(0.0, 1.0) * 100.0)
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

    fn line(at: f64, text: &str) -> Line<'_> {
        Line { at, is_stderr: false, text }
    }

    fn track<'a>(
        lines: &[Line<'a>],
        wall: f64,
        activity: Option<&'a Activity>,
    ) -> Track<'a> {
        Track {
            name: "Rust",
            lines: lines.to_vec(),
            wall,
            ended: true,
            activity,
            cores: 2,
        }
    }

    #[test]
    fn an_axis_has_a_few_round_steps() {
        let labels = |axis| {
            ticks(axis).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(labels(2.01), ["0.0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s"]);
        assert_eq!(labels(5.0), ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s"]);
        assert_eq!(
            labels(0.05),
            ["0 ms", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"]
        );
        assert_eq!(labels(60.0).len(), 7);
    }

    #[test]
    fn a_picture_that_would_show_nothing_is_left_out() {
        let draw = |tracks: &[Track<'_>]| {
            draw("id", tracks, 0.0, &ENGLISH).into_string()
        };
        let bars = [line(0.0, "Task A starting"), line(0.9, "Task A finished")];
        let marks = [line(0.5, "tick")];
        assert_ne!(draw(&[track(&bars, 1.0, None)]), "");
        assert_eq!(draw(&[track(&marks, 1.0, None)]), "", "only marks");
        assert_eq!(draw(&[track(&bars, 0.019, None)]), "", "too short");
        let activity: Activity = serde_json::from_str(
            r#"{ "threads": [
                { "process": 0, "name": "one", "from": 0.0, "spans": "s1000", "at_end": true }
            ], "more": 0, "cores": { "step": 0.0, "used": "" } }"#,
        )
        .unwrap();
        assert_ne!(draw(&[track(&marks, 1.0, Some(&activity))]), "");
        // The start of an interpreter is not worth a picture.
        let short =
            [track(&marks, 0.003, None), track(&marks, 0.08, Some(&activity))];
        assert_eq!(draw(&short), "");
        let long =
            [track(&marks, 0.003, None), track(&marks, 0.5, Some(&activity))];
        assert_ne!(draw(&long), "");
    }
}
