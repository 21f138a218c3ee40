//! Outcome tables: the number of times that each outcome of a tiny program was seen on real cores.
//! `cargo run --release -p bench -- outcomes --keep` writes them to `guide/outcomes.json`, and the
//! book shows them.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_json;
use crate::run::machine::Machine;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;
/// The file, from the workspace's root.
pub const FILE: &str = "guide/outcomes.json";

/// The outcomes of all tiny programs on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// [`VERSION`].
    pub version: u32,
    /// The time of the count: UTC, RFC 3339, to the second.
    pub counted: String,
    /// The machine.
    pub machine: Machine,
    /// The processor's architecture, as Rust names it. Which outcomes can be seen depends on it.
    pub architecture: String,
    /// The number of runs of each variant of each program.
    pub runs: u64,
    /// A table for each program.
    pub tables: Vec<Table>,
}

/// The outcomes of one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The program's name.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// The variants, which differ in their operations or in the memory ordering of these.
    pub variants: Vec<Variant>,
}

/// The outcomes of one variant of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The name, which says how it differs from the others.
    pub name: String,
    /// The code that each of the two threads runs.
    pub threads: [String; 2],
    /// Every outcome that can be written down, whether it was seen or not.
    pub outcomes: Vec<Outcome>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// A description of the outcome.
    pub seen: String,
    /// The judgment of the memory model.
    pub kind: Kind,
    /// The number of times that it was seen.
    pub count: u64,
}

/// The judgment of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It follows from some order of the operations.
    Expected,
    /// Allowed, although it is easy to overlook.
    Surprising,
    /// The memory model rules it out.
    Forbidden,
}

impl Outcomes {
    /// Reads the file of a workspace.
    ///
    /// # Errors
    ///
    /// When it is missing, not in this format, or contradicts itself. The message names the file
    /// and the command that makes a new one.
    pub fn read(root: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let outcomes: Self = serde_json::from_str(&fs::read_to_string(root.join(FILE))?)?;
            outcomes.check()?;
            Ok(outcomes)
        };
        read().with_context(|| {
            format!("{FILE}: `cargo run --release -p bench -- outcomes --keep` writes it")
        })
    }

    /// Writes the file of a workspace, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// When a forbidden outcome was seen, and when the file can't be written.
    pub fn write(&self, root: &Path) -> Result<()> {
        self.check()?;
        write_json(self, &root.join(FILE))
    }

    /// Returns the table of this name.
    ///
    /// # Errors
    ///
    /// When there is none; the message lists those that exist.
    pub fn table(&self, name: &str) -> Result<&Table> {
        self.tables.iter().find(|table| table.name == name).with_context(|| {
            let names: Vec<_> = self.tables.iter().map(|table| table.name.as_str()).collect();
            format!("no outcome table is named {name:?}; there are {}", names.join(", "))
        })
    }

    fn check(&self) -> Result<()> {
        ensure!(self.version == VERSION, "it has version {}, not {VERSION}", self.version);
        for table in &self.tables {
            for variant in &table.variants {
                let place = format!("{}, {}", table.name, variant.name);
                let sum: u64 = variant.outcomes.iter().map(|outcome| outcome.count).sum();
                ensure!(sum == self.runs, "{place}: {sum} outcomes in {} runs", self.runs);
                for Outcome { seen, kind, count } in &variant.outcomes {
                    let is_allowed = *kind != Kind::Forbidden || *count == 0;
                    ensure!(
                        is_allowed,
                        "{place}: {seen:?} is forbidden, and was seen {count} times"
                    );
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_contradict_themselves_are_refused() {
        let outcome = |kind, count| Outcome { seen: "both read 0".to_owned(), kind, count };
        let check = |outcomes| {
            let threads = [String::new(), String::new()];
            let variant = Variant { name: "SeqCst".to_owned(), threads, outcomes };
            let (name, question) = ("store-buffering".to_owned(), String::new());
            let result = Outcomes {
                version: VERSION,
                counted: "2026-01-02T03:04:05Z".to_owned(),
                machine: Machine::this(),
                architecture: "x86_64".to_owned(),
                runs: 10,
                tables: vec![Table { name, question, variants: vec![variant] }],
            }
            .check();
            result.map_err(|error| error.to_string())
        };
        assert_eq!(check(vec![outcome(Kind::Expected, 10), outcome(Kind::Forbidden, 0)]), Ok(()));
        let forbidden = check(vec![outcome(Kind::Expected, 9), outcome(Kind::Forbidden, 1)]);
        assert!(forbidden.unwrap_err().contains("is forbidden, and was seen 1 times"));
        let too_few = check(vec![outcome(Kind::Expected, 9)]);
        assert!(too_few.unwrap_err().contains("9 outcomes in 10 runs"));
    }
}
