//! Draws a contest: a row for each contender at each size, with a dot at the median of the rounds
//! and a line from the least to the most.
//!
//! As in [`crate::timeline`], lengths across are percentages and all others are fixed, so that text
//! is as large on a phone as on a wide screen, and colours are the theme's.

use maud::{Markup, html};

use crate::contest::{Contest, Entry, Language, Measure, Results, Spread, digits, thousands};
use crate::words::Words;

const ROW: usize = 36;
const HEADING: usize = 30;
const AXIS: usize = 24;

/// A picture of one measure of a contest. `id` must be unique on the page.
pub fn draw(id: &str, contest: &Contest, measure: &Measure, words: &Words) -> Markup {
    picture(id, contest, measure, words).0
}

/// The picture and its height.
fn picture(id: &str, contest: &Contest, measure: &Measure, words: &Words) -> (Markup, usize) {
    let scale = Scale::of(contest, measure);
    let mut height = 4;
    let mut place = |by: usize| {
        let y = height;
        height += by;
        y
    };
    let groups: Vec<_> = contest
        .sizes()
        .into_iter()
        .map(|size| {
            let heading = size.map(|size| (place(HEADING), contest.heading(size)));
            let entries =
                contest.at(size).filter_map(|entry| Some((entry, entry.spread(measure)?)));
            let rows: Vec<_> = entries.map(|(entry, spread)| (place(ROW), entry, spread)).collect();
            (heading, rows)
        })
        .collect();
    let bottom = place(AXIS);

    let picture = html! {
        svg.dots role="img" width="100%" height=(height)
            aria-labelledby={ (id) "-title " (id) "-description" }
        {
            title id={ (id) "-title" } { (contest.question) " " (caption(measure, &scale, words)) }
            desc id={ (id) "-description" } { (describe(contest, measure, words)) }
            @for (at, anchor) in scale.ticks() {
                line.grid x1=(scale.across(at)) x2=(scale.across(at)) y1="4" y2=(bottom) {}
                text.tick x=(scale.across(at)) y=(bottom + 16) text-anchor=(anchor) { (tick(at)) }
            }
            @for (heading, rows) in &groups {
                @if let Some((y, heading)) = heading {
                    text.heading x="0" y=(y + 20) { (heading) }
                }
                @for (y, entry, spread) in rows {
                    @let class = class(entry.language);
                    text x="0" y=(y + 14) { (label(entry, measure, *spread, words)) }
                    line.rail x1="0" x2="100%" y1=(y + 24) y2=(y + 24) {}
                    @if entry.language == Language::Floor {
                        // As high as the rows that it bounds.
                        @let first = rows.first().map_or(*y, |row| row.0);
                        @let last = rows.last().map_or(*y, |row| row.0);
                        @let x = scale.across(spread.median);
                        line.floor x1=(x) x2=(x) y1=(first + 18) y2=(last + 30) {}
                    }
                    line.spread.(class) x1=(scale.across(spread.least)) x2=(scale.across(spread.most))
                        y1=(y + 24) y2=(y + 24) {}
                    circle.dot.(class) cx=(scale.across(spread.median)) cy=(y + 24) r="5" {}
                }
            }
        }
    };
    (picture, height)
}

/// The same picture as a file of its own, with its question, and in the colours of the reader's
/// system.
pub fn file(contest: &Contest, measure: &Measure, words: &Words) -> String {
    const STYLE: &str = "svg { overflow: visible; font: 14px sans-serif; fill: #222; --paper: #fff } \
        .question, .heading { font-weight: 600 } \
        .rail, .grid { stroke: #8886 } \
        .spread { stroke-width: 4; stroke-opacity: 0.55 } \
        .rust { fill: #1565c0; stroke: #1565c0 } \
        .python { fill: var(--paper); stroke: #8a5a00; stroke-width: 2.5 } \
        .spread.python { stroke-width: 4 } \
        .bound, .floor { fill: #777; stroke: #777 } \
        line.floor { stroke-dasharray: 3 3 } \
        @media (prefers-color-scheme: dark) { \
            svg { fill: #ddd; --paper: #1a1a1a; background: var(--paper) } \
            .rust { fill: #64b5f6; stroke: #64b5f6 } \
            .python { stroke: #ffb74d } }";
    let (picture, height) = picture(&contest.name, contest, measure, words);
    let caption = caption(measure, &Scale::of(contest, measure), words);
    let file = html! {
        svg xmlns="http://www.w3.org/2000/svg" width="720" height=(height + 80) {
            style { (STYLE) }
            text.question x="20" y="28" { (contest.question) }
            text x="20" y="48" { (caption) }
            svg x="20" y="60" width="680" height=(height) { (picture) }
        }
    };
    file.into_string() + "\n"
}

/// What an axis shows: `time in s, logarithmic; less is better`.
fn caption(measure: &Measure, scale: &Scale, words: &Words) -> Markup {
    html! {
        (measure.heading())
        @if scale.logarithmic { ", " (words.logarithmic) }
        "; " ((words.better)(measure.better))
    }
}

