//! Shows an outcome table: the frequency of each outcome of a tiny program in many runs.
use std::path::Path;

use anyhow::Result;
use harness::kept::outcomes::{Kind, Outcomes};
use harness::kept::results::thousands;
use maud::{Markup, html};

use crate::figures::words::Words;

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
    let headings = &words.outcomes;
    let kind = |kind| match kind {
        Kind::Expected => ("expected", headings.expected),
        Kind::Surprising => ("surprising", headings.surprising),
        Kind::Forbidden => ("forbidden", headings.forbidden),
    };
    Ok(html! {
        figure.outcomes data-outcomes=(name) {
            figcaption { strong { (name) } " " (table.question) }
            div.table-wrapper {
                table {
                    thead { tr {
                        th scope="col" { (headings.variant) }
                        th scope="col" { (headings.outcome) }
                        th scope="col" { (headings.seen) }
                        th scope="col" { (headings.kind) }
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
                                    @let (class, text) = kind(outcome.kind);
                                    td class=(class) { (text) }
                                }
                            }
                        }
                    }
                }
            }
            p {
                ((headings.runs)(&runs, &place, &outcomes.architecture)) " "
                code { "cargo run --release -p bench -- outcomes" }
            }
        }
    })
}
