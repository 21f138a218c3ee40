//! Shows an outcome table: how often each outcome of a tiny program was seen in many runs.
use std::path::Path;

use anyhow::Result;
use harness::outcomes::{Kind, Outcomes};
use harness::results::thousands;
use maud::{Markup, html};

use crate::words::Words;

/// The table of one program.
///
/// # Errors
///
/// When there is none of this name, and when the file of all tables can't be read.
pub fn table(root: &Path, name: &str, words: &Words) -> Result<Markup> {
    let outcomes = Outcomes::read(root)?;
    let table = outcomes.table(name)?;
    let runs = thousands(outcomes.runs);
    let day = outcomes.counted.get(..10).unwrap_or_default();
    let place = (words.day_and_machine)(day, &outcomes.machine);
    let kind = |kind| match kind {
        Kind::Expected => "expected",
        Kind::Surprising => "surprising",
        Kind::Forbidden => "forbidden",
    };
    Ok(html! {
        figure.outcomes data-outcomes=(name) {
            figcaption { strong { (name) } " " (table.question) }
            div.table-wrapper {
                table {
                    thead { tr {
                        th scope="col" { "Variant" }
                        th scope="col" { "Outcome" }
                        th scope="col" { "Seen" }
                        th scope="col" { "It is" }
                    } }
                    @for variant in &table.variants {
                        tbody {
                            @for (row, outcome) in variant.outcomes.iter().enumerate() {
                                tr {
                                    @if row == 0 {
                                        th scope="rowgroup" rowspan=(variant.outcomes.len()) {
                                            (variant.name)
                                            @for code in &variant.threads { br; code { (code) } }
                                        }
                                    }
                                    td { (outcome.seen) }
                                    td.number { (thousands(outcome.count)) }
                                    td class=(kind(outcome.kind)) { (kind(outcome.kind)) }
                                }
                            }
                        }
                    }
                }
            }
            p {
                (runs) " runs of each variant, " (place) ", " (outcomes.architecture) ". Your own: "
                code { "cargo run --release -p bench -- outcomes" }
            }
        }
    })
}
