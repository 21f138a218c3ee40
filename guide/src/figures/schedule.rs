//! Draws recorded schedules: a table with a column for each thread and a row for each step.
//!
//! A schedule in which the broken twin of a program fails stands next to one of the fixed twin.
//! `guide/assets/schedule.js` steps through both, and lets the reader choose the thread that runs
//! next where the recording has every choice. Without the script, all steps are on the page.
use anyhow::Result;
use harness::examples::Workspace;
use harness::kept::schedule::{All, Choice, Schedules, State, Step, Twin};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use crate::figures::words::{ScheduleWords, Words};

/// The schedules of one program. `id` must be unique on the page.
///
/// # Errors
///
/// When the recording is missing or doesn't match the sources.
pub fn draw(workspace: &Workspace, name: &str, id: &str, words: &Words) -> Result<Markup> {
    let words = &words.schedule;
    let schedules = Schedules::read(workspace, name)?;
    let Schedules { threads, seed, broken, fixed, .. } = &schedules;
    let broken_lines = broken.lines(workspace)?;
    let failure = broken.failure.as_deref().unwrap_or_default();
    let chooser = chooser(&schedules, &broken_lines, words)?;
    let caption = words.caption.replace("{seed}", &seed.to_string());
    Ok(html! {
        figure.schedule id=(id) data-schedule=(name) {
            figcaption {
                strong { (name) } " " (caption)
            }
            div.twins {
                (table(broken, threads, &broken_lines, (words.broken, failure), words))
                (table(fixed, threads, &fixed.lines(workspace)?, (words.fixed, words.no_failure), words))
            }
            @if let Some(chooser) = chooser {
                div.chooser hidden { script type="application/json" { (PreEscaped(chooser)) } }
            }
            p.found { (tries(&schedules, words)) }
            script.schedule-words type="application/json" { (PreEscaped(json(words)?)) }
        }
    })
}

fn table(
    twin: &Twin,
    threads: &[String],
    lines: &[String],
    (title, end): (&str, &str),
    words: &ScheduleWords,
) -> Markup {
    html! {
        div.twin {
            p.file { (twin.source) }
            div.table-wrapper {
                table.steps {
                    caption { b { (title) } ": " (end) }
                    thead { tr {
                        th scope="col" { (words.step) }
                        @for thread in threads { th scope="col" { (thread) } }
                        th scope="col" { (words.runs) }
                    } }
                    tbody {
                        @for (number, step) in twin.steps.iter().enumerate() {
                            @let first = twin.steps[..number].iter().all(|it| it.thread != step.thread);
                            tr {
                                th scope="row" { (number + 1) }
                                @for thread in 0..threads.len() { (cell(step, thread, words)) }
                                td { (action(step, first, lines, words)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The state of a thread in a step, or after it.
fn cell(step: &Step, thread: usize, words: &ScheduleWords) -> Markup {
    let words = &words.states;
    let runs = step.thread == thread;
    let (class, text) = match (step.states.get(thread), runs) {
        (None, _) => ("", ""),
        (Some(State::Runnable), true) => ("runs", words.runs),
        (Some(State::Runnable), false) => ("runnable", words.ready),
        (Some(State::Blocked), true) => ("runs blocked", words.blocks),
        (Some(State::Blocked), false) => ("blocked", words.blocked),
        (Some(State::Finished), true) => ("runs finished", words.ends),
        (Some(State::Finished), false) => ("finished", words.ended),
        (Some(State::Panicked), _) => ("runs blocked", words.panics),
    };
    html! { td class=(class) { (text) } }
}

/// The source line of a step and its output.
fn action(step: &Step, first: bool, lines: &[String], words: &ScheduleWords) -> Markup {
    html! {
        @match step.line {
            Some(line) => { span.line { (line) } " " code { (lines[line - 1]) } }
            None if first => { i { (words.starts) } }
            None => { i { (words.returns) } }
        }
        @for printed in &step.printed { " " span.printed { (words.prints) " " samp { (printed) } } }
    }
}

/// The number of schedules until the failure.
fn tries(schedules: &Schedules, words: &ScheduleWords) -> String {
    let fill = |text: &str, values: &[(&str, u64)]| {
        values.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &value.to_string())
        })
    };
    let tries = &schedules.tries;
    let min = tries.iter().min().copied().unwrap_or(0);
    let max = tries.iter().max().copied().unwrap_or(0);
    let mut text =
        fill(words.tries, &[("searches", tries.len() as u64), ("min", min), ("max", max)]);
    if let Some(All { schedules, failing }) = schedules.broken.all {
        text.push(' ');
        text += &fill(words.all, &[("schedules", schedules), ("failing", failing)]);
    }
    if let Some(All { schedules, failing: 0 }) = schedules.fixed.all {
        text.push(' ');
        text += &fill(words.all_pass, &[("schedules", schedules)]);
    }
    text
}

/// The choices for `schedule.js`.
#[derive(Serialize)]
struct Tree<'a> {
    threads: &'a [String],
    /// The HTML of the row of each step, without its number.
    rows: Vec<String>,
    /// The thread of each step, and the line that it is about to run.
    runs: Vec<(usize, &'a str)>,
    next: Vec<&'a [usize]>,
    /// The failure of the program after a step; empty if it ends well, none if it goes on.
    ends: Vec<Option<&'a str>>,
}

fn chooser(
    schedules: &Schedules,
    lines: &[String],
    words: &ScheduleWords,
) -> Result<Option<String>> {
    let Schedules { threads, choices, .. } = schedules;
    if choices.is_empty() {
        return Ok(None);
    }
    let row = |Choice { step, .. }: &Choice| {
        let row = html! {
            @for thread in 0..threads.len() { (cell(step, thread, words)) }
            td { (action(step, true, lines, words)) }
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
    json(&tree).map(Some)
}

/// For a script block, which a `</script>` in a text would end.
fn json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?.replace("</", "<\\/"))
}

fn end(choice: &Choice) -> Option<&str> {
    choice.next.is_empty().then(|| choice.failure.as_deref().unwrap_or_default())
}
