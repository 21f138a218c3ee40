//! Draws a benchmark: a row for each implementation at each size, with a dot at the median of the
//! rounds and a line from the minimum to the maximum.
//!
//! Like in [`picture`], horizontal lengths are percentages and all others are fixed, so text
//! has the same size on a phone and on a wide screen. The colors are those of the theme.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use harness::kept::results::{
    BenchmarkResult, Category, Entry, Measure, Results, Spread, digits, thousands,
};
use maud::{Markup, html};
use picture::axis::Axis;

use crate::figures::words::Words;
use crate::page::links::benchmark_id;

const ROW: u32 = 36;
const HEADING: u32 = 30;
const AXIS: u32 = 24;

/// A picture of one measure of a benchmark. `id` must be unique on the page.
pub fn draw(id: &str, benchmark: &BenchmarkResult, measure: &Measure, words: &Words) -> Markup {
    picture(id, benchmark, measure, words).0
}

/// The picture and its height.
fn picture(
    id: &str,
    benchmark: &BenchmarkResult,
    measure: &Measure,
    words: &Words,
) -> (Markup, u32) {
    let axis = axis(benchmark, measure);
    let mut height = 4;
    let mut place = |by: u32| {
        let y = height;
        height += by;
        y
    };
    let groups: Vec<_> = benchmark
        .sizes()
        .into_iter()
        .map(|size| {
            let heading = size.map(|size| (place(HEADING), benchmark.heading(size)));
            let entries =
                benchmark.at(size).filter_map(|entry| Some((entry, entry.spread(measure)?)));
            let rows: Vec<_> = entries.map(|(entry, spread)| (place(ROW), entry, spread)).collect();
            (heading, rows)
        })
        .collect();
    let bottom = place(AXIS);

    let picture = html! {
        svg.dots role="img" width="100%" height=(height)
            aria-labelledby={ (id) "-title " (id) "-description" }
        {
            title id={ (id) "-title" } { (benchmark.question) " " (caption(measure, &axis, words)) }
            desc id={ (id) "-description" } { (describe(benchmark, measure, words)) }
            (axis.draw(bottom, tick))
            @for (heading, rows) in &groups {
                @if let Some((y, heading)) = heading {
                    text.heading x="0" y=(y + 20) { (heading) }
                }
                @for (y, entry, spread) in rows {
                    @let class = class(entry.category);
                    text x="0" y=(y + 14) { (label(entry, measure, *spread, words)) }
                    line.rail x1="0" x2="100%" y1=(y + 24) y2=(y + 24) {}
                    @if entry.category == Category::LowerBound {
                        // As high as the rows that it bounds.
                        @let first = rows.first().map_or(*y, |row| row.0);
                        @let last = rows.last().map_or(*y, |row| row.0);
                        @let x = axis.across(spread.median);
                        line.lower-bound x1=(x) x2=(x) y1=(first + 18) y2=(last + 30) {}
                    }
                    line.spread.(class) x1=(axis.across(spread.min)) x2=(axis.across(spread.max))
                        y1=(y + 24) y2=(y + 24) {}
                    circle.dot.(class) cx=(axis.across(spread.median)) cy=(y + 24) r="5" {}
                }
            }
        }
    };
    (picture, height)
}

/// A picture of some implementations at one size, below the question. `id` must be unique on the page.
///
/// # Errors
///
/// When the benchmark lacks the measure, or one of the implementations at this size.
pub fn excerpt(
    id: &str,
    benchmark: &BenchmarkResult,
    measure: &str,
    size: Option<u64>,
    implementations: &[String],
    words: &Words,
) -> Result<Markup> {
    let measure = benchmark.measure(measure)?;
    let mut part = benchmark.clone();
    part.entries.clear();
    for name in implementations {
        let mut entries = benchmark.at(size);
        let entry = entries.find(|it| it.implementation == *name && it.spread(measure).is_some());
        let lacking = || match size {
            Some(size) => format!("{} lacks {name:?} at {}", benchmark.name, thousands(size)),
            None => format!("{} lacks {name:?}", benchmark.name),
        };
        part.entries.push(entry.with_context(lacking)?.clone());
    }
    Ok(html! {
        p.measure { (benchmark.question) }
        p.machine { (caption(measure, &axis(&part, measure), words)) }
        (draw(id, &part, measure, words))
    })
}

/// Writes a picture of each measure of each benchmark next to `results_file`, in the colors of the
/// reader's system, and returns their number.
///
/// # Errors
///
/// When a picture cannot be written.
pub fn files(results: &Results, results_file: &Path, words: &Words) -> Result<u32> {
    let mut drawn = 0;
    for benchmark in &results.benchmarks {
        for measure in &benchmark.measures {
            let name = format!("{}, {}.svg", benchmark.name, measure.name).replace('/', "");
            let picture = results_file.with_file_name(&name);
            fs::write(&picture, file(benchmark, measure, words))
                .with_context(|| format!("writing {}", picture.display()))?;
            drawn += 1;
        }
    }
    Ok(drawn)
}

