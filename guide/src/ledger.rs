//! The ledger: every claim of the article that this book began with, what becomes of it in Rust,
//! and what proves that.
//!
//! The words are in `ledger.toml` beside the pages, a table `[C1]` for each claim. A proof is
//! `example NAME`, `benchmark NAME`, or `test FILE NAME`, which is the function `NAME` in
//! `tests/suite/FILE.rs`. A claim without a proof, or with one that does not exist, is an error.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use harness::examples::Workspace;
use harness::results::{Results, Statement};
use maud::{Markup, html};
use serde::Deserialize;

use crate::words::Words;

/// The ledger's file, in the folder of the pages.
pub const FILE: &str = "ledger.toml";

/// The folder of all integration tests, from the workspace's root.
const TESTS: &str = "tests/suite";

/// How many claims the article makes: C1 to C25.
pub const CLAIMS: usize = 25;

/// All claims, by number.
#[derive(Debug)]
pub struct Ledger(pub BTreeMap<usize, Claim>);

/// A claim of the article.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What the article says, in our words.
    pub article: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What holds in Rust.
    pub rust: String,
    /// What proves it, each as the head of this module says.
    #[serde(rename = "proof")]
    pub proofs: Vec<Proof>,
    /// What has to be true of the kept benchmark results, as statements of [`Statement`]. Default:
    /// none.
    #[serde(default)]
    pub measured: Vec<String>,
}

/// What becomes of a claim in Rust.
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

/// What proves a claim.
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
    /// Reads the ledger, and checks that each of the [`CLAIMS`] stands in it and is proved.
    ///
    /// # Errors
    ///
    /// When it is not so. The message names the claim.
    pub fn read(file: &Path, workspace: &Workspace, results: &Results) -> Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let claims: BTreeMap<String, Claim> =
            toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        let mut ledger = BTreeMap::new();
        for (name, claim) in claims {
            let number = name.strip_prefix('C').and_then(|number| number.parse().ok());
            let number = number.with_context(|| format!("{name} is no claim as C1 is"))?;
            check(&claim, workspace, results).with_context(|| format!("the claim {name}"))?;
            ledger.insert(number, claim);
        }
        ensure!(
            ledger.keys().copied().eq(1..=CLAIMS),
            "the ledger must have the claims C1 to C{CLAIMS}"
        );
        Ok(Self(ledger))
    }

    /// The files of tests that the ledger of a workspace may name, from the workspace's root, with
    /// `/`.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn tests(root: &Path) -> Result<Vec<String>> {
        fn add(root: &Path, folder: &str, files: &mut Vec<String>) -> Result<()> {
            let entries =
                fs::read_dir(root.join(folder)).with_context(|| format!("reading {folder}"))?;
            for entry in entries {
                let entry = entry?;
                let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    add(root, &path, files)?;
                } else if path.ends_with(".rs") {
                    files.push(path);
                }
            }
            Ok(())
        }

        let mut files = Vec::new();
        if root.join(TESTS).is_dir() {
            add(root, TESTS, &mut files)?;
        }
        Ok(files)
    }

    /// The ledger as a table. `link` has the address of each proof.
    pub fn table(&self, words: &Words, link: impl Fn(&Proof) -> Option<String>) -> Markup {
        html! {
            div.table-wrapper tabindex="0" role="group" aria-label=(words.ledger[0]) {
                table.ledger {
                    thead { tr { @for word in words.ledger { th scope="col" { (word) } } } }
                    tbody {
                        @for (number, claim) in &self.0 {
                            tr id={ "claim-" (number) } {
                                th scope="row" { "C" (number) }
                                td { (claim.article) }
                                td {
                                    @let verdict = (words.verdict)(claim.verdict);
                                    strong { (verdict) } ": " (claim.rust)
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

fn named(proof: &Proof, words: &Words, link: Option<String>) -> Markup {
    let (Proof::Example(name) | Proof::Benchmark(name) | Proof::Test(_, name)) = proof;
    let name = html! {
        code {
            // A name may be broken after each of its words.
            @for part in name.split_inclusive(['_', '-']) { (part) wbr; }
        }
    };
    html! {
        ((words.proof)(proof)) " "
        @match link {
            Some(link) => a href=(link) { (name) },
            None => (name),
        }
    }
}

fn check(claim: &Claim, workspace: &Workspace, results: &Results) -> Result<()> {
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
                let file = source(file);
                let text = fs::read_to_string(workspace.root.join(&file))
                    .with_context(|| format!("reading {file}"))?;
                ensure!(is_test(&text, name), "{file} has no test {name}");
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

/// The file of tests of this name, from the workspace's root.
pub fn source(file: &str) -> String {
    format!("{TESTS}/{file}.rs")
}

/// Whether a source has a function of this name that is marked as a test, and not as one that is
/// left out.
fn is_test(source: &str, name: &str) -> bool {
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            marked = true;
        } else if line.starts_with("#[ignore") {
            marked = false;
        } else if !line.starts_with("#[") {
            let function = line.strip_prefix("async ").unwrap_or(line);
            if marked
                && function.strip_prefix("fn ").and_then(|rest| rest.split('(').next())
                    == Some(name)
            {
                return true;
            }
            marked = false;
        }
    }
    false
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

    #[test]
    fn a_test_is_a_marked_function() {
        let source = "fn helper() {}\n#[test]\n#[cfg(unix)]\nfn one() {}\n\n\
                      #[tokio::test(start_paused = true)]\nasync fn two() {}\n\
                      #[test]\n#[ignore = \"slow\"]\nfn left_out() {}\n";
        assert!(is_test(source, "one"));
        assert!(is_test(source, "two"));
        assert!(!is_test(source, "left_out"));
        assert!(!is_test(source, "helper"));
        assert!(!is_test(source, "on"));
    }
}
