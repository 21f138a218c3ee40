//! Makes the recordings that the book draws.
use anyhow::{Context, Result};
use harness::kept::schedule::{self, All, Choice, Schedules, Step, VERSION};

use crate::SOURCES;
use crate::explore::{self, Lines, Main, Run};
use crate::programs::{self, Program};

/// A program with more schedules than this is not explored to the end.
pub const MOST: u64 = 1000;

/// Finds a failing schedule, and a schedule of the fixed twin next to it.
///
/// # Errors
///
/// When no schedule fails within ten times [`MOST`] random ones.
pub fn make(program: &Program) -> Result<Schedules> {
    let Program { name, threads, broken, fixed, tiny } = program;
    // Ten searches, each with seeds of its own. The shortest failing schedule is the one to draw.
    let found: Option<Vec<_>> =
        (0..10).map(|search| explore::find(broken, search * MOST, MOST)).collect();
    let found = found.with_context(|| format!("{name}: a search finds no failing schedule"))?;
    let seeds = found.iter().map(|&(seed, _)| seed);
    let (seed, failing) = seeds
        .map(|seed| (seed, explore::random(broken, seed, Lines::Noted)))
        .min_by_key(|(_, run)| run.steps.len())
        .context("ten searches find ten schedules")?;
    let passing = explore::follow(fixed, &failing.choices(), Lines::Noted);

    let all = |twin| explore::all(twin, Main::Chosen, MOST, Lines::Left, |_| {});
    let mut choices = Vec::new();
    if *tiny {
        explore::all(broken, Main::First, MOST, Lines::Noted, |run| add(&mut choices, run))
            .with_context(|| format!("{name}: more than {MOST} schedules"))?;
    }
    Ok(Schedules {
        version: VERSION,
        name: (*name).to_owned(),
        threads: threads.iter().map(|&thread| thread.to_owned()).collect(),
        seed,
        tries: found.iter().map(|&(_, tries)| tries).collect(),
        broken: twin(broken, failing, all(broken)),
        fixed: twin(fixed, passing, all(fixed)),
        choices: join(&choices),
    })
}

fn twin(twin: &programs::Twin, run: Run, all: Option<All>) -> schedule::Twin {
    let (steps, failure) = (seen(&run), run.failure);
    schedule::Twin { source: twin.file().to_owned(), steps, failure, all }
}

/// The steps of a run, but for a last one in which a thread has nothing left to do.
fn seen(run: &Run) -> Vec<Step> {
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
    for step in seen(run) {
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

/// The same tree with equal branches joined into one.
fn join(choices: &[Choice]) -> Vec<Choice> {
    // From the leaves to the root, so that the branches of a step are known when it is its turn.
    let mut joined: Vec<Choice> = Vec::new();
    let mut places = vec![0; choices.len()];
    for (place, choice) in choices.iter().enumerate().rev() {
        let next = choice.next.iter().map(|&next| places[next]).collect();
        let choice = Choice { next, ..choice.clone() };
        places[place] = joined.iter().position(|known| *known == choice).unwrap_or(joined.len());
        if places[place] == joined.len() {
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
    /// Its source file, from the workspace's root.
    pub fn file(&self) -> &'static str {
        let source = SOURCES.iter().find(|(name, _)| *name == self.source);
        source.expect("every twin is in SOURCES").1
    }
}
