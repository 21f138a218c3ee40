//! The words of a live run in the served book.
use serde::Serialize;

/// The words of one language. The page's script gets them as JSON, and fills in
/// what stands in braces.
#[derive(Debug, Serialize)]
pub struct Live {
    /// The button that runs a program, with `{language}`.
    pub run: &'static str,
    /// The label of this button for a screen reader, with `{language}` and `{example}`.
    pub run_label: &'static str,
    /// The buttons that run a variant, as a group for a screen reader, with `{example}`.
    pub variants_label: &'static str,
    /// The button that ends the program.
    pub stop: &'static str,
    /// The label of this button for a screen reader, with `{example}`.
    pub stop_label: &'static str,
    /// The heading of the output, with `{language}`.
    pub caption: &'static str,
    /// The label of the output for a screen reader, with `{example}`.
    pub output_label: &'static str,
    /// The state while cargo builds the program.
    pub building: &'static str,
    /// The state after some seconds of building, with `{seconds}`.
    pub building_for: &'static str,
    /// The button that shows the recorded run again.
    pub back: &'static str,
    /// The label of this button for a screen reader, with `{example}`.
    pub back_label: &'static str,
    /// The result if the compiler rejected the program.
    pub refused: &'static str,
    /// The state while the program runs.
    pub running: &'static str,
    /// The line in place of those that a page does not show.
    pub more_lines: &'static str,
    /// The result if the program succeeded.
    pub ended: &'static str,
    /// The result if the program failed, with `{outcome}`.
    pub ended_with: &'static str,
    /// The result if the reader stopped the program.
    pub stopped: &'static str,
    /// The result if the program was not started, with `{reason}`.
    pub failed: &'static str,
    /// The result if the connection to the server was lost during a run, with `{reason}`.
    pub broken: &'static str,
    /// The outcome of a program that was killed at its time limit, with `{limit}`.
    pub at_limit: &'static str,
    /// The reason if there is no Python.
    pub no_python: &'static str,
}

/// The words in English.
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