/// The picture as a file of its own, with its question, in the colors of the reader's system.
fn file(benchmark: &BenchmarkResult, measure: &Measure, words: &Words) -> String {
    const STYLE: &str = "svg { overflow: visible; font: 14px sans-serif; fill: #222; --paper: #fff } \
        .question, .heading { font-weight: 600 } \
        .rail, .grid { stroke: #8886 } \
        .spread { stroke-width: 4; stroke-opacity: 0.55 } \
        .rust { fill: #1565c0; stroke: #1565c0 } \
        .python { fill: var(--paper); stroke: #8a5a00; stroke-width: 2.5 } \
        .spread.python { stroke-width: 4 } \
        .bound, .lower-bound { fill: #777; stroke: #777 } \
        line.lower-bound { stroke-dasharray: 3 3 } \
        @media (prefers-color-scheme: dark) { \
            svg { fill: #ddd; --paper: #1a1a1a; background: var(--paper) } \
            .rust { fill: #64b5f6; stroke: #64b5f6 } \
            .python { stroke: #ffb74d } }";
    let (picture, height) = picture(&benchmark.name, benchmark, measure, words);
    let caption = caption(measure, &axis(benchmark, measure), words);
    let file = html! {
        svg xmlns="http://www.w3.org/2000/svg" width="720" height=(height + 80) {
            style { (STYLE) }
            text.question x="20" y="28" { (benchmark.question) }
            text x="20" y="48" { (caption) }
            svg x="20" y="60" width="680" height=(height) { (picture) }
        }
    };
    file.into_string() + "\n"
}

/// The caption of an axis: `time, s, logarithmic; less is better`.
fn caption(measure: &Measure, axis: &Axis, words: &Words) -> String {
    (words.axis)(&measure.heading(), axis.is_logarithmic(), measure.better)
}

fn label(entry: &Entry, measure: &Measure, spread: Spread, words: &Words) -> String {
    let Spread { min, median, max } = spread;
    let (median, min, max) = (measure.show(median), digits(min), digits(max));
    if min == max {
        format!("{}: {median}", entry.implementation)
    } else {
        format!("{}: {median} ({})", entry.implementation, (words.range)(&min, &max))
    }
}

fn class(category: Category) -> &'static str {
    match category {
        Category::Rust => "rust",
        Category::Python => "python",
        Category::LowerBound => "bound",
    }
}

