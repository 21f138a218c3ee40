//! Runs a program under a schedule and notes each step.
use std::backtrace::Backtrace;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use harness::kept::schedule::{All, State, Step};
use shuttle::scheduler::{RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, Runner};

use crate::printed;
use crate::programs::Twin;

/// One run.
#[derive(Debug, Default)]
pub struct Run {
    /// The steps.
    pub steps: Vec<Step>,
    /// The threads that could have run, before each step.
    pub runnable: Vec<Vec<usize>>,
    /// The panic that ended it, if one did.
    pub failure: Option<String>,
}

impl Run {
    /// Returns the thread that ran in each step.
    pub fn choices(&self) -> Vec<usize> {
        self.steps.iter().map(|step| step.thread).collect()
    }
}

/// The choice of noting source lines, which takes much longer than the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Notes the line of each step.
    Noted,
    /// Notes no lines.
    Skipped,
}

/// The way in which the main thread is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Main {
    /// The scheduler decides, as for any other thread.
    Chosen,
    /// It runs whenever it can, so that only the choices among the other threads are left.
    First,
}

/// Runs the random schedule of a seed.
pub fn random(twin: &Twin, seed: u64, lines: Lines) -> Run {
    run(twin, RandomScheduler::new_from_seed(seed, 1), lines)
}

/// Runs these threads in this order as long as that is possible. Then each thread continues until it
/// can't, followed by the one that started first.
pub fn follow(twin: &Twin, choices: &[usize], lines: Lines) -> Run {
    run(twin, Follow { choices: choices.to_vec(), main: Main::Chosen, at: 0 }, lines)
}

/// Returns the first seed from here on with which the program fails, and the number of seeds tried.
pub fn find(twin: &Twin, first: u64, max: u64) -> Option<(u64, u64)> {
    let fails = |seed: &u64| random(twin, *seed, Lines::Skipped).failure.is_some();
    (first..first + max).find(fails).map(|seed| (seed, seed - first + 1))
}

/// Runs every schedule, and calls `each` with its run. Returns None if there are more than `max`.
pub fn all(
    twin: &Twin,
    main: Main,
    max: u64,
    lines: Lines,
    mut each: impl FnMut(&Run),
) -> Option<All> {
    let mut all = All { schedules: 0, failing: 0 };
    let mut prefix = Vec::new();
    while all.schedules < max {
        let run = run(twin, Follow { choices: prefix, main, at: 0 }, lines);
        all.schedules += 1;
        all.failing += u64::from(run.failure.is_some());
        each(&run);

        // The last step at which there is a choice that was not made yet. The choices of a step
        // are in the order of `open`, whose first one is what `Follow` takes by itself.
        let mut choices = run.choices();
        let next = loop {
            let Some(chosen) = choices.pop() else { return Some(all) };
            let open = open(&run.runnable[choices.len()], choices.last().copied(), main);
            let index = open.iter().position(|&thread| thread == chosen);
            if let Some(&next) = index.and_then(|index| open.get(index + 1)) {
                break next;
            }
        };
        choices.push(next);
        prefix = choices;
    }
    None
}

/// Returns the threads to choose from, in the order in which they are tried: first the one that has
/// just run.
fn open(runnable: &[usize], last: Option<usize>, main: Main) -> Vec<usize> {
    if main == Main::First && runnable.contains(&0) {
        return vec![0];
    }
    let mut open = runnable.to_vec();
    open.sort_by_key(|&thread| (Some(thread) != last, thread));
    open
}

/// A scheduler that makes these choices.
#[derive(Debug)]
struct Follow {
    choices: Vec<usize>,
    main: Main,
    at: usize,
}

impl Scheduler for Follow {
    fn new_execution(&mut self) -> Option<Schedule> {
        (self.at == 0).then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], last: Option<TaskId>, _: bool) -> Option<TaskId> {
        let runnable: Vec<_> = runnable.iter().map(|task| usize::from(task.id())).collect();
        let wanted = self.choices.get(self.at).filter(|thread| runnable.contains(thread));
        self.at += 1;
        let free = || open(&runnable, last.map(usize::from), self.main)[0];
        Some(wanted.copied().unwrap_or_else(free).into())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// A scheduler that notes the decisions of another one.
struct Recorder<S> {
    scheduler: S,
    log: Arc<Mutex<Log>>,
}

impl<S: Scheduler> Scheduler for Recorder<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.scheduler.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], last: Option<TaskId>, y: bool) -> Option<TaskId> {
        let next = self.scheduler.next_task(runnable, last, y)?;
        let runnable: Vec<_> = runnable.iter().map(|task| usize::from(task.id())).collect();
        let mut log = lock(&self.log);
        log.end_step(&runnable);
        log.begin_step(runnable, next.into());
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}

