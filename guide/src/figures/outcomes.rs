//! Shows an outcome table: how often each outcome of a tiny program was seen in many runs.
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
    let [expected, surprising, forbidden] = words.outcome_kinds;
    let kind = |kind| match kind {
        Kind::Expected => ("expected", expected),
        Kind::Surprising => ("surprising", surprising),
        Kind::Forbidden => ("forbidden", forbidden),
    };
    Ok(html! {
        figure.outcomes data-outcomes=(name) {
            figcaption { strong { (name) } " " (table.question) }
            div.table-wrapper {
                table {
                    thead { tr {
                        @for heading in words.outcomes { th scope="col" { (heading) } }
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
                ((words.outcome_runs)(&runs, &place, &outcomes.architecture)) " "
                code { "cargo run --release -p bench -- outcomes" }
            }
        }
    })
}
