//! The words that this program itself puts on a page, in one table per language.
//!
//! What comes from elsewhere is not here: the text of the pages, the output of the examples, and
//! the questions and methods of the benchmarks.
use anyhow::{Result, bail};
use harness::activity::State;
use harness::machine::{Machine, mebibytes};
use harness::results::Better;
use harness::transcript::Order;
use serde::Serialize;

use crate::facts::Fact;
use crate::threads::{Name, Role};

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// The language, as in the book's settings: `en`.
    pub language: &'static str,

    /// The link past the table of contents.
    pub skip: &'static str,
    /// Below the name of a source file that is shown in part.
    pub in_part: &'static str,
    /// Above the output of an example.
    pub output: &'static str,
    /// Above the output that an example and its Python counterpart share.
    pub output_of_both: &'static str,
    /// What a placeholder in an output stands for.
    pub differs: &'static str,
    /// Above a group of lines, if its order needs an explanation.
    pub order: fn(Order) -> Option<&'static str>,
    /// Next to a line on stderr.
    pub on_stderr: &'static str,
    /// Above the variants of an example, after its name.
    pub variants: &'static str,
    /// After that, if their pictures can be compared.
    pub one_axis: &'static str,
    /// Before the test of an example.
    pub tested_by: &'static str,
    /// Above the commands that make a crate of the reader's own.
    pub own_crate: &'static str,
    /// Below these commands, before the list of files.
    pub own_files: &'static str,
    /// The same for an extension module.
    pub own_module: &'static str,

    /// Above the picture of a recorded run.
    pub recorded_run: &'static str,
    /// When and where a run was recorded, and the versions of its languages.
    pub recorded: fn(&str, &str) -> String,
    /// A day and a machine.
    pub day_and_machine: fn(&str, &Machine) -> String,
    /// Above all lines of a run.
    pub lines_and_times: &'static str,
    /// The title of the picture of a run.
    pub timeline: &'static str,
    /// The lane of the output that names no worker, and the lane of stderr.
    pub lanes: [&'static str; 2],
    /// A bar: its start and its end, if it ended.
    pub from_to: fn(&str, Option<&str>) -> String,
    /// The name of a thread's lane.
    pub thread: fn(&Name<'_>) -> String,
    /// Above the lanes of threads.
    pub os_threads: &'static str,
    /// Below the last lane: how many more threads there were.
    pub more_threads: fn(u64) -> String,
    /// The name of the strip that shows the cores in use.
    pub cores_in_use: &'static str,
    /// The cores of the machine, at a line of that strip.
    pub cores: fn(u64) -> String,
    /// The states of a thread, in the order of [`State::ALL`].
    pub states: [&'static str; State::ALL.len()],
    /// In the legend: a bar, a line of output, and states that are put together.
    pub legend: [&'static str; 3],
    /// A sentence about what a picture shows.
    pub fact: fn(&Fact<'_>) -> String,
    /// The words of the replay of a recorded run.
    pub replay: Replay,

    /// A number of workers, tasks or whatever the output calls them.
    pub workers: fn(u64, &str) -> String,
    /// A number of OS threads.
    pub threads: fn(u64) -> String,
    /// A number of processes.
    pub processes: fn(u64) -> String,
    /// A CPU time.
    pub cpu_time: fn(&str) -> String,
    /// What the table of all costs shows.
    pub costs: &'static str,
    /// The headings of its first two columns.
    pub costs_columns: [&'static str; 2],
    /// The figures that are compared: wall-clock time, CPU time, memory, OS threads, processes.
    pub cost_names: [&'static str; 5],
    /// In place of a figure that is not known.
    pub not_known: &'static str,

    /// Above all figures of a benchmark.
    pub all_figures: &'static str,
    /// The heading of the implementations of a benchmark.
    pub implementation: &'static str,
    /// An implementation that could not run: its name, its size if there are sizes, and the reason.
    pub left_out: fn(&str, Option<&str>, &str) -> String,
    /// How a benchmark was measured: the number of rounds, the day and machine, the languages.
    pub measured: fn(usize, &str, &str) -> String,
    /// Before the command that repeats a benchmark.
    pub measure_again: &'static str,
    /// The caption of an axis: the measure, whether it is logarithmic, and which end is better.
    pub axis: fn(&str, bool, Better) -> String,
    /// From a minimum to a maximum.
    pub range: fn(&str, &str) -> String,
    /// The headings of the table of all benchmarks: the question, the size, the implementations
    /// that are ahead, and the next one.
    pub benchmarks: [&'static str; 4],

    /// The headings of the ledger.
    pub ledger: [&'static str; 4],
    /// The verdicts on a claim: it holds, it holds in part, it does not hold, it does not apply.
    pub verdicts: [&'static str; 4],
    /// The kinds of proof: an example, a benchmark, a test.
    pub proofs: [&'static str; 3],

    /// The words of the chooser.
    pub chooser: ChooserWords,
    /// The words of a live run.
    pub live: Live,
    /// A recorded schedule.
    pub schedule: ScheduleWords,
    /// The headings of an outcome table: variant, outcome, how often it was seen, what it is.
    pub outcomes: [&'static str; 4],
    /// What an outcome is: expected, surprising, forbidden.
    pub outcome_kinds: [&'static str; 3],
    /// Below an outcome table: the runs, the day and the machine, its architecture.
    pub outcome_runs: fn(&str, &str, &str) -> String,
    /// Below a transcript, before the command that records it: the day and the tool.
    pub transcript: fn(&str, &str) -> String,
}

/// The words of the chooser.
#[derive(Debug)]
pub struct ChooserWords {
    /// What it is, for a screen reader.
    pub title: &'static str,
    /// The answers to a question.
    pub yes: &'static str,
    /// As above.
    pub no: &'static str,
    /// Before the answer if all questions are answered with no.
    pub otherwise: &'static str,
    /// A question that has just appeared, for a screen reader: its number and the question.
    pub question: fn(usize, &str) -> String,
    /// An answer that has just appeared, for a screen reader: the model.
    pub answer: fn(&str) -> String,
    /// Before the model.
    pub take: &'static str,
    /// Before an example.
    pub start_from: &'static str,
    /// The link to the page with all reasons.
    pub reasons: &'static str,
    /// The button that begins again.
    pub again: &'static str,
}

/// The words of a live run in the served book. The page's script gets them as JSON, and fills in
/// what stands in braces.
#[derive(Debug, Serialize)]
pub struct Live {
    /// The button that runs a program, with `{language}`.
    pub run: &'static str,
    /// The same button for a screen reader, with `{language}` and `{example}`.
    pub run_label: &'static str,
    /// The buttons that run a variant, as a group for a screen reader, with `{example}`.
    pub variants_label: &'static str,
    /// The button that ends the program.
    pub stop: &'static str,
    /// The same button for a screen reader, with `{example}`.
    pub stop_label: &'static str,
    /// Above the output, with `{language}`.
    pub caption: &'static str,
    /// The output for a screen reader, with `{example}`.
    pub output_label: &'static str,
    /// While cargo builds the program.
    pub building: &'static str,
    /// It is still being built, for so many seconds: `{seconds}`.
    pub building_for: &'static str,
    /// The button that shows the recorded run again.
    pub back: &'static str,
    /// Its name for a screen reader, with `{example}`.
    pub back_label: &'static str,
    /// The compiler refused the program.
    pub refused: &'static str,
    /// While the program runs.
    pub running: &'static str,
    /// In place of the lines that a page does not show.
    pub more_lines: &'static str,
    /// The program succeeded.
    pub ended: &'static str,
    /// The program failed, with `{outcome}`.
    pub ended_with: &'static str,
    /// The reader stopped the program.
    pub stopped: &'static str,
    /// The program was not started, with `{reason}`.
    pub failed: &'static str,
    /// The connection to the server was lost during a run, with `{reason}`.
    pub broken: &'static str,
    /// An outcome: the program was killed at its time limit, with `{limit}`.
    pub at_limit: &'static str,
    /// A reason: there is no Python.
    pub no_python: &'static str,
}

/// The words of the replay of a recorded run. The page's script gets them as JSON, and fills in what
/// stands in braces.
#[derive(Debug, Serialize)]
pub struct Replay {
    /// The controls for a screen reader, with `{example}`.
    pub label: &'static str,
    /// The button that starts it.
    pub play: &'static str,
    /// The button that holds it.
    pub pause: &'static str,
    /// The slider for a screen reader.
    pub position: &'static str,
    /// The slider's value, with `{at}` and `{end}`.
    pub at: &'static str,
    /// The button that goes to the line of output before.
    pub previous: &'static str,
    /// The button that goes to the next line of output.
    pub next: &'static str,
    /// The choice of the speed.
    pub speed: &'static str,
    /// The speed of the run itself.
    pub real: &'static str,
    /// A slower speed, with `{factor}`.
    pub slower: &'static str,
    /// Above the output, with `{language}`.
    pub output: &'static str,
    /// In place of the output before its first line.
    pub no_output: &'static str,
}

/// The words of a recorded schedule. The page's script gets them too.
#[derive(Debug, Serialize)]
pub struct ScheduleWords {
    /// Above both schedules, with `{seed}`.
    pub caption: &'static str,
    /// The title of the failing schedule.
    pub broken: &'static str,
    /// The title of the other one.
    pub fixed: &'static str,
    /// How the fixed program ends.
    pub no_failure: &'static str,
    /// The heading of the steps' numbers.
    pub step: &'static str,
    /// The heading of the lines that run.
    pub runs: &'static str,
    /// A thread's first step, which has no line.
    pub starts: &'static str,
    /// A step that ends a call and has no line.
    pub returns: &'static str,
    /// Before what a step prints.
    pub prints: &'static str,
    /// How soon the failure was found, with `{searches}`, `{least}` and `{most}`.
    pub found: &'static str,
    /// How many of all schedules fail, with `{schedules}` and `{failing}`.
    pub all: &'static str,
    /// That none of the fixed program's fail, with `{schedules}`.
    pub all_pass: &'static str,
    /// The buttons that step, for a screen reader, with `{name}`.
    pub stepper: &'static str,
    /// Which step is shown, with `{at}` and `{most}`.
    pub step_of: &'static str,
    /// That all steps are shown.
    pub all_steps: &'static str,
    /// The button for the first step.
    pub first: &'static str,
    /// The button for the step before.
    pub back: &'static str,
    /// The button for the next step.
    pub forward: &'static str,
    /// The button for the first step that differs.
    pub difference: &'static str,
    /// Above the choices of the reader.
    pub chooser: &'static str,
    /// The choices for a screen reader, with `{name}`.
    pub choices: &'static str,
    /// A choice without a line, with `{thread}`.
    pub thread_starts: &'static str,
    /// The button that begins again.
    pub again: &'static str,
    /// The question before a choice.
    pub which: &'static str,
    /// The end of a schedule without a failure.
    pub passed: &'static str,
    /// The end of a schedule with one, with `{failure}`.
    pub failed: &'static str,
    /// What a thread does in a step or is after it: runs, is ready, blocks, is blocked, ends, has
    /// ended, panics.
    pub states: [&'static str; 7],
}

/// English.
pub const ENGLISH: Words = Words {
    language: "en",
    skip: "Skip to the content",

    in_part: "(in part)",
    output: "Output",
    output_of_both: "Output of both",
    differs: "differs from run to run",
    order: |order| match order {
        Order::Fixed => None,
        Order::Free => Some("in any order"),
        Order::Repeated => Some("one or more times"),
        Order::Stderr => Some(ENGLISH.on_stderr),
    },
    on_stderr: "on stderr",
    variants: "with other arguments.",
    one_axis: "All pictures have the same time axis.",
    tested_by: "Tested by",
    own_crate: "In a crate of your own",
    own_files: "Save these files in the new folder, and start the program with cargo run:",
    own_module: "Save these files in the new folder. In a virtual environment with maturin, run \
                 maturin develop, and then start the program with Python:",

    recorded_run: "Recorded run",
    recorded: |place, languages| format!("Recorded {place}; {languages}."),
    day_and_machine: |day, machine| {
        let Machine { cores, memory, system } = machine;
        let memory = memory.map(|bytes| format!(", {:.0} GiB", mebibytes(bytes) / 1024.0));
        format!(
            "{day} on {}{}, {system}",
            count((*cores).into(), "core"),
            memory.unwrap_or_default()
        )
    },
    lines_and_times: "Each line with its time",
    timeline: "Timeline",
    lanes: ["output", "stderr"],
    from_to: |from, to| match to {
        Some(to) => format!("from {from} to {to}"),
        None => format!("from {from}, never finished"),
    },
    thread: |Name { process, role }| {
        let process = process.map(|(number, name)| format!("process {number} ({name})"));
        let role = role.as_ref().map(|role| match role {
            Role::Main => "main thread".to_owned(),
            Role::Numbered(number) => format!("thread {number}"),
            Role::Named(name, None) => (*name).to_owned(),
            Role::Named(name, Some(number)) => format!("{name} {number}"),
        });
        [process, role].into_iter().flatten().collect::<Vec<_>>().join(", ")
    },
    os_threads: "OS threads:",
    more_threads: |threads| format!("and {}", count(threads, "more thread")),
    cores_in_use: "cores in use",
    cores: |cores| count(cores, "core"),
    states: [
        "computing",
        "ready, but no core is free",
        "waiting for a lock or another thread",
        "sleeping",
        "waiting for I/O or events",
        "waiting for a child process",
        "waiting",
        "stopped",
    ],
    legend: [
        "from “starting” to “finished” in the output",
        "a line of output",
        "states that change quickly: the height is a state's share of the time",
    ],
    fact,
    replay: Replay {
        label: "Replay of {example}",
        play: "Play",
        pause: "Pause",
        position: "Position in the run",
        at: "{at} of {end}",
        previous: "Previous line",
        next: "Next line",
        speed: "Speed",
        real: "real",
        slower: "{factor} times slower",
        output: "Output up to this position, {language}",
        no_output: "no output yet",
    },

    workers: count,
    threads: |threads| count(threads, "OS thread"),
    processes: |processes| count(processes, "process"),
    cpu_time: |time| format!("CPU {time}"),
    costs: "What every example cost",
    costs_columns: ["Example", "Language"],
    cost_names: ["Time", "CPU time", "Memory", "OS threads", "Processes"],
    not_known: "not known",

    all_figures: "All figures",
    implementation: "Implementation",
    left_out: |implementation, size, reason| match size {
        Some(size) => format!("Left out: {implementation} from {size} on: {reason}"),
        None => format!("Left out: {implementation}: {reason}"),
    },
    measured: |rounds, place, languages| {
        format!(
            "A dot is the median of {rounds} rounds, filled for Rust and hollow for Python; its line \
             runs from the minimum to the maximum. Measured {place}; {languages}."
        )
    },
    measure_again: "Measure it yourself:",
    axis: |measure, is_logarithmic, better| {
        let scale = if is_logarithmic { ", logarithmic" } else { "" };
        let better = match better {
            Better::Less => "less is better",
            Better::More => "more is better",
        };
        format!("{measure}{scale}; {better}")
    },
    range: |least, most| format!("{least} to {most}"),
    benchmarks: ["Question", "Size", "Ahead", "Next, as a multiple"],

    ledger: ["Claim", "The article says", "In Rust", "Proof"],
    verdicts: ["holds", "in part", "false", "does not apply"],
    proofs: ["example", "benchmark", "test"],

    chooser: ChooserWords {
        title: "Which model fits your program?",
        yes: "Yes",
        no: "No",
        otherwise: "Otherwise",
        question: |number, question| format!("Question {number}: {question}"),
        answer: |model| format!("Answer: use {model}."),
        take: "Use",
        start_from: "Start from",
        reasons: "The reasons in full",
        again: "Start again",
    },
    live: Live {
        run: "Run {language}",
        run_label: "Run {language}: {example}",
        variants_label: "Variants of {example}",
        stop: "Stop",
        stop_label: "Stop: {example}",
        caption: "Your run: {language}",
        output_label: "Output of {example}",
        building: "Building…",
        building_for: "Building… {seconds} s",
        back: "Show the recorded run",
        back_label: "Show the recorded run of {example}",
        refused: "The compiler rejected the program.",
        running: "Running…",
        more_lines: "[… further lines are not shown]",
        ended: "Ended.",
        ended_with: "Ended: {outcome}.",
        stopped: "Stopped.",
        failed: "Not run: {reason}.",
        broken: "The connection was lost: {reason}.",
        at_limit: "killed at the time limit of {limit}",
        no_python: "there is no Python on this machine",
    },
    schedule: ScheduleWords {
        caption: "A schedule that fails (seed {seed}), and the fixed program under the same choices, as far as they exist there",
        broken: "Broken",
        fixed: "Fixed",
        no_failure: "no failure",
        step: "Step",
        runs: "Runs",
        starts: "starts",
        returns: "returns",
        prints: "prints",
        found: "In {searches} random searches, the failure was found within {least} to {most} schedules.",
        all: "Of all {schedules} schedules, {failing} fail.",
        all_pass: "The fixed program passes all of its {schedules}.",
        stepper: "Step through {name}",
        step_of: "Step {at} of {most}",
        all_steps: "All steps",
        first: "First",
        back: "Back",
        forward: "Forward",
        difference: "First difference",
        chooser: "You are the scheduler",
        choices: "Choose the thread that runs next: {name}",
        thread_starts: "{thread} starts",
        again: "Start again",
        which: "Which thread runs next?",
        passed: "The program ends without a failure. Can you make it fail?",
        failed: "You found a schedule that fails: {failure}.",
        states: ["runs", "ready", "blocks", "blocked", "ends", "ended", "panics"],
    },
    outcomes: ["Variant", "Outcome", "Seen", "It is"],
    outcome_kinds: ["expected", "surprising", "forbidden"],
    outcome_runs: |runs, place, architecture| {
        format!("{runs} runs of each variant, {place}, {architecture}. Count them yourself:")
    },
    transcript: |day, tool| format!("Recorded on {day} with {tool}. Record it yourself:"),
};

/// The tables of all languages.
const LANGUAGES: [&Words; 1] = [&ENGLISH];

impl Words {
    /// The words of a book in this language.
    ///
    /// # Errors
    ///
    /// When there is no table for it. The message names the existing ones.
    pub fn of(language: &str) -> Result<&'static Self> {
        for words in LANGUAGES {
            if words.language == language {
                return Ok(words);
            }
        }
        let known = LANGUAGES.map(|words| words.language).join(", ");
        bail!("guide/src/words.rs has no words in the language {language:?}; it has {known}")
    }
}

/// What a thread did in a state, in English.
fn did(state: State) -> &'static str {
    match state {
        State::Computing => "computed",
        State::Ready => "stayed ready without a core",
        State::Lock => "waited for a lock or another thread",
        State::Sleeping => "slept",
        State::Io => "waited for I/O or events",
        State::Child => "waited for a child process",
        State::Waiting => "waited",
        State::Stopped => "stayed stopped",
    }
}

/// Threads in an English sentence: two of them by name, more by their number.
fn threads(names: &[Name<'_>]) -> String {
    let name = |Name { process, role }: &Name<'_>| {
        let role = role.as_ref().map(|role| match role {
            Role::Main => "the main thread".to_owned(),
            Role::Numbered(number) => format!("thread {number}"),
            Role::Named(name, None) => format!("the thread {name}"),
            Role::Named(name, Some(number)) => format!("the thread {name} {number}"),
        });
        match (role, process.map(|(number, _)| format!("process {number}"))) {
            (Some(role), Some(process)) => format!("{role} of {process}"),
            (role, process) => role.or(process).unwrap_or_default(),
        }
    };
    match names {
        [one] => name(one),
        [one, other] => format!("{} and {}", name(one), name(other)),
        more => format!("{} threads", more.len()),
    }
}

/// A fact in English.
fn fact(fact: &Fact<'_>) -> String {
    let meanwhile = |main: &Option<(Name<'_>, State)>| {
        let name = |name| threads(std::slice::from_ref(name));
        let main = main.as_ref();
        main.map(|(it, state)| format!(", while {} {}", name(it), did(*state))).unwrap_or_default()
    };
    let start = |from: f64| match from {
        ..0.005 => "the start".to_owned(),
        _ => format!("{from:.2} s"),
    };
    let text = match fact {
        Fact::Bars { kind, lanes, at_once, throughout, from, to, unfinished } => {
            let many = match kind {
                Some(kind) => count(*lanes, kind),
                None => format!("{lanes} parts of the program"),
            };
            let how = match (*lanes, *at_once) {
                (1, _) => format!("{many} was in progress"),
                (_, 1) => format!("{many} were in progress one after the other"),
                (lanes, at_once) if at_once >= lanes && *throughout => {
                    format!("{many} were in progress at the same time")
                }
                (lanes, at_once) if at_once >= lanes => {
                    format!("{many} were in progress, some of the time all of them at once")
                }
                (_, at_once) => {
                    format!("{many} were in progress, at most {at_once} of them at the same time")
                }
            };
            let open = match unfinished {
                0 => String::new(),
                open => format!(" {open} of them never finished."),
            };
            return format!("{how}, from {from:.2} s to {to:.2} s.{open}");
        }
        Fact::Idle(time) if *time < 0.01 => {
            "no thread computed for long: less than 10 ms in all".to_owned()
        }
        Fact::Idle(time) => {
            format!("no thread computed for long: {time:.2} s in all")
        }
        Fact::Alone { name: None, time, main } => {
            format!("one thread at a time computed, for about {time:.2} s{}", meanwhile(main))
        }
        Fact::Alone { name: Some(name), time, main } => {
            let name = threads(std::slice::from_ref(name));
            format!("{name} computed alone for about {time:.2} s{}", meanwhile(main))
        }
        Fact::Together { threads, time, main } => format!(
            "{threads} threads computed at the same time for about {time:.2} s{}",
            meanwhile(main)
        ),
        Fact::Contention { threads, time, computed } => format!(
            "{threads} threads wanted to compute at the same time for about {time:.2} s, but there \
             were not enough free cores: together they got {computed:.2} s on a core"
        ),
        Fact::Turns { threads, time, cores, changes } => format!(
            "{threads} threads took turns for about {time:.2} s: together they used {cores:.1} \
             cores, and changed {changes} times between computing and waiting"
        ),
        Fact::Waited { names, state } => {
            format!("{} {} most of the time", threads(names), did(*state))
        }
        Fact::UntilEnd { names, from, all: true } if names.len() > 2 => {
            format!(
                "from {} until the end, all {} {}",
                start(*from),
                threads(names),
                did(State::Lock)
            )
        }
        Fact::UntilEnd { names, from, .. } => {
            format!("{} {} from {} until the end", threads(names), did(State::Lock), start(*from))
        }
    };
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).chain(['.']).collect()
}

/// A number of things in English: `1 process`, `2 processes`.
fn count(number: u64, noun: &str) -> String {
    // A task that is called `Python A` in the output.
    let noun = if noun == "python" { "Python task" } else { noun };
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plural_has_its_ending() {
        assert_eq!(count(1, "process"), "1 process");
        assert_eq!(count(2, "process"), "2 processes");
        assert_eq!(count(0, "worker"), "0 workers");
        assert_eq!(count(2, "python"), "2 Python tasks");
    }

    #[test]
    fn a_fact_is_a_sentence() {
        let thread = |role| Name { process: None, role: Some(role) };
        let (main, pool) = (thread(Role::Main), thread(Role::Named("pool", Some(2))));
        let process = Name { process: Some((2, "cat")), role: None };
        let bars = |lanes, at_once, unfinished| Fact::Bars {
            kind: (lanes != 2).then(|| "task".to_owned()),
            lanes,
            at_once,
            throughout: unfinished == 0,
            from: 0.0,
            to: 2.0,
            unfinished,
        };
        let alone = Fact::Alone {
            name: Some(pool.clone()),
            time: 1.2,
            main: Some((main.clone(), State::Io)),
        };
        let end = |names, all| Fact::UntilEnd { names, from: 0.01, all };
        let cases = [
            (bars(3, 3, 0), "3 tasks were in progress at the same time, from 0.00 s to 2.00 s."),
            (bars(1, 1, 0), "1 task was in progress, from 0.00 s to 2.00 s."),
            (
                bars(2, 2, 1),
                "2 parts of the program were in progress, some of the time all of them at once, from \
                 0.00 s to 2.00 s. 1 of them never finished.",
            ),
            (
                bars(3, 2, 1),
                "3 tasks were in progress, at most 2 of them at the same time, from 0.00 s to 2.00 s. \
                 1 of them never finished.",
            ),
            (
                alone,
                "The thread pool 2 computed alone for about 1.20 s, while the main thread waited for \
                 I/O or events.",
            ),
            (
                Fact::Together { threads: 2, time: 0.34, main: None },
                "2 threads computed at the same time for about 0.34 s.",
            ),
            (
                Fact::Turns { threads: 2, time: 1.4, cores: 1.0, changes: 370 },
                "2 threads took turns for about 1.40 s: together they used 1.0 cores, and changed 370 \
                 times between computing and waiting.",
            ),
            (
                Fact::Waited { names: vec![main.clone(), process], state: State::Child },
                "The main thread and process 2 waited for a child process most of the time.",
            ),
            (
                end(vec![main.clone(), pool.clone(), pool.clone()], true),
                "From 0.01 s until the end, all 3 threads waited for a lock or another thread.",
            ),
            (
                Fact::UntilEnd { names: vec![main.clone()], from: 0.001, all: false },
                "The main thread waited for a lock or another thread from the start until the end.",
            ),
            (
                end(vec![main], false),
                "The main thread waited for a lock or another thread from 0.01 s until the end.",
            ),
        ];
        for (fact, sentence) in cases {
            assert_eq!((ENGLISH.fact)(&fact), sentence);
        }
    }

    #[test]
    fn an_unknown_language_is_an_error_that_names_the_known_ones() {
        assert_eq!(Words::of("en").unwrap().language, "en");
        let error = Words::of("xx").unwrap_err().to_string();
        assert!(error.ends_with("\"xx\"; it has en"), "{error}");
    }
}
