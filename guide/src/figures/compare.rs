//! Compares recordings: a table of the costs of all examples, and bars for a few of them.
use std::collections::BTreeSet;

use anyhow::{Context, Result};
use harness::examples::Workspace;
use harness::kept::recording::{Recording, Run};
use harness::run::machine::mebibytes;
use maud::{Markup, html};
use picture::axis::Axis;

use crate::figures::recorded;
use crate::figures::words::{CostWords, Words};

/// A figure that can be compared, if it is known.
struct Cost {
    name: fn(&CostWords) -> &'static str,
    unit: &'static str,
    decimals: usize,
    of: fn(&Run) -> Option<f64>,
}

const COSTS: [Cost; 5] = [
    Cost { name: |words| words.time, unit: "s", decimals: 2, of: |run| Some(run.wall) },
    Cost { name: |words| words.cpu_time, unit: "s", decimals: 2, of: |run| run.cpu },
    Cost {
        name: |words| words.memory,
        unit: "MiB",
        decimals: 1,
        of: |run| run.memory.map(mebibytes),
    },
    Cost {
        name: |words| words.threads,
        unit: "",
        decimals: 0,
        of: |run| run.threads.map(|threads| threads as f64),
    },
    Cost {
        name: |words| words.processes,
        unit: "",
        decimals: 0,
        of: |run| run.processes.map(|processes| processes as f64),
    },
];

impl Cost {
    fn show(&self, value: f64) -> String {
        format!("{value:.*} {}", self.decimals, self.unit).trim_end().to_owned()
    }
}

/// A table with a row for each run of each example, which the page's script makes sortable.
/// `link` returns the address of an example.
///
/// # Errors
///
/// When a recording cannot be read.
pub fn table(
    workspace: &Workspace,
    link: impl Fn(&str) -> Option<String>,
    words: &Words,
) -> Result<String> {
    let mut recordings = Vec::new();
    for example in workspace.with_variants() {
        if let Some(recording) = Recording::read(workspace, example)? {
            recordings.push((example, recording));
        }
    }
    Ok(html! {
        div.table-wrapper tabindex="0" role="group" aria-label=(words.costs.title) {
            table.sortable {
                thead {
                    tr {
                        th scope="col" { (words.costs.example) }
                        th scope="col" { (words.costs.language) }
                        @for cost in &COSTS { th scope="col" { ((cost.name)(&words.costs)) } }
                    }
                }
                tbody {
                    @for (example, recording) in &recordings {
                        @for (language, run) in recording.runs() {
                            tr {
                                th scope="row" {
                                    @match link(example.variant_of().unwrap_or(&example.name)) {
                                        Some(link) => a href=(link) { (example.name) },
                                        None => (example.name),
                                    }
                                }
                                td { (language) }
                                @for cost in &COSTS { (cell(cost, run)) }
                            }
                        }
                    }
                }
            }
        }
        (machines(recordings.iter().map(|(_, recording)| recording), words))
    }
    .into_string())
}

fn cell(cost: &Cost, run: &Run) -> Markup {
    html! {
        @match (cost.of)(run) {
            Some(value) => td.number data-value=(value) { (cost.show(value)) },
            None => td.number { "–" },
        }
    }
}

/// A bar chart for each cost except the wall-clock time, which the compared examples share.
///
/// # Errors
///
/// When one of the names is not that of an example with a recording.
pub fn bars(workspace: &Workspace, names: &[&str], id: &str, words: &Words) -> Result<String> {
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
            @for (number, cost) in COSTS.iter().enumerate().skip(1) {
                (chart(cost, &rows, &format!("{id}-{number}"), words))
            }
        }
        (machines(recordings.iter().map(|(_, recording)| recording), words))
    }
    .into_string())
}

fn chart(cost: &Cost, rows: &[(&str, (&str, &Run))], id: &str, words: &Words) -> Markup {
    const ROW: usize = 34;
    let title = (cost.name)(&words.costs);
    let value = |run| (cost.of)(run).unwrap_or(0.0);
    let values = rows.iter().map(|(_, (_, run))| value(run));
    let axis = Axis::linear(values.fold(f64::MIN_POSITIVE, f64::max));
    let labels: Vec<_> = rows
        .iter()
        .map(|(name, (language, run))| {
            let value = (cost.of)(run).map(|value| cost.show(value));
            format!("{name}, {language}: {}", value.as_deref().unwrap_or(words.costs.not_known))
        })
        .collect();
    html! {
        figure.chart {
            figcaption { (title) }
            svg.bars role="img" width="100%" height=(rows.len() * ROW)
                aria-labelledby={ (id) "-title " (id) "-description" }
            {
                title id={ (id) "-title" } { (title) }
                desc id={ (id) "-description" } { (labels.join("; ")) }
                @for (number, (label, (_, (language, run)))) in labels.iter().zip(rows).enumerate() {
                    text x="0" y=(number * ROW + 13) { (label) }
                    rect.rail x="0" y=(number * ROW + 18) width="100%" height="10" rx="2" {}
                    rect.bar.other[*language != "Rust"] x="0" y=(number * ROW + 18) height="10" rx="2"
                        width=(axis.across(value(run))) {}
                }
            }
        }
    }
}

/// The days and machines of recordings, in a sentence for each.
pub fn machines<'a>(recordings: impl IntoIterator<Item = &'a Recording>, words: &Words) -> Markup {
    let mut machines = BTreeSet::new();
    for recording in recordings {
        let day = recording.recorded.get(..10).unwrap_or_default();
        let place = (words.day_and_machine)(day, &recording.machine);
        let languages: Vec<_> = recording.runs().map(|(_, run)| run.language.as_str()).collect();
        machines.insert((words.recorded)(&place, &languages.join(", ")));
    }
    html! {
        @for machine in machines { p.machine { (machine) } }
    }
}

/// The costs of a run in a line, without those that are not known: `5 workers · 6 OS threads ·
/// 1 process · 2.00 s · CPU 0.00 s · 2.1 MiB`.
pub fn cost_line(run: &Run, words: &Words) -> String {
    let workers = picture::workers(&recorded::lines(&run.lines));
    [
        workers.map(|(number, kind)| (words.workers)(number, &kind)),
        run.threads.map(words.threads),
        run.processes.map(words.processes),
        Some(format!("{:.2} s", run.wall)),
        run.cpu.map(|cpu| (words.cpu_time)(&format!("{cpu:.2} s"))),
        run.memory.map(|bytes| format!("{:.1} MiB", mebibytes(bytes))),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}