fn label(entry: &Entry, measure: &Measure, spread: Spread, words: &Words) -> String {
    let Spread { least, median, most } = spread;
    let (median, least, most) = (measure.show(median), digits(least), digits(most));
    if least == most {
        format!("{}: {median}", entry.contender)
    } else {
        format!("{}: {median} ({})", entry.contender, (words.range)(&least, &most))
    }
}

fn class(language: Language) -> &'static str {
    match language {
        Language::Rust => "rust",
        Language::Python => "python",
        Language::Floor => "bound",
    }
}

/// In words what the picture shows, for those who do not see it.
fn describe(contest: &Contest, measure: &Measure, words: &Words) -> String {
    let rows = |size| {
        contest
            .at(size)
            .filter_map(|entry| Some(label(entry, measure, entry.spread(measure)?, words)))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let sizes = contest.sizes().into_iter();
    let groups: Vec<_> = sizes
        .map(|size| match size {
            Some(number) => format!("{}: {}", contest.heading(number), rows(size)),
            None => rows(size),
        })
        .collect();
    groups.join(". ")
}

/// Where a value lies across the picture.
#[derive(Debug)]
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// A scale for all values of a measure: logarithmic where they are further apart than ten
    /// times, else from 0.
    fn of(contest: &Contest, measure: &Measure) -> Self {
        let spreads = || contest.entries.iter().filter_map(|entry| entry.spread(measure));
        let least = spreads().map(|spread| spread.least).fold(f64::INFINITY, f64::min);
        let most = spreads().map(|spread| spread.most).fold(0.0, f64::max);
        if least > 0.0 && most / least > 10.0 {
            Self { from: round_down(least), to: round_up(most), logarithmic: true }
        } else {
            Self { from: 0.0, to: round_up(most.max(f64::MIN_POSITIVE)), logarithmic: false }
        }
    }

    /// From 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value / self.from).log10() / (self.to / self.from).log10()
        } else {
            value / self.to
        };
        place.clamp(0.0, 1.0)
    }

    fn across(&self, value: f64) -> String {
        format!("{:.2}%", self.place(value) * 100.0)
    }

    /// A few round values, and how their labels are anchored: the first and the last must not stand
    /// out at the sides.
    fn ticks(&self) -> Vec<(f64, &'static str)> {
        let values: Vec<f64> = if self.logarithmic {
            let decades = (self.to / self.from).log10().ceil();
            let every = (decades / 6.0).ceil().max(1.0);
            let factors: &[f64] = if decades > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let first = self.from.log10().floor();
            let mut values = Vec::new();
            let mut power = first;
            while power <= self.to.log10() + 1e-9 {
                values.extend(factors.iter().map(|factor| factor * 10_f64.powf(power)));
                power += every;
            }
            values.retain(|&value| value >= self.from * 0.999 && value <= self.to * 1.001);
            values
        } else {
            (0..=4).map(|quarter| self.to * f64::from(quarter) / 4.0).collect()
        };
        values
            .into_iter()
            .map(|value| match self.place(value) {
                place if place < 0.03 => (value, "start"),
                place if place > 0.94 => (value, "end"),
                _ => (value, "middle"),
            })
            .collect()
    }
}

/// A round value, without the zeros after its point.
fn tick(value: f64) -> String {
    let text = digits(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The next number above this that is 1, 2, 4 or 8 times a power of ten, or this itself.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|&step| step >= value * 0.9999).unwrap_or(value)
}

/// The next number below this that is 1, 2 or 5 times a power of ten, or this itself.
fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|factor| factor * power);
    steps.into_iter().find(|&step| step <= value * 1.0001).unwrap_or(value)
}

/// A contest as a page shows it: a picture of each of these measures, all figures as a table, and
/// how to measure it again. Its address on the page is [`anchor`].
pub fn show(results: &Results, contest: &Contest, measures: &[&Measure], words: &Words) -> Markup {
    let rounds =
        contest.entries.iter().flat_map(|entry| entry.figures.values().map(Vec::len)).max();
    let (place, languages) = (results.machine.at(&contest.measured), results.languages.join(", "));
    html! {
        figure.contest id=(anchor(&contest.name)) {
            figcaption { strong { (contest.question) } " " (contest.method) }
            div.charts {
                @for (number, measure) in measures.iter().enumerate() {
                    div.chart {
                        p.measure { (caption(measure, &Scale::of(contest, measure), words)) }
                        (draw(&format!("{}-{number}", contest.name), contest, measure, words))
                    }
                }
            }
            details {
                summary { (words.all_figures) }
                (table(contest, words))
            }
            p.machine { ((words.measured)(rounds.unwrap_or(0), &place, &languages)) }
            p.machine { (words.measure_again) " " code { (command(contest)) } }
        }
    }
}

/// The id of a contest's figure.
pub fn anchor(contest: &str) -> String {
    format!("contest-{contest}")
}

fn command(contest: &Contest) -> String {
    format!("cargo run --release -p bench -- --only {}", contest.name)
}

