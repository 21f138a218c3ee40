//! The words that this program itself puts on a page, in one table per language.
//!
//! Other words come from elsewhere: the text of the pages, the output of the examples, and the
//! questions and methods of the benchmarks.
use anyhow::{Result, bail};
use harness::kept::results::Better;
use harness::kept::transcript::Order;
use harness::run::machine::{Machine, mebibytes};
use picture::words::count;
use serde::Serialize;

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
    /// The meaning of a placeholder in an output.
    pub differs: &'static str,
    /// Above a group of lines, if its order needs an explanation.
    pub order: fn(Order) -> Option<&'static str>,
    /// Above the variants of an example, after its name.
    pub variants: &'static str,
    /// After that, if their pictures can be compared.
    pub one_axis: &'static str,
    /// Before the test of an example.
    pub tested_by: &'static str,
    /// Above the commands that make a crate of the reader's own.
    pub own_crate: &'static str,
    /// Above the lines that make a crate depend on a library of this book.
    pub own_dependency: &'static str,
    /// Below these lines, if the repository's address is not known.
    pub own_path: &'static str,
    /// Before the commands that make a copy of the library.
    pub own_copy: &'static str,
    /// Below these commands, before the list of files.
    pub own_files: &'static str,
    /// Below these commands, for an extension module.
    pub own_module: &'static str,

    /// Above the picture of a recorded run.
    pub recorded_run: &'static str,
    /// The day and place of a recording, and the versions of its languages.
    pub recorded: fn(&str, &str) -> String,
    /// A day and a machine.
    pub day_and_machine: fn(&str, &Machine) -> String,
    /// The picture of a run.
    pub picture: &'static picture::words::Words,
    /// A number of workers, tasks or whatever the output calls them.
    pub workers: fn(u64, &str) -> String,
    /// A number of OS threads.
    pub threads: fn(u64) -> String,
    /// A number of processes.
    pub processes: fn(u64) -> String,
    /// A CPU time.
    pub cpu_time: fn(&str) -> String,
    /// The costs of the examples.
    pub costs: CostWords,

    /// Above all figures of a benchmark.
    pub all_figures: &'static str,
    /// The heading of the implementations of a benchmark.
    pub implementation: &'static str,
    /// An implementation that could not run: its name, its size if there are sizes, and the reason.
    pub left_out: fn(&str, Option<&str>, &str) -> String,
    /// The circumstances of a benchmark: the number of rounds, the day and machine, the languages.
    pub measured: fn(usize, &str, &str) -> String,
    /// Before the command that repeats a benchmark.
    pub measure_again: &'static str,
    /// The caption of an axis: the measure, whether it is logarithmic, and the better end.
    pub axis: fn(&str, bool, Better) -> String,
    /// From a minimum to a maximum.
    pub range: fn(&str, &str) -> String,
    /// The table of all benchmarks.
    pub overview: OverviewWords,
    /// The ledger of the article's claims.
    pub ledger: LedgerWords,
    /// The words of the chooser.
    pub chooser: ChooserWords,
    /// A recorded schedule.
    pub schedule: ScheduleWords,
    /// An outcome table.
    pub outcomes: OutcomeWords,
    /// Below a transcript, before the command that records it: the day and the tool.
    pub transcript: fn(&str, &str) -> String,
}

/// The words of the costs of the examples.
#[derive(Debug)]
pub struct CostWords {
    /// The name of the table, for a screen reader.
    pub title: &'static str,
    /// The heading of the examples.
    pub example: &'static str,
    /// The heading of the languages.
    pub language: &'static str,
    /// The wall-clock time.
    pub time: &'static str,
    /// The CPU time.
    pub cpu_time: &'static str,
    /// The peak memory.
    pub memory: &'static str,
    /// The number of OS threads.
    pub threads: &'static str,
    /// The number of processes.
    pub processes: &'static str,
    /// In place of a figure that is not known.
    pub not_known: &'static str,
}

/// The headings of the table of all benchmarks.
#[derive(Debug)]
pub struct OverviewWords {
    /// The question, which is also the table's name for a screen reader.
    pub question: &'static str,
    /// The size.
    pub size: &'static str,
    /// The implementations that are ahead.
    pub ahead: &'static str,
    /// The next implementation.
    pub next: &'static str,
}

/// The words of the ledger.
#[derive(Debug)]
pub struct LedgerWords {
    /// The heading of the claims' numbers, which is also the ledger's name for a screen reader.
    pub claim: &'static str,
    /// The heading of the article's claims.
    pub article: &'static str,
    /// The heading of the verdicts.
    pub rust: &'static str,
    /// The heading of the proofs.
    pub proof: &'static str,
    /// The verdict that a claim holds.
    pub holds: &'static str,
    /// The verdict that it holds in part.
    pub partly: &'static str,
    /// The verdict that it does not hold.
    pub fails: &'static str,
    /// The verdict that it is about something that Rust does not have.
    pub does_not_apply: &'static str,
    /// Before a proof that is an example.
    pub example: &'static str,
    /// Before a proof that is a benchmark.
    pub benchmark: &'static str,
    /// Before a proof that is a test.
    pub test: &'static str,
}

