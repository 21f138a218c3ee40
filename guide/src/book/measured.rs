//! Checks the statements of the book against new results: those of the pages, of the ledger and of
//! the chooser.
use std::collections::BTreeSet;
use std::fmt;
use std::mem;
use std::path::Path;

use anyhow::{Context, Result};
use harness::files;
use harness::kept::results::Results;

use crate::book::preprocessor::RESULTS;
use crate::figures::chooser::{self, Chooser};
use crate::figures::ledger::{self, Ledger};
use crate::page::Fault;
use crate::page::directive::Directive;
use crate::page::statement::{Statement, Verdict};

/// The folder of the pages, from the workspace's root.
const PAGES: &str = "guide/en";

/// The outcome of a check. It is shown as one line.
#[derive(Debug, Default)]
pub struct Report {
    /// The statements that the results contradict, and those that name something unknown.
    pub faults: Vec<Fault>,
    /// The number of statements that hold.
    pub holding: usize,
    /// The number of statements about figures that the results lack.
    pub not_measured: usize,
    /// True if the results come from a quick run.
    pub is_quick: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { faults, holding, not_measured, is_quick } = self;
        let failing = faults.len();
        write!(f, "statements: {holding} hold, {failing} don't, {not_measured} not measured")?;
        if *is_quick { write!(f, "; the figures of a quick run are rough") } else { Ok(()) }
    }
}

/// Checks the book of the workspace at `root` against new results.
///
/// A statement about a benchmark that is not among them counts as not measured if its names are
/// right, which the kept results of the book tell.
///
/// # Errors
///
/// When a file of the book cannot be read.
pub fn check(root: &Path, results: Results) -> Result<Report> {
    let is_quick = results.benchmarks.iter().any(|benchmark| benchmark.quick);
    let report = Report { is_quick, ..Report::default() };
    let new = results.benchmarks.iter().map(|benchmark| benchmark.name.clone()).collect();
    let mut check = Check { new, results: with_kept(root, results)?, report };

    for file in files::below(root, PAGES)?.into_iter().filter(|file| file.ends_with(".md")) {
        let text = files::read(root, &file)?;
        for (line, number) in text.lines().zip(1..) {
            match Directive::parse(line) {
                Ok(Some(Directive::Measured(statement))) => check.add(&file, number, Ok(statement)),
                Ok(_) => {}
                Err(error) => check.add(&file, number, Err(error)),
            }
        }
    }
    let (ledger, chooser) =
        (format!("{PAGES}/{}", ledger::FILE), format!("{PAGES}/{}", chooser::FILE));
    if root.join(&ledger).is_file() {
        let claims = Ledger::parse(&root.join(&ledger))?.0;
        check.add_all(root, &ledger, claims.values().flat_map(|claim| &claim.measured))?;
    }
    if root.join(&chooser).is_file() {
        let questions = Chooser::parse(&root.join(&chooser))?;
        check.add_all(root, &chooser, questions.answers().flat_map(|answer| &answer.measured))?;
    }
    Ok(check.report)
}

/// Returns the results that the book would show if these were kept.
fn with_kept(root: &Path, mut results: Results) -> Result<Results> {
    let file = root.join(RESULTS);
    if file.is_file() {
        let kept = Results::read(&file)?.benchmarks;
        let new = mem::replace(&mut results.benchmarks, kept);
        results.replace(new);
    }
    Ok(results)
}

struct Check {
    /// The names of the new benchmarks.
    new: BTreeSet<String>,
    /// The new results, with the kept ones of other benchmarks.
    results: Results,
    report: Report,
}

impl Check {
    /// Adds the statements of a file, which contains them word for word.
    fn add_all<'a>(
        &mut self,
        root: &Path,
        file: &str,
        statements: impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        let text = files::read(root, file)?;
        for statement in statements {
            let before = text.find(statement.as_str()).map_or("", |at| &text[..at]);
            let line = before.matches('\n').count() + 1;
            let parsed =
                Statement::parse(statement).with_context(|| format!("the statement {statement:?}"));
            self.add(file, line, parsed);
        }
        Ok(())
    }

    fn add(&mut self, file: &str, line: usize, statement: Result<Statement<'_>>) {
        let verdict = statement.and_then(|statement| {
            let verdict = statement.check(&self.results)?;
            let name = statement.benchmark();
            Ok(if self.new.contains(name) {
                verdict
            } else {
                Verdict::NotMeasured(name.to_owned())
            })
        });
        let message = match verdict {
            Ok(Verdict::Holds) => return self.report.holding += 1,
            Ok(Verdict::NotMeasured(_)) => return self.report.not_measured += 1,
            Ok(Verdict::Contradicted(text)) => text,
            Err(error) => format!("{error:#}"),
        };
        self.report.faults.push(Fault { file: file.to_owned(), line, message });
    }
}
