//! The ledger: every claim of the article that this book started from, with a verdict for Rust and
//! its proofs.
//!
//! The claims are in `ledger.toml` next to the pages, with a table `[C1]` for each. A proof is
//! `example NAME`, `benchmark NAME` or `test FILE NAME`, which is the function `NAME` in
//! `tests/suite/FILE.rs`, or in `FILE.rs` if that is in `crates/*/tests`. A claim without a proof is an
//! error, and so is a proof that does not exist.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::page::statement::Statement;
use crate::page::suite::Suite;
use anyhow::{Context, Result, bail, ensure};
use harness::examples::Workspace;
use harness::kept::results::Results;
use maud::{Markup, html};
use serde::Deserialize;

use crate::figures::words::Words;

/// The ledger's file, in the folder of the pages.
pub const FILE: &str = "ledger.toml";

/// The number of the article's claims: C1 to C25.
pub const CLAIMS: usize = 25;

/// All claims, by number.
#[derive(Debug)]
pub struct Ledger(pub BTreeMap<usize, Claim>);

/// A claim of the article.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The article's claim, paraphrased.
    pub article: String,
    /// The verdict for Rust.
    pub verdict: Verdict,
    /// The truth in Rust.
    pub rust: String,
    /// The proofs.
    #[serde(rename = "proof")]
    pub proofs: Vec<Proof>,
    /// The conditions for the kept benchmark results, as statements of [`Statement`]. Default:
    /// none.
    #[serde(default)]
    pub measured: Vec<String>,
}

/// A verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds as it is.
    Holds,
    /// It holds with a change.
    Partly,
    /// It does not hold.
    False,
    /// It is about something that Rust does not have.
    #[serde(rename = "does not apply")]
    DoesNotApply,
}

/// A proof of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Proof {
    /// An example.
    Example(String),
    /// A benchmark.
    Benchmark(String),
    /// A test: its file without `.rs`, and its name.
    Test(String, String),
}

impl TryFrom<String> for Proof {
    type Error = String;

    fn try_from(proof: String) -> Result<Self, String> {
        match proof.split(' ').collect::<Vec<_>>()[..] {
            ["example", name] => Ok(Self::Example(name.to_owned())),
            ["benchmark", name] => Ok(Self::Benchmark(name.to_owned())),
            ["test", file, name] => Ok(Self::Test(file.to_owned(), name.to_owned())),
            _ => Err(format!(
                "{proof:?} is none of `example NAME`, `benchmark NAME` and `test FILE NAME`"
            )),
        }
    }
}

impl Ledger {
    /// Reads the ledger, and checks each claim and its proofs.
    ///
    /// # Errors
    ///
    /// When a claim or a proof is missing. The message names the claim.
    pub fn read(
        file: &Path,
        workspace: &Workspace,
        results: &Results,
        suite: &Suite,
    ) -> Result<Self> {
        let ledger = Self::parse(file)?;
        for (number, claim) in &ledger.0 {
            check(claim, workspace, results, suite)
                .with_context(|| format!("the claim C{number}"))?;
        }
        Ok(ledger)
    }

    /// Reads the ledger without looking at the proofs.
    ///
    /// # Errors
    ///
    /// When it is malformed or does not have each of the [`CLAIMS`].
    pub fn parse(file: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let claims: BTreeMap<String, Claim> =
            toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        let mut ledger = BTreeMap::new();
        for (name, claim) in claims {
            let number = name.strip_prefix('C').and_then(|number| number.parse().ok());
            let number =
                number.with_context(|| format!("{name} is not the name of a claim, such as C1"))?;
            ledger.insert(number, claim);
        }
        ensure!(
            ledger.keys().copied().eq(1..=CLAIMS),
            "the ledger must have the claims C1 to C{CLAIMS}"
        );
        Ok(Self(ledger))
    }

    /// The ledger as a table. `link` returns the address of a proof.
    pub fn table(&self, words: &Words, link: impl Fn(&Proof) -> Option<String>) -> Markup {
        html! {
            div.table-wrapper tabindex="0" role="group" aria-label=(words.ledger.claim) {
                table.ledger {
                    thead { tr {
                        th scope="col" { (words.ledger.claim) }
                        th scope="col" { (words.ledger.article) }
                        th scope="col" { (words.ledger.rust) }
                        th scope="col" { (words.ledger.proof) }
                    } }
                    tbody {
                        @for (number, claim) in &self.0 {
                            tr id={ "claim-" (number) } {
                                th scope="row" { "C" (number) }
                                td { (claim.article) }
                                td {
                                    strong { (verdict(claim.verdict, words)) } ": " (claim.rust)
                                }
                                td {
                                    ul {
                                        @for proof in &claim.proofs {
                                            li { (named(proof, words, link(proof))) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn verdict(verdict: Verdict, words: &Words) -> &'static str {
    match verdict {
        Verdict::Holds => words.ledger.holds,
        Verdict::Partly => words.ledger.partly,
        Verdict::False => words.ledger.fails,
        Verdict::DoesNotApply => words.ledger.does_not_apply,
    }
}

fn named(proof: &Proof, words: &Words, link: Option<String>) -> Markup {
    let (kind, name) = match proof {
        Proof::Example(name) => (words.ledger.example, name),
        Proof::Benchmark(name) => (words.ledger.benchmark, name),
        Proof::Test(_, name) => (words.ledger.test, name),
    };
    let name = html! {
        code {
            // A long name may wrap after each of its words.
            @for part in name.split_inclusive(['_', '-']) { (part) wbr; }
        }
    };
    html! {
        (kind) " "
        @match link {
            Some(link) => a href=(link) { (name) },
            None => (name),
        }
    }
}

fn check(claim: &Claim, workspace: &Workspace, results: &Results, suite: &Suite) -> Result<()> {
    ensure!(!claim.proofs.is_empty(), "it has no proof");
    for proof in &claim.proofs {
        match proof {
            Proof::Example(name) => {
                workspace.example(name)?;
            }
            Proof::Benchmark(name) => {
                results.benchmark(name)?;
            }
            Proof::Test(file, name) => {
                suite.test(file, name)?;
            }
        }
    }
    for statement in &claim.measured {
        if let Some(said) = Statement::parse(statement)?.contradiction(results)? {
            bail!("what was measured contradicts it: {said}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_an_example_a_benchmark_or_a_test() {
        let parse = |proof: &str| Proof::try_from(proof.to_owned());
        assert_eq!(parse("example gather"), Ok(Proof::Example("gather".into())));
        assert_eq!(parse("benchmark waiting"), Ok(Proof::Benchmark("waiting".into())));
        assert_eq!(parse("test async gather"), Ok(Proof::Test("async".into(), "gather".into())));
        assert!(parse("test gather").is_err());
        assert!(parse("gather").is_err());
    }
}
