//! Draws a run, with time from left to right: the cores in use, a lane for
//! each worker, process or task that the output names, and a lane for each OS
//! thread with its states. A legend and a description in words are part of
//! the picture.
//!
//! In the SVG, horizontal lengths are percentages and all others are fixed, so
//! text has the same size on a phone and on a wide screen. It has no line
//! breaks, and gets its colors from the classes in [`STYLE`](crate::STYLE).
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use process_tree::activity::{Cores, State};

use crate::axis::Axis;
use crate::facts::facts;
use crate::lanes::{Bar, Lane, LaneName, lanes};
use crate::legend::{Shown, class, fill, legend, patterns};
use crate::threads::{self, HEIGHT, ThreadLane};
use crate::track::Track;
use crate::words::Words;

/// The minimum length of a run in seconds: a shorter one is over after a few
/// samples and shows nothing.
const SHORTEST: f64 = 0.02;
/// The minimum length of a run that is compared with the first one. An
/// interpreter takes about this long to start.
const SHORTEST_OTHER: f64 = 0.1;

const LANE: u32 = 32;
const THREAD: u32 = 33;
const HEADING: u32 = 24;
const STRIP: u32 = 46;
/// The height of the curve in the strip of the cores.
const CURVE: u32 = 26;
const MORE: u32 = 18;
/// The space above the lanes of threads.
const ABOVE: u32 = 23;
const AXIS: u32 = 22;

/// States that cover less than this share of the axis are left out of the
/// legend.
const SEEN: f64 = 0.01;
/// The minimum share of the axis that a step of the cores takes.
const STEP: f64 = 0.004;

