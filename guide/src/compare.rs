//! Compares recordings: a table of what every example cost, and bars for a few of them.
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use harness::examples::Workspace;
use harness::machine::mebibytes;
use harness::recording::{Recording, Run};
use maud::{Markup, html};

use crate::timeline;

/// A figure that can be compared, where it is known.
struct Figure {
    name: &'static str,
    unit: &'static str,
    decimals: usize,
    of: fn(&Run) -> Option<f64>,
}

const FIGURES: [Figure; 5] = [
    Figure { name: "Time", unit: "s", decimals: 2, of: |run| Some(run.wall) },
    Figure { name: "CPU time", unit: "s", decimals: 2, of: |run| run.cpu },
    Figure { name: "Memory", unit: "MiB", decimals: 1, of: |run| run.memory.map(mebibytes) },
    Figure { name: "OS threads", unit: "", decimals: 0, of: |run| run.threads.map(|n| n as f64) },
    Figure { name: "Processes", unit: "", decimals: 0, of: |run| run.processes.map(|n| n as f64) },
];

impl Figure {
    fn show(&self, value: f64) -> String {
        format!("{value:.*} {}", self.decimals, self.unit).trim_end().to_owned()
    }
}

/// A table with a row for each run of each example, which the page's script makes sortable.
/// `pages_of` has the page of each example, from the folder of all pages.
///
/// # Errors
///
/// When a recording cannot be read.
pub fn table(workspace: &Workspace, pages_of: &BTreeMap<&str, &str>) -> Result<String> {
    let mut recordings = Vec::new();
    for example in workspace.examples.values() {
        if let Some(recording) = Recording::read(workspace, example)? {
            recordings.push((example, recording));
        }
    }
    Ok(html! {
        div.table-wrapper tabindex="0" role="group" aria-label="What every example cost" {
            table.sortable {
                thead {
                    tr {
                        th scope="col" { "Example" }
                        th scope="col" { "Language" }
                        @for figure in &FIGURES { th scope="col" { (figure.name) } }
                    }
                }
                tbody {
                    @for (example, recording) in &recordings {
                        @for (language, run) in recording.runs() {
                            tr {
                                th scope="row" {
                                    @match pages_of.get(example.name.as_str()) {
                                        Some(page) => {
                                            a href=(page.replace(".md", ".html")) { (example.name) }
                                        }
                                        None => (example.name),
                                    }
                                }
                                td { (language) }
                                @for figure in &FIGURES { (cell(figure, run)) }
                            }
                        }
                    }
                }
            }
        }
        (machines(recordings.iter().map(|(_, recording)| recording)))
    }
    .into_string())
}

fn cell(figure: &Figure, run: &Run) -> Markup {
    html! {
        @match (figure.of)(run) {
            Some(value) => td.number data-value=(value) { (figure.show(value)) },
            None => td.number { "–" },
        }
    }
}

/// A bar chart for each figure but the time, which is meant to be the same for all.
///
/// # Errors
///
/// When one of the names is not that of an example with a recording.
pub fn bars(workspace: &Workspace, names: &[&str], id: &str) -> Result<String> {
    let mut recordings = Vec::new();
    for name in names {
        let recording = Recording::read(workspace, workspace.example(name)?)?;
        recordings.push((*name, recording.with_context(|| format!("{name} has no recording"))?));
    }
    let rows: Vec<_> = recordings
        .iter()
        .flat_map(|(name, recording)| recording.runs().map(move |run| (*name, run)))
        .collect();
    Ok(html! {
        div.charts {
            @for (number, figure) in FIGURES[1..].iter().enumerate() {
                (chart(figure, &rows, &format!("{id}-{number}")))
            }
        }
        (machines(recordings.iter().map(|(_, recording)| recording)))
    }
    .into_string())
}

fn chart(figure: &Figure, rows: &[(&str, (&str, &Run))], id: &str) -> Markup {
    const ROW: usize = 34;
    let value = |run| (figure.of)(run).unwrap_or(0.0);
    let most = rows.iter().map(|(_, (_, run))| value(run)).fold(f64::MIN_POSITIVE, f64::max);
    let labels: Vec<_> = rows
        .iter()
        .map(|(name, (language, run))| match (figure.of)(run) {
            Some(value) => format!("{name}, {language}: {}", figure.show(value)),
            None => format!("{name}, {language}: not known"),
        })
        .collect();
    html! {
        figure.chart {
            figcaption { (figure.name) }
            svg.bars role="img" width="100%" height=(rows.len() * ROW)
                aria-labelledby={ (id) "-title " (id) "-description" }
            {
                title id={ (id) "-title" } { (figure.name) }
                desc id={ (id) "-description" } { (labels.join("; ")) }
                @for (number, (label, (_, (language, run)))) in labels.iter().zip(rows).enumerate() {
                    text x="0" y=(number * ROW + 13) { (label) }
                    rect.rail x="0" y=(number * ROW + 18) width="100%" height="10" rx="2" {}
                    rect.bar.other[*language != "Rust"] x="0" y=(number * ROW + 18) height="10" rx="2"
                        width=(format!("{:.2}%", value(run) / most * 100.0)) {}
                }
            }
        }
    }
}

/// The machines that recordings were made on, as a sentence.
pub fn machines<'a>(recordings: impl Iterator<Item = &'a Recording>) -> Markup {
    let mut machines = BTreeSet::new();
    for recording in recordings {
        let place = recording.machine.at(&recording.recorded);
        let languages: Vec<_> = recording.runs().map(|(_, run)| run.language.as_str()).collect();
        machines.insert(format!("{place}; {}", languages.join(", ")));
    }
    html! {
        @for machine in machines { p.machine { "Recorded " (machine) "." } }
    }
}

/// What it cost, in a line: `5 workers · 6 OS threads · 1 process · 2.00 s · CPU 0.00 s ·
/// 2.1 MiB`, without what is not known.
pub fn cost_line(run: &Run) -> String {
    let workers = timeline::workers(&run.lines).map(|(n, kind)| count(n as u64, &kind));
    [
        workers,
        run.threads.map(|n| count(n, "OS thread")),
        run.processes.map(|n| count(n, "process")),
        Some(format!("{:.2} s", run.wall)),
        run.cpu.map(|cpu| format!("CPU {cpu:.2} s")),
        run.memory.map(|bytes| format!("{:.1} MiB", mebibytes(bytes))),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}

fn count(n: u64, what: &str) -> String {
    let plural = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{n} {what}{plural}")
}
