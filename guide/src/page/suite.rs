//! The sources of the tests in `tests/suite` and `crates/*/tests`, for the pages to link to.
use std::path::Path;

use anyhow::{Context, Result, ensure};
use harness::files;

/// The folder of the tests that span crates, from the workspace's root.
const FOLDER: &str = "tests/suite";

/// A test: a function that is marked as one, and not as ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The file, from the workspace's root, with `/`.
    pub file: String,
    /// The function's name.
    pub name: String,
    /// The snapshots that the function compares with, as the calls in its body name them.
    snapshots: Vec<String>,
}

/// All tests of a workspace.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The files, from the workspace's root, with `/`, in alphabetical order.
    pub files: Vec<String>,
    tests: Vec<Test>,
}

impl Suite {
    /// Reads the tests of the workspace at `root`.
    ///
    /// # Errors
    ///
    /// When a file or a folder cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = files::below(root, FOLDER)?;
        let of_crates = files::below(root, "crates")?;
        files.extend(of_crates.into_iter().filter(|file| file.split('/').nth(2) == Some("tests")));
        files.retain(|file| file.ends_with(".rs"));
        files.sort();
        let mut tests = Vec::new();
        for file in &files {
            tests.extend(tests_in(&files::read(root, file)?, file));
        }
        Ok(Self { files, tests })
    }

    /// The test of this name in the file `tests/suite/FILE.rs`, or in `FILE.rs` if that begins with
    /// `crates/NAME/tests/`.
    ///
    /// # Errors
    ///
    /// When there is no such file, or no such test in it.
    pub fn test(&self, file: &str, name: &str) -> Result<&Test> {
        let of_crate = file.starts_with("crates/") && file.split('/').nth(2) == Some("tests");
        let file = if of_crate { format!("{file}.rs") } else { format!("{FOLDER}/{file}.rs") };
        ensure!(self.files.contains(&file), "there is no file {file}");
        let found = self.tests.iter().find(|test| test.file == file && test.name == name);
        found.with_context(|| format!("{file} has no test {name}"))
    }

    /// The test of an example: the one that compares its output with its snapshot.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn test_of(&self, example: &str) -> Result<&Test> {
        let checks = |test: &&Test| test.snapshots.iter().any(|snapshot| snapshot == example);
        self.tests.iter().find(checks).with_context(|| {
            format!(
                "no test in {FOLDER} checks {example}; write one with transcript_of({example:?})"
            )
        })
    }
}

fn tests_in(source: &str, file: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut marked = false;
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        if code == "#[test]" || code.starts_with("#[tokio::test") {
            marked = true;
        } else if code.starts_with("#[ignore") {
            marked = false;
        } else if !code.starts_with("#[") {
            let function = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ");
            if marked && let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
                // rustfmt puts the closing brace where the function's first line begins.
                let end = format!("{}}}", &line[..line.len() - code.len()]);
                let body = match code.ends_with('{') {
                    true => lines.by_ref().take_while(|line| *line != end).collect::<Vec<_>>(),
                    false => vec![code],
                };
                let snapshots = body.iter().flat_map(|line| snapshots_in(line)).collect();
                tests.push(Test { file: file.to_owned(), name: name.to_owned(), snapshots });
            }
            marked = false;
        }
    }
    tests
}

/// The names in the calls `transcript_of("NAME"`, `refused("NAME"` and `assert_snapshot("NAME"`.
fn snapshots_in(line: &str) -> impl Iterator<Item = String> {
    ["transcript_of(\"", "refused(\"", "assert_snapshot(\""]
        .into_iter()
        .flat_map(|call| line.split(call).skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn helper() {\n    transcript_of(\"three\");\n}\n\
        #[test]\n#[cfg(unix)]\nfn one() {\n    tests::transcript_of(\"one\").check();\n}\n\n\
        mod inner {\n    #[tokio::test(start_paused = true)]\n    async fn two() {\n        \
        assert_snapshot(\"two\", &text);\n    }\n}\n\
        #[test]\n#[ignore = \"slow\"]\nfn ignored() {\n}\n";

    fn suite() -> Suite {
        let file = "tests/suite/x.rs";
        Suite { files: vec![file.to_owned()], tests: tests_in(SOURCE, file) }
    }

    #[test]
    fn a_test_is_a_marked_function() {
        assert!(suite().test("x", "one").is_ok());
        assert!(suite().test("x", "two").is_ok());
        for name in ["ignored", "helper", "on"] {
            assert!(suite().test("x", name).is_err(), "{name}");
        }
        assert!(suite().test("y", "one").unwrap_err().to_string().contains("no file"));
    }

    #[test]
    fn a_crate_has_tests_of_its_own() {
        let file = "crates/pool/tests/pool/bounds";
        let files = vec![format!("{file}.rs")];
        let suite = Suite { tests: tests_in(SOURCE, &files[0]), files };
        assert!(suite.test(file, "one").is_ok());
        let error = suite.test("crates/pool", "one").unwrap_err().to_string();
        assert_eq!(error, "there is no file tests/suite/crates/pool.rs");
    }

    #[test]
    fn the_test_of_an_example_compares_its_output() {
        assert_eq!(suite().test_of("one").unwrap().name, "one");
        assert_eq!(suite().test_of("two").unwrap().name, "two");
        assert!(suite().test_of("three").is_err(), "a helper is not a test");
    }
}
