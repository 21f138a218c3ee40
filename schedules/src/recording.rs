//! Makes the recordings that the book draws.
use anyhow::{Context, Result};
use harness::kept::schedule::{self, All, Choice, Schedules, Step, VERSION};

use crate::SOURCES;
use crate::explore::{self, Lines, Main, Run};
use crate::programs::{self, Program};

/// The maximum number of schedules of a program that are all explored.
pub const MAX_SCHEDULES: u64 = 1000;

/// Finds a failing schedule, and a schedule of the fixed twin next to it.
///
/// # Errors
///
/// When no schedule fails within ten times [`MAX_SCHEDULES`] random ones.
pub fn make(program: &Program) -> Result<Schedules> {
    let Program { name, threads, broken, fixed, tiny } = program;
    // Ten searches, each with seeds of its own. The shortest failing schedule is the one to draw.
    let failures: Option<Vec<_>> = (0..10)
        .map(|search| explore::find(broken, search * MAX_SCHEDULES, MAX_SCHEDULES))
        .collect();
    let failures =
        failures.with_context(|| format!("{name}: a search finds no failing schedule"))?;
    let seeds = failures.iter().map(|&(seed, _)| seed);
    let (seed, failing) = seeds
        .map(|seed| (seed, explore::random(broken, seed, Lines::Noted)))
        .min_by_key(|(_, run)| run.steps.len())
        .context("ten searches find ten schedules")?;
    let passing = explore::follow(fixed, &failing.choices(), Lines::Noted);

    let all = |twin| explore::all(twin, Main::Chosen, MAX_SCHEDULES, Lines::Skipped, |_| {});
    let mut choices = Vec::new();
    if *tiny {
        explore::all(broken, Main::First, MAX_SCHEDULES, Lines::Noted, |run| {
            add(&mut choices, run)
        })
        .with_context(|| format!("{name}: more than {MAX_SCHEDULES} schedules"))?;
    }
    Ok(Schedules {
        version: VERSION,
        name: (*name).to_owned(),
        threads: threads.iter().map(|&thread| thread.to_owned()).collect(),
        seed,
        tries: failures.iter().map(|&(_, tries)| tries).collect(),
        broken: twin(broken, failing, all(broken)),
        fixed: twin(fixed, passing, all(fixed)),
        choices: join(&choices),
    })
}

fn twin(twin: &programs::Twin, run: Run, all: Option<All>) -> schedule::Twin {
    let (steps, failure) = (shown_steps(&run), run.failure);
    schedule::Twin { source: twin.file().to_owned(), steps, failure, all }
}

/// Returns the steps of a run without a last one in which a thread has nothing left to do.
fn shown_steps(run: &Run) -> Vec<Step> {
    let mut steps = run.steps.clone();
    if let Some(last) = steps.pop_if(|last| last.line.is_none())
        && let Some(before) = steps.last_mut()
    {
        before.states = last.states;
        before.printed.extend(last.printed);
    }
    steps
}

/// Adds a schedule to the tree of all of them. Every schedule begins with the same step.
fn add(choices: &mut Vec<Choice>, run: &Run) {
    let mut last: Option<usize> = None;
    for step in shown_steps(run) {
        let known = match last {
            None => (!choices.is_empty()).then_some(0),
            Some(last) => {
                let mut next = choices[last].next.iter();
                next.find(|&&next| choices[next].step.thread == step.thread).copied()
            }
        };
        last = Some(known.unwrap_or_else(|| {
            let new = choices.len();
            choices.push(Choice { step, next: Vec::new(), failure: None });
            if let Some(last) = last {
                choices[last].next.push(new);
            }
            new
        }));
    }
    if let Some(last) = last {
        choices[last].failure = run.failure.clone();
    }
}

/// Joins equal branches of the tree into one.
fn join(choices: &[Choice]) -> Vec<Choice> {
    // From the leaves to the root, because a step is joined after its branches.
    let mut joined: Vec<Choice> = Vec::new();
    let mut joined_at = vec![0; choices.len()];
    for (at, choice) in choices.iter().enumerate().rev() {
        let next = choice.next.iter().map(|&next| joined_at[next]).collect();
        let choice = Choice { next, ..choice.clone() };
        joined_at[at] = joined.iter().position(|known| *known == choice).unwrap_or(joined.len());
        if joined_at[at] == joined.len() {
            joined.push(choice);
        }
    }
    // The root comes first in the recording.
    joined.reverse();
    let last = joined.len().saturating_sub(1);
    for next in joined.iter_mut().flat_map(|choice| &mut choice.next) {
        *next = last - *next;
    }
    joined
}

impl programs::Twin {
    /// Returns its source file, from the workspace's root.
    pub fn file(&self) -> &'static str {
        let source = SOURCES.iter().find(|(name, _)| *name == self.source);
        source.expect("every twin is in SOURCES").1
    }
}