/// All figures of a contest: the median of the rounds, and the least and the most.
fn table(contest: &Contest, words: &Words) -> Markup {
    html! {
        div.table-wrapper tabindex="0" role="group" aria-label=(contest.question) {
            table.sortable {
                thead {
                    tr {
                        th scope="col" { (words.contender) }
                        @if let Some(sizes) = &contest.sizes { th scope="col" { (sizes) } }
                        @for measure in &contest.measures {
                            th scope="col" { (measure.heading()) }
                        }
                    }
                }
                tbody {
                    @for entry in contest.sizes().into_iter().flat_map(|size| contest.at(size)) {
                        tr {
                            th scope="row" { (entry.contender) }
                            @if let Some(size) = entry.size {
                                td.number data-value=(size) { (thousands(size)) }
                            }
                            @for measure in &contest.measures { (cell(entry.spread(measure), words)) }
                        }
                    }
                }
            }
        }
        @for out in &contest.left_out {
            @let size = out.size.map(|size| (words.from_on)(&thousands(size)));
            p { (words.left_out) ": " (out.contender) " " (size.unwrap_or_default()) ": " (out.why) }
        }
    }
}

fn cell(spread: Option<Spread>, words: &Words) -> Markup {
    html! {
        @match spread {
            Some(Spread { least, median, most }) => {
                td.number data-value=(median) {
                    (digits(median)) br; small { ((words.range)(&digits(least), &digits(most))) }
                }
            }
            None => td.number { "–" },
        }
    }
}

/// The questions of all contests, and who is ahead at which size. `link` has the address of each.
pub fn overview(
    results: &Results,
    link: impl Fn(&Contest) -> Option<String>,
    words: &Words,
) -> Markup {
    html! {
        div.table-wrapper tabindex="0" role="group" aria-label=(words.contests[0]) {
            table {
                thead { tr { @for word in words.contests { th scope="col" { (word) } } } }
                tbody {
                    @for contest in &results.contests {
                        @let sizes = contest.sizes();
                        @for (number, &size) in sizes.iter().enumerate() {
                            tr {
                                @if number == 0 {
                                    th scope="rowgroup" rowspan=(sizes.len()) {
                                        @match link(contest) {
                                            Some(link) => a href=(link) { (contest.question) },
                                            None => (contest.question),
                                        }
                                    }
                                }
                                td.number { (size.map(|size| contest.heading(size)).unwrap_or_default()) }
                                td { (ahead(contest, size)) }
                                td { (next(contest, size)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Who is ahead, with the figure: `tokio tasks: 1.08 s`.
fn ahead(contest: &Contest, size: Option<u64>) -> String {
    let Some(measure) = contest.measures.first() else { return String::new() };
    let ahead = contest.ahead(measure, size);
    let ahead = ahead
        .iter()
        .filter_map(|entry| Some(format!("{}: {}", entry.contender, figure(entry, measure)?)));
    ahead.collect::<Vec<_>>().join("; ")
}

/// The median with its unit, which stay in one line.
fn figure(entry: &Entry, measure: &Measure) -> Option<String> {
    Some(measure.show(entry.spread(measure)?.median).replace(' ', "\u{a0}"))
}

/// Who comes next, and how many times as much that is: `asyncio.gather: 1.07 ×`.
fn next(contest: &Contest, size: Option<u64>) -> String {
    let Some(measure) = contest.measures.first() else { return String::new() };
    let Some(best) = contest.best(measure, size) else { return String::new() };
    let next = contest.next(measure, size);
    let ratio = next.and_then(|next| Some((next, next.ratio(best, measure)?.median)));
    match ratio {
        // Nothing is no number of times more than nothing.
        Some((next, ratio)) if ratio.is_finite() => {
            format!("{}: {}\u{a0}×", next.contender, digits(ratio))
        }
        Some((next, _)) => {
            format!("{}: {}", next.contender, figure(next, measure).unwrap_or_default())
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_and_end_at_round_numbers() {
        assert_eq!(round_up(1.62), 2.0);
        assert_eq!(round_up(2.0), 2.0);
        assert_eq!(round_up(314.0), 400.0);
        assert_eq!(round_down(0.3), 0.2);
        assert_eq!(round_down(1.9), 1.0);
    }

    #[test]
    fn a_wide_scale_is_marked_at_powers_of_ten() {
        let scale = Scale { from: 0.5, to: 400.0, logarithmic: true };
        let ticks: Vec<_> = scale.ticks().into_iter().map(|(value, _)| tick(value)).collect();
        assert_eq!(ticks, ["1", "10", "100"]);
        assert_eq!(scale.across(0.5), "0.00%");
        assert_eq!(scale.across(400.0), "100.00%");
    }

    #[test]
    fn a_narrow_scale_begins_at_zero() {
        let scale = Scale { from: 0.0, to: 2.0, logarithmic: false };
        assert_eq!(scale.across(1.0), "50.00%");
        assert_eq!(scale.ticks().len(), 5);
    }
}