/// Draws some runs, one below the other, on one axis from 0 to at least `axis`
/// seconds. The result is HTML that needs [`STYLE`](crate::STYLE). `id` must be
/// unique on the page. Empty if there is nothing to see: neither bars nor
/// threads, or only runs of a moment.
///
/// ```
/// use picture::{Line, Track, draw, words::ENGLISH};
///
/// let lines = vec![
///     Line::stdout(0.0, "Task A starting"),
///     Line::stdout(1.5, "Task A finished"),
/// ];
/// let html = draw("id", &[Track::new(lines, 2.0)], 0.0, &ENGLISH);
/// let text = "1 task was in progress, from 0.00 s to 1.50 s.";
/// assert!(html.into_string().contains(text));
/// ```
pub fn draw(
    id: &str,
    tracks: &[Track<'_>],
    axis: f64,
    words: &Words,
) -> Markup {
    if !has_something(tracks) {
        return Markup::default();
    }
    let walls = tracks.iter().map(|track| track.wall);
    let seconds = walls.fold(axis, f64::max);
    let canvas = Canvas { id, axis: Axis::linear(seconds), words };
    let mut bottom = 4;
    let placed: Vec<_> =
        tracks.iter().map(|it| canvas.place(it, &mut bottom)).collect();
    let (shown, drawn) = canvas.shown(&placed);
    html! {
        div.picture data-axis=(format!("{seconds:.4}")) {
            div.plot {
                svg.timeline role="img" width="100%" height=(bottom + AXIS)
                    aria-labelledby={ (id) "-title" }
                    aria-describedby={ (id) "-description" }
                {
                    title id={ (id) "-title" } { (words.timeline) }
                    (patterns(id, &drawn))
                    (canvas.axis.draw(bottom, |at| time(at, seconds)))
                    @for placed in &placed { (canvas.track(placed)) }
                }
            }
            (legend(id, &shown, words))
            div.description id={ (id) "-description" } {
                @for placed in &placed { (canvas.description(placed)) }
            }
        }
    }
}

/// Checks whether a run that is not too short has bars or threads.
fn has_something(tracks: &[Track<'_>]) -> bool {
    tracks.iter().enumerate().any(|(number, track)| {
        let min = if number == 0 { SHORTEST } else { SHORTEST_OTHER };
        let has_bars =
            || lanes(&track.lines).iter().any(|lane| !lane.bars.is_empty());
        track.wall >= min && (track.threads().is_some() || has_bars())
    })
}

/// A time on an axis of this many seconds.
fn time(at: f64, axis: f64) -> String {
    let (unit, scale) =
        if axis < 0.3 { ("ms", 1000.0) } else { ("s", 1.0) };
    let decimals = usize::from(axis * scale <= 3.0);
    format!("{:.decimals$} {unit}", at * scale)
}

/// A track with the vertical position of each of its parts.
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

/// A part of a state in a thread's lane. Horizontal lengths are tenths of a
/// percent.
struct Rect {
    x: f64,
    width: f64,
    y: u32,
    height: u32,
}

/// The settings of one picture.
struct Canvas<'a> {
    id: &'a str,
    axis: Axis,
    words: &'a Words,
}

impl Canvas<'_> {
    fn place<'a>(&self, track: &'a Track<'a>, top: &mut u32) -> Placed<'a> {
        let mut place = |height: u32| {
            let y = *top;
            *top += height;
            y
        };
        let heading =
            if track.name.is_empty() { 0 } else { place(HEADING) };
        let cores = track.activity.map(|activity| &activity.cores);
        let cores = cores.filter(|it| it.step > 0.0 && !it.used.is_empty());
        let strip = cores.map(|cores| (place(STRIP), cores));
        let lanes = lanes(&track.lines).into_iter();
        let lanes = lanes.map(|lane| (place(LANE), lane)).collect();
        let (threads, more) = track
            .activity
            .map(|it| threads::lanes(it, track.wall, self.axis.end()))
            .unwrap_or_default();
        let threads_heading =
            if threads.is_empty() { 0 } else { place(ABOVE) };
        let threads = threads.into_iter();
        Placed {
            track,
            heading,
            strip,
            lanes,
            threads_heading,
            threads: threads.map(|lane| (place(THREAD), lane)).collect(),
            more: (more > 0).then(|| (place(MORE), more)),
            bottom: place(6),
        }
    }

    /// The parts that the legend explains, without those that are too small to
    /// be seen, and all states that are drawn.
    fn shown(&self, placed: &[Placed<'_>]) -> (Shown, BTreeSet<State>) {
        let lanes = || placed.iter().flat_map(|placed| &placed.lanes);
        let threads = || placed.iter().flat_map(|placed| &placed.threads);
        let is_seen = |length: &f64| *length >= SEEN * self.axis.end();
        let mut widths: BTreeMap<State, f64> = BTreeMap::new();
        let mut mixed = 0.0;
        for piece in threads().flat_map(|(_, lane)| &lane.pieces) {
            let width = piece.to - piece.from;
            for (state, _) in &piece.states {
                *widths.entry(*state).or_default() += width;
            }
            if piece.states.len() > 1 {
                mixed += width;
            }
        }
        let seen = widths.iter().filter(|(_, width)| is_seen(width));
        let shown = Shown {
            states: seen.map(|(state, _)| *state).collect(),
            has_bars: lanes().any(|(_, lane)| !lane.bars.is_empty()),
            has_marks: lanes().any(|(_, lane)| !lane.marks.is_empty()),
            has_mixes: is_seen(&mixed),
        };
        (shown, widths.into_keys().collect())
    }

    fn track(&self, placed: &Placed<'_>) -> Markup {
        let Placed { track, heading, threads_heading, .. } = placed;
        let Self { axis, words, .. } = self;
        let end = axis.across(track.wall);
        html! {
            text.heading x="0" y=(heading + 15) { (track.name) }
            @if let Some((y, cores)) = placed.strip {
                (self.curve(y, cores, track))
            }
            @for (y, lane) in &placed.lanes { (self.lane(*y, lane, track)) }
            @if !placed.threads.is_empty() {
                text.more x="0" y=(threads_heading + 14) { (words.os_threads) }
            }
            @for (y, lane) in &placed.threads { (self.thread(*y, lane)) }
            @if let Some((y, more)) = placed.more {
                text.more x="0" y=(y + 12) { ((words.more_threads)(more)) }
            }
            @if track.ended {
                line.end x1=(end) x2=(end) y1=(heading + 4) y2=(placed.bottom) {}
            }
        }
    }

    /// The cores in use over time, with a line at the number of cores of the
    /// machine.
    fn curve(&self, y: u32, cores: &Cores, track: &Track<'_>) -> Markup {
        let Self { axis, words, .. } = self;
        // A step is wide enough to be seen.
        let group =
            (STEP * axis.end() / cores.step).ceil().max(1.0) as usize;
        let mean =
            |steps: &[f64]| steps.iter().sum::<f64>() / steps.len() as f64;
        let used: Vec<_> = cores.used.chunks(group).map(mean).collect();
        let limit = f64::from(track.cores);
        let max = used.iter().copied().fold(limit, f64::max).max(1.0);
        let depth = |used: f64| f64::from(CURVE) * (1.0 - used / max);
        let mut path = format!("M0 {CURVE}");
        for used in &used {
            path += &format!("V{:.1}h1", depth(*used));
        }
        path += &format!("V{CURVE}z");
        let top = y + STRIP - CURVE - 4;
        let line = format!("{:.1}", f64::from(top) + depth(limit));
        // Only as wide as the run, whose last step may not be complete.
        let steps = track.wall / (cores.step * group as f64);
        let width = axis.across(track.wall);
        html! {
            text.lane x="0" y=(y + 12) { (words.cores_in_use) }
            text.lane x="100%" dx="-4" y=(y + 12) text-anchor="end" {
                ((words.cores)(track.cores.into()))
            }
            svg.cores x="0" y=(top) width=(width) height=(CURVE)
                viewBox=(format!("0 0 {steps:.2} {CURVE}"))
                preserveAspectRatio="none"
            {
                path class=(class(State::Computing)) d=(path) {}
            }
            line.rail x1="0" x2=(width) y1=(top + CURVE) y2=(top + CURVE) {}
            line.limit x1="0" x2="100%" y1=(line) y2=(line) {}
        }
    }

    /// The bars and marks of a lane.
    fn lane(&self, y: u32, lane: &Lane<'_>, track: &Track<'_>) -> Markup {
        let Self { axis, words, .. } = self;
        let name = match lane.name {
            LaneName::Named(name) => name,
            LaneName::Output => words.output,
            LaneName::Stderr => words.stderr,
        };
        let span = |bar: &Bar| {
            let to = bar.to.map(|to| format!("{to:.2} s"));
            (words.from_to)(&format!("{:.2} s", bar.from), to.as_deref())
        };
        html! {
            text.lane x="0" y=(y + 12) { (name) }
            line.rail x1="0" x2=(axis.across(track.wall)) y1=(y + 22)
                y2=(y + 22) {}
            @for bar in &lane.bars {
                @let to = bar.to.unwrap_or(track.wall);
                rect.bar.open[bar.to.is_none()] x=(axis.across(bar.from))
                    y=(y + 17) height="10" rx="2"
                    width=(axis.across(to - bar.from))
                {
                    title { (name) ": " (span(bar)) }
                }
            }
            @for line in &lane.marks {
                circle.mark.error[line.is_stderr] cx=(axis.across(line.at))
                    cy=(y + 22) r="4.5"
                {
                    title { (format!("{:.3} s: {}", line.at, line.text)) }
                }
            }
        }
    }

    /// The states of a thread.
    fn thread(&self, y: u32, lane: &ThreadLane<'_>) -> Markup {
        // To a tenth of a percent, so that neighbors meet.
        let tenths = |at: f64| {
            (at / self.axis.end() * 1000.0).clamp(0.0, 1000.0).round()
        };
        let mut by_state: BTreeMap<State, Vec<Rect>> = BTreeMap::new();
        for piece in &lane.pieces {
            let x = tenths(piece.from);
            let width = tenths(piece.to) - x;
            let mut y = HEIGHT;
            for &(state, height) in &piece.states {
                y = y.saturating_sub(height);
                if width > 0.0 {
                    let rect = Rect { x, width, y, height };
                    by_state.entry(state).or_default().push(rect);
                }
            }
        }
        let name = (self.words.thread)(&lane.name);
        let percent = |tenths: f64| format!("{}%", tenths / 10.0);
        html! {
            text.lane x="0" y=(y + 11) { (name) }
            g.states transform=(format!("translate(0 {})", y + 15)) {
                title { (name) ": " (self.totals(lane)) }
                @for (state, rects) in by_state {
                    g class=(class(state)) fill=[fill(self.id, state)] {
                        @for Rect { x, width, y, height } in rects {
                            rect x=(percent(x)) y=[(y > 0).then_some(y)]
                                width=(percent(width)) height=(height) {}
                        }
                    }
                }
            }
        }
    }

    /// The time of a thread in each state.
    fn totals(&self, lane: &ThreadLane<'_>) -> String {
        let totals = State::ALL.into_iter().filter_map(|state| {
            let spans = lane.thread.spans.0.iter();
            let spans = spans.filter(|span| span.state == state);
            let time = spans.map(|span| span.ms / 1000.0).sum::<f64>();
            let state = (self.words.state)(state);
            (time >= 0.005).then(|| format!("{state} {time:.2} s"))
        });
        totals.collect::<Vec<_>>().join("; ")
    }

    /// The facts of a track as sentences, which are also its text alternative.
    fn description(&self, placed: &Placed<'_>) -> Markup {
        let Placed { track, lanes, .. } = placed;
        let lanes: Vec<_> = lanes.iter().map(|(_, lane)| lane).collect();
        let facts = facts(track, &lanes);
        let sentences: Vec<_> = facts.iter().map(self.words.fact).collect();
        html! {
            @if !sentences.is_empty() {
                p {
                    @if !track.name.is_empty() { b { (track.name) ":" } " " }
                    (sentences.join(" "))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use process_tree::activity::{Activity, Thread};

    use super::*;
    use crate::track::Line;
    use crate::words::ENGLISH;

    #[test]
    fn a_time_has_the_unit_of_its_axis() {
        assert_eq!(time(0.5, 2.01), "0.5 s");
        assert_eq!(time(5.0, 5.0), "5 s");
        assert_eq!(time(0.05, 0.25), "50 ms");
    }

    #[test]
    fn a_picture_that_would_show_nothing_is_left_out() {
        let draw =
            |tracks: &[Track<'_>]| draw("id", tracks, 0.0, &ENGLISH).0;
        let bars = vec![
            Line::stdout(0.0, "Task A starting"),
            Line::stdout(0.9, "Task A finished"),
        ];
        let marks = vec![Line::stdout(0.5, "tick")];
        let marks = |wall| Track::new(marks.clone(), wall);
        assert_ne!(draw(&[Track::new(bars.clone(), 1.0)]), "");
        assert_eq!(draw(&[marks(1.0)]), "", "only marks");
        assert_eq!(draw(&[Track::new(bars, 0.019)]), "", "too short");
        let thread = Thread {
            process: 0,
            name: "one".to_owned(),
            from: 0.0,
            spans: "s1000".parse().unwrap(),
            at_end: true,
        };
        let threads = vec![thread];
        let activity = Activity { threads, ..Activity::default() };
        let threads = |wall| marks(wall).activity(&activity, 2);
        assert_ne!(draw(&[threads(1.0)]), "");
        // The start of an interpreter is not worth a picture.
        assert_eq!(draw(&[marks(0.003), threads(0.08)]), "");
        assert_ne!(draw(&[marks(0.003), threads(0.5)]), "");
    }
}
