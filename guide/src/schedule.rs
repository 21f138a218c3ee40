//! Draws recorded schedules: a table with a column for each thread and a row for each step.
//!
//! A schedule in which the broken twin of a program fails stands next to one of the fixed twin.
//! `guide/assets/schedule.js` steps through both, and lets the reader choose the thread that runs
//! next where the recording has every choice. Without it all steps are on the page.
use anyhow::Result;
use harness::examples::Workspace;
use harness::schedule::{All, Choice, Schedules, State, Step, Twin};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

/// The schedules of one program. `id` must be unique on the page.
///
/// # Errors
///
/// When the recording is missing or doesn't match the sources.
pub fn draw(workspace: &Workspace, name: &str, id: &str) -> Result<Markup> {
    let schedules = Schedules::read(workspace, name)?;
    let Schedules { threads, seed, broken, fixed, .. } = &schedules;
    let broken_lines = broken.lines(workspace)?;
    let failure = broken.failure.as_deref().unwrap_or_default();
    let chooser = chooser(&schedules, &broken_lines)?;
    Ok(html! {
        figure.schedule id=(id) data-schedule=(name) {
            figcaption {
                strong { (name) } " A schedule that fails (seed " (seed)
                "), and the fixed program under the same choices, as far as they exist there"
            }
            div.twins {
                (table(broken, threads, &broken_lines, "Broken", failure))
                (table(fixed, threads, &fixed.lines(workspace)?, "Fixed", "no failure"))
            }
            @if let Some(chooser) = chooser {
                div.chooser hidden { script type="application/json" { (PreEscaped(chooser)) } }
            }
            p.found { (found(&schedules)) }
        }
    })
}

fn table(twin: &Twin, threads: &[String], lines: &[String], title: &str, end: &str) -> Markup {
    html! {
        div.twin {
            p.file { (twin.source) }
            div.table-wrapper {
                table.steps {
                    caption { b { (title) } ": " (end) }
                    thead { tr {
                        th scope="col" { "Step" }
                        @for thread in threads { th scope="col" { (thread) } }
                        th scope="col" { "Runs" }
                    } }
                    tbody {
                        @for (number, step) in twin.steps.iter().enumerate() {
                            @let first = twin.steps[..number].iter().all(|it| it.thread != step.thread);
                            tr {
                                th scope="row" { (number + 1) }
                                @for thread in 0..threads.len() { (cell(step, thread)) }
                                td { (what(step, first, lines)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a thread does in a step, or is after it.
fn cell(step: &Step, thread: usize) -> Markup {
    let runs = step.thread == thread;
    let (class, text) = match (step.states.get(thread), runs) {
        (None, _) => ("", ""),
        (Some(State::Runnable), true) => ("runs", "runs"),
        (Some(State::Runnable), false) => ("runnable", "ready"),
        (Some(State::Blocked), true) => ("runs blocked", "blocks"),
        (Some(State::Blocked), false) => ("blocked", "blocked"),
        (Some(State::Finished), true) => ("runs finished", "ends"),
        (Some(State::Finished), false) => ("finished", "ended"),
        (Some(State::Panicked), _) => ("runs blocked", "panics"),
    };
    html! { td class=(class) { (text) } }
}

/// The source line of a step and what it prints.
fn what(step: &Step, first: bool, lines: &[String]) -> Markup {
    html! {
        @match step.line {
            Some(line) => { span.line { (line) } " " code { (lines[line - 1]) } }
            None if first => { i { "starts" } }
            None => { i { "returns" } }
        }
        @for printed in &step.printed { " " span.printed { "prints " samp { (printed) } } }
    }
}

/// How many schedules it takes to find the failure.
fn found(schedules: &Schedules) -> String {
    let mut tries = schedules.tries.clone();
    tries.sort_unstable();
    let (least, most) = (tries.first().unwrap_or(&0), tries.last().unwrap_or(&0));
    let mut text = format!(
        "In {} random searches, the failure was found within {least} to {most} schedules.",
        tries.len()
    );
    if let Some(All { schedules, failing }) = schedules.broken.all {
        text += &format!(" Of all {schedules} schedules, {failing} fail.");
    }
    if let Some(All { schedules, failing: 0 }) = schedules.fixed.all {
        text += &format!(" The fixed program passes all of its {schedules}.");
    }
    text
}

/// What `schedule.js` needs to let the reader choose.
#[derive(Serialize)]
struct Tree<'a> {
    threads: &'a [String],
    /// The HTML of the row of each step, without its number.
    rows: Vec<String>,
    /// The thread of each step, and what it is about to run.
    runs: Vec<(usize, &'a str)>,
    next: Vec<&'a [usize]>,
    /// How the program fails after a step; empty if it ends well, none if it goes on.
    ends: Vec<Option<&'a str>>,
}

fn chooser(schedules: &Schedules, lines: &[String]) -> Result<Option<String>> {
    let Schedules { threads, choices, .. } = schedules;
    if choices.is_empty() {
        return Ok(None);
    }
    let row = |Choice { step, .. }: &Choice| {
        let row = html! {
            @for thread in 0..threads.len() { (cell(step, thread)) }
            td { (what(step, true, lines)) }
        };
        row.into_string()
    };
    let runs = |Choice { step, .. }: &Choice| {
        let line = step.line.map_or("", |line| lines[line - 1].as_str());
        (step.thread, line)
    };
    let tree = Tree {
        threads,
        rows: choices.iter().map(row).collect(),
        runs: choices.iter().map(runs).collect(),
        next: choices.iter().map(|choice| choice.next.as_slice()).collect(),
        ends: choices.iter().map(end).collect(),
    };
    // A `</script>` in a source would end the block.
    Ok(Some(serde_json::to_string(&tree)?.replace("</", "<\\/")))
}

fn end(choice: &Choice) -> Option<&str> {
    choice.next.is_empty().then(|| choice.failure.as_deref().unwrap_or_default())
}