/// The position of a thread between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// It is about to run this line, or waits in it.
    Line(usize),
    /// It has left the program's code.
    Finished,
}

#[derive(Debug)]
struct Log {
    run: Run,
    positions: BTreeMap<usize, Position>,
    lines: Lines,
    /// The end of the path of the source's copy.
    copy: String,
    /// The lines of the part to show.
    part: Option<RangeInclusive<usize>>,
}

impl Log {
    fn begin_step(&mut self, runnable: Vec<usize>, thread: usize) {
        let line = match self.positions.get(&thread) {
            Some(Position::Line(line)) => Some(*line),
            _ => None,
        };
        self.run.steps.push(Step { thread, line, states: Vec::new(), printed: Vec::new() });
        self.run.runnable.push(runnable);
    }

    /// Completes the step of the thread that ran last, on whose stack this is called.
    fn end_step(&mut self, runnable: &[usize]) {
        let Some(step) = self.run.steps.last_mut() else { return };
        step.printed = printed::take();
        if self.lines == Lines::Skipped {
            return;
        }
        let frames = frames(&self.copy);
        let seen = |line: &&usize| self.part.as_ref().is_some_and(|part| part.contains(line));
        let line = frames.iter().find(seen).or(frames.first());
        let position = line.map_or(Position::Finished, |&line| Position::Line(line));
        self.positions.insert(step.thread, position);

        let known = self.positions.keys().chain(runnable).max().copied().unwrap_or_default();
        let state = |thread| match self.positions.get(&thread) {
            _ if runnable.contains(&thread) => State::Runnable,
            Some(Position::Finished) => State::Finished,
            _ => State::Blocked,
        };
        step.states = (0..=known).map(state).collect();
    }

    /// Completes the last step, from the way in which the program ended.
    fn end(&mut self, failure: Option<String>) {
        let stuck = failure.as_ref().is_some_and(|failure| failure.starts_with("deadlock"));
        let before = self.run.steps.iter().rev().nth(1).map(|step| step.states.clone());
        if let Some(step) = self.run.steps.last_mut() {
            step.printed = printed::take();
            step.states = before.unwrap_or_default();
            for (thread, state) in step.states.iter_mut().enumerate() {
                let listed = || {
                    let name = format!("({thread})");
                    failure.as_ref().is_some_and(|failure| failure.contains(&name))
                };
                *state = match (&failure, *state) {
                    (None, _) => State::Finished,
                    (Some(_), _) if stuck && listed() => State::Blocked,
                    (Some(_), _) if stuck => State::Finished,
                    (Some(_), _) if thread == step.thread => State::Panicked,
                    (Some(_), state) => state,
                };
            }
        }
        // shuttle's message continues with the names of the tasks, which the states show better.
        self.run.failure = if stuck { Some("deadlock".to_owned()) } else { failure };
    }
}

fn run(twin: &Twin, scheduler: impl Scheduler + 'static, lines: Lines) -> Run {
    let log = Arc::new(Mutex::new(Log {
        run: Run::default(),
        positions: BTreeMap::new(),
        lines,
        copy: format!("/out/{}.rs:", twin.source),
        part: twin.part.map(|part| twin.range_of(part)),
    }));
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    let recorder = Recorder { scheduler, log: Arc::clone(&log) };
    printed::take();
    let ended = catch_unwind(AssertUnwindSafe(|| Runner::new(recorder, config).run(twin.run)));

    let failure = ended.err().map(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("a panic").to_owned(),
    });
    let mut log = lock(&log);
    log.end(failure);
    std::mem::take(&mut log.run)
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().expect("no panic while a step is noted")
}

/// Returns the lines of a file on the stack of the calling thread, the innermost one first.
fn frames(file: &str) -> Vec<usize> {
    let stack = Backtrace::force_capture().to_string();
    let line = |frame: &str| frame.split_once(file)?.1.split(':').next()?.parse().ok();
    stack.lines().filter_map(line).collect()
}
