//! The words of a live run in the served book.
use serde::Serialize;

/// The words of one language. The page's script gets them as JSON, and fills in
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

/// English.
pub const ENGLISH: Live = Live {
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
};