/// The words of an outcome table.
#[derive(Debug)]
pub struct OutcomeWords {
    /// The heading of the variants.
    pub variant: &'static str,
    /// The heading of the outcomes.
    pub outcome: &'static str,
    /// The heading of their frequencies.
    pub seen: &'static str,
    /// The heading of their kinds.
    pub kind: &'static str,
    /// The kind of an outcome that everybody expects.
    pub expected: &'static str,
    /// The kind of an outcome that surprises.
    pub surprising: &'static str,
    /// The kind of an outcome that must not happen.
    pub forbidden: &'static str,
    /// Below the table: the runs, the day and the machine, its architecture.
    pub runs: fn(&str, &str, &str) -> String,
}

/// The words of the chooser.
#[derive(Debug)]
pub struct ChooserWords {
    /// The name of the chooser, for a screen reader.
    pub title: &'static str,
    /// The label of the answer "yes".
    pub yes: &'static str,
    /// The label of the answer "no".
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

/// The words of a recorded schedule. The page's script gets them too.
#[derive(Debug, Serialize)]
pub struct ScheduleWords {
    /// Above both schedules, with `{seed}`.
    pub caption: &'static str,
    /// The title of the failing schedule.
    pub broken: &'static str,
    /// The title of the other one.
    pub fixed: &'static str,
    /// The end of the fixed program.
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
    /// The number of schedules until the failure, with `{searches}`, `{min}` and `{max}`.
    pub tries: &'static str,
    /// The number of schedules that fail, with `{schedules}` and `{failing}`.
    pub all: &'static str,
    /// A sentence for no failing schedule of the fixed program, with `{schedules}`.
    pub all_pass: &'static str,
    /// The buttons that step, for a screen reader, with `{name}`.
    pub stepper: &'static str,
    /// The step that is shown, with `{at}` and `{most}`.
    pub step_of: &'static str,
    /// A status while all steps are shown.
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
    /// The states of a thread.
    pub states: StateWords,
}

/// The states of a thread in a step of a schedule.
#[derive(Debug, Serialize)]
pub struct StateWords {
    /// It runs in this step.
    pub runs: &'static str,
    /// It could run.
    pub ready: &'static str,
    /// It runs, and then has to wait.
    pub blocks: &'static str,
    /// It waits.
    pub blocked: &'static str,
    /// It runs for the last time.
    pub ends: &'static str,
    /// It has ended.
    pub ended: &'static str,
    /// It panics in this step.
    pub panics: &'static str,
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
        Order::Stderr => Some(picture::words::ENGLISH.on_stderr),
    },
    variants: "with other arguments.",
    one_axis: "All pictures have the same time axis.",
    tested_by: "Tested by",
    own_crate: "In a crate of your own",
    own_dependency: "Depend on the library:",
    own_path: "PATH is the folder of this book's repository.",
    own_copy: "Or copy the library, with its tests:",
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
    picture: &picture::words::ENGLISH,

    workers: count,
    threads: |threads| count(threads, "OS thread"),
    processes: |processes| count(processes, "process"),
    cpu_time: |time| format!("CPU {time}"),
    costs: CostWords {
        title: "What every example cost",
        example: "Example",
        language: "Language",
        time: "Time",
        cpu_time: "CPU time",
        memory: "Memory",
        threads: "OS threads",
        processes: "Processes",
        not_known: "not known",
    },

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
    range: |min, max| format!("{min} to {max}"),
    overview: OverviewWords {
        question: "Question",
        size: "Size",
        ahead: "Ahead",
        next: "Next, as a multiple",
    },
    ledger: LedgerWords {
        claim: "Claim",
        article: "The article says",
        rust: "In Rust",
        proof: "Proof",
        holds: "holds",
        partly: "in part",
        fails: "false",
        does_not_apply: "does not apply",
        example: "example",
        benchmark: "benchmark",
        test: "test",
    },
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
        tries: "In {searches} random searches, the failure was found within {min} to {max} schedules.",
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
        states: StateWords {
            runs: "runs",
            ready: "ready",
            blocks: "blocks",
            blocked: "blocked",
            ends: "ends",
            ended: "ended",
            panics: "panics",
        },
    },
    outcomes: OutcomeWords {
        variant: "Variant",
        outcome: "Outcome",
        seen: "Seen",
        kind: "It is",
        expected: "expected",
        surprising: "surprising",
        forbidden: "forbidden",
        runs: |runs, place, architecture| {
            format!("{runs} runs of each variant, {place}, {architecture}. Count them yourself:")
        },
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
        bail!(
            "guide/src/figures/words.rs has no words in the language {language:?}; it has {known}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_language_is_an_error_that_names_the_known_ones() {
        assert_eq!(Words::of("en").unwrap().language, "en");
        let error = Words::of("xx").unwrap_err().to_string();
        assert!(error.ends_with("\"xx\"; it has en"), "{error}");
    }
}
