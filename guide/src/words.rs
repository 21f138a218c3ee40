//! The words that this program itself puts on a page, by language.
use harness::results::Better;
use harness::transcript::Order;

use crate::ledger::{Proof, Verdict};

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// Below an example: how to have it in a crate of one's own.
    pub copy: &'static str,
    /// Of what varies in an output.
    pub differs: &'static str,
    /// Of a source that is not shown as a whole.
    pub in_part: &'static str,
    /// Above all lines of a run.
    pub lines_and_times: &'static str,
    /// Above what an example prints.
    pub output: &'static str,
    /// Above what an example and its Python counterpart print.
    pub output_of_both: &'static str,
    /// Above the picture of a run.
    pub run: &'static str,
    /// Of lines on stderr.
    pub stderr: &'static str,
    /// The title of the picture of a run.
    pub timeline: &'static str,
    /// In which order lines come, where that has to be said.
    pub order: fn(Order) -> Option<&'static str>,
    /// Above all figures of a benchmark.
    pub all_figures: &'static str,
    /// The heading of those who take part in a benchmark.
    pub implementation: &'static str,
    /// Before those who could not take part in a benchmark.
    pub left_out: &'static str,
    /// From which size on somebody could not take part.
    pub from_on: fn(&str) -> String,
    /// How a benchmark was measured: rounds, day and machine, languages.
    pub measured: fn(usize, &str, &str) -> String,
    /// Before the command that measures a benchmark.
    pub measure_again: &'static str,
    /// Of an axis in powers of ten.
    pub logarithmic: &'static str,
    /// Which end of a scale is the good one.
    pub better: fn(Better) -> &'static str,
    /// From the least to the most.
    pub range: fn(&str, &str) -> String,
    /// The headings of the ledger.
    pub ledger: [&'static str; 4],
    /// What becomes of a claim.
    pub verdict: fn(Verdict) -> &'static str,
    /// What kind of proof a claim has.
    pub proof: fn(&Proof) -> &'static str,
    /// The headings of the table of all benchmarks: its question, its size, who is ahead, and who
    /// comes next.
    pub benchmarks: [&'static str; 4],
}

/// English.
pub const ENGLISH: Words = Words {
    copy: "In a crate of your own",
    differs: "differs from run to run",
    in_part: "(in part)",
    lines_and_times: "Each line with its time",
    output: "Output",
    output_of_both: "Output of both",
    run: "A run of it",
    stderr: "on stderr",
    timeline: "Timeline",
    order: |order| match order {
        Order::Fixed => None,
        Order::Free => Some("in any order"),
        Order::Repeated => Some("once or more often"),
        Order::Stderr => Some(ENGLISH.stderr),
    },
    all_figures: "All figures",
    implementation: "Implementation",
    left_out: "Left out",
    from_on: |size| format!("from {size} on"),
    measured: |rounds, place, languages| {
        format!(
            "A dot is the median of {rounds} rounds, filled for Rust and hollow for Python; its line \
             goes from the least to the most. Measured {place}; {languages}."
        )
    },
    measure_again: "Measure it yourself:",
    logarithmic: "logarithmic",
    better: |better| match better {
        Better::Less => "less is better",
        Better::More => "more is better",
    },
    range: |least, most| format!("{least} to {most}"),
    ledger: ["Claim", "The article says", "In Rust", "Proof"],
    verdict: |verdict| match verdict {
        Verdict::Holds => "holds",
        Verdict::Partly => "in part",
        Verdict::False => "false",
        Verdict::DoesNotApply => "does not apply",
    },
    proof: |proof| match proof {
        Proof::Example(_) => "example",
        Proof::Benchmark(_) => "benchmark",
        Proof::Test(..) => "test",
    },
    benchmarks: ["Question", "Size", "Ahead", "Next, as a multiple"],
};