/// The text alternative of the picture.
fn describe(benchmark: &BenchmarkResult, measure: &Measure, words: &Words) -> String {
    let rows = |size| {
        benchmark
            .at(size)
            .filter_map(|entry| Some(label(entry, measure, entry.spread(measure)?, words)))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let sizes = benchmark.sizes().into_iter();
    let groups: Vec<_> = sizes
        .map(|size| match size {
            Some(number) => format!("{}: {}", benchmark.heading(number), rows(size)),
            None => rows(size),
        })
        .collect();
    groups.join(". ")
}

/// An axis for all values of a measure.
fn axis(benchmark: &BenchmarkResult, measure: &Measure) -> Axis {
    let spreads = || benchmark.entries.iter().filter_map(|entry| entry.spread(measure));
    let min = spreads().map(|spread| spread.min).fold(f64::INFINITY, f64::min);
    let max = spreads().map(|spread| spread.max).fold(0.0, f64::max);
    Axis::between(min, max)
}

/// A round value without trailing zeros.
fn tick(value: f64) -> String {
    let text = digits(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A benchmark as a page shows it: a picture of each of these measures, or of the first one if none
/// is named, all figures as a table, and the command that repeats it. Its id is [`benchmark_id`].
///
/// # Errors
///
/// When the benchmark does not have one of the measures.
pub fn show(
    results: &Results,
    benchmark: &BenchmarkResult,
    measures: &[&str],
    words: &Words,
) -> Result<Markup> {
    let measures = match measures {
        [] => benchmark.measures.iter().take(1).collect(),
        names => names.iter().map(|name| benchmark.measure(name)).collect::<Result<Vec<_>>>()?,
    };
    let rounds =
        benchmark.entries.iter().flat_map(|entry| entry.figures.values().map(Vec::len)).max();
    let day = benchmark.measured.get(..10).unwrap_or_default();
    let place = (words.day_and_machine)(day, &results.machine);
    let languages = results.languages.join(", ");
    Ok(html! {
        figure.benchmark id=(benchmark_id(&benchmark.name)) {
            figcaption { strong { (benchmark.question) } " " (benchmark.method) }
            div.charts {
                @for (number, measure) in measures.iter().enumerate() {
                    div.chart {
                        p.measure { (caption(measure, &axis(benchmark, measure), words)) }
                        (draw(&format!("{}-{number}", benchmark.name), benchmark, measure, words))
                    }
                }
            }
            details {
                summary { (words.all_figures) }
                (table(benchmark, words))
            }
            p.machine { ((words.measured)(rounds.unwrap_or(0), &place, &languages)) }
            p.machine { (words.measure_again) " " code { (command(benchmark)) } }
        }
    })
}

fn command(benchmark: &BenchmarkResult) -> String {
    format!("cargo run --release -p bench -- --only {}", benchmark.name)
}

/// All figures of a benchmark: the median of the rounds, the minimum and the maximum.
fn table(benchmark: &BenchmarkResult, words: &Words) -> Markup {
    html! {
        div.table-wrapper tabindex="0" role="group" aria-label=(benchmark.question) {
            table.sortable {
                thead {
                    tr {
                        th scope="col" { (words.implementation) }
                        @if let Some(sizes) = &benchmark.sizes { th scope="col" { (sizes) } }
                        @for measure in &benchmark.measures {
                            th scope="col" { (measure.heading()) }
                        }
                    }
                }
                tbody {
                    @for entry in benchmark.sizes().into_iter().flat_map(|size| benchmark.at(size)) {
                        tr {
                            th scope="row" { (entry.implementation) }
                            @if let Some(size) = entry.size {
                                td.number data-value=(size) { (thousands(size)) }
                            }
                            @for measure in &benchmark.measures { (cell(entry.spread(measure), words)) }
                        }
                    }
                }
            }
        }
        @for out in &benchmark.left_out {
            @let size = out.size.map(thousands);
            p { ((words.left_out)(&out.implementation, size.as_deref(), &out.why)) }
        }
    }
}

fn cell(spread: Option<Spread>, words: &Words) -> Markup {
    html! {
        @match spread {
            Some(Spread { min, median, max }) => {
                td.number data-value=(median) {
                    (digits(median)) br; small { ((words.range)(&digits(min), &digits(max))) }
                }
            }
            None => td.number { "–" },
        }
    }
}

/// The questions of all benchmarks, and the implementations that are ahead at each size. `link` returns
/// the address of a benchmark.
pub fn overview(
    results: &Results,
    link: impl Fn(&BenchmarkResult) -> Option<String>,
    words: &Words,
) -> Markup {
    html! {
        div.table-wrapper tabindex="0" role="group" aria-label=(words.overview.question) {
            table {
                thead { tr {
                    th scope="col" { (words.overview.question) }
                    th scope="col" { (words.overview.size) }
                    th scope="col" { (words.overview.ahead) }
                    th scope="col" { (words.overview.next) }
                } }
                tbody {
                    @for benchmark in &results.benchmarks {
                        @let sizes = benchmark.sizes();
                        @for (number, &size) in sizes.iter().enumerate() {
                            tr {
                                @if number == 0 {
                                    th scope="rowgroup" rowspan=(sizes.len()) {
                                        @match link(benchmark) {
                                            Some(link) => a href=(link) { (benchmark.question) },
                                            None => (benchmark.question),
                                        }
                                    }
                                }
                                td.number { (size.map(|size| benchmark.heading(size)).unwrap_or_default()) }
                                td { (ahead(benchmark, size)) }
                                td { (next(benchmark, size)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The implementations that are ahead, with their figures: `tokio tasks: 1.08 s`.
fn ahead(benchmark: &BenchmarkResult, size: Option<u64>) -> String {
    let Some(measure) = benchmark.measures.first() else { return String::new() };
    let ahead = benchmark.ahead(measure, size);
    let ahead = ahead
        .iter()
        .filter_map(|entry| Some(format!("{}: {}", entry.implementation, figure(entry, measure)?)));
    ahead.collect::<Vec<_>>().join("; ")
}

/// The median with its unit, which must not be separated by a line break.
fn figure(entry: &Entry, measure: &Measure) -> Option<String> {
    Some(measure.show(entry.spread(measure)?.median).replace(' ', "\u{a0}"))
}

/// The next implementation, as a multiple of the best one: `asyncio.gather: 1.07 ×`.
fn next(benchmark: &BenchmarkResult, size: Option<u64>) -> String {
    let Some(measure) = benchmark.measures.first() else { return String::new() };
    let Some(best) = benchmark.best(measure, size) else { return String::new() };
    let next = benchmark.next(measure, size);
    let ratio = next.and_then(|next| Some((next, next.ratio(best, measure)?.median)));
    match ratio {
        Some((next, ratio)) if ratio.is_finite() => {
            format!("{}: {}\u{a0}×", next.implementation, digits(ratio))
        }
        // There is no multiple of zero, so show the figure itself.
        Some((next, _)) => {
            format!("{}: {}", next.implementation, figure(next, measure).unwrap_or_default())
        }
        None => String::new(),
    }
}
