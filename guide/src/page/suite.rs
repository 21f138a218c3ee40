//! The sources of the integration tests, for the pages to link to.
use std::path::Path;
use std::str::FromStr as _;

use anyhow::{Context, Result, anyhow};
use harness::files;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The folder of the integration tests that need the whole workspace, from its root.
const FOLDER: &str = "tests/suite";

/// The folder of the libraries, whose integration tests are in their folders `tests`.
const LIBRARIES: &str = "crates";

/// The calls whose first argument names a snapshot.
const COMPARISONS: [&str; 3] = ["transcript_of", "refused", "assert_snapshot"];

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
    /// When a file or a folder cannot be read, or a file is not Rust.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = files::below(root, LIBRARIES)?;
        files.retain(|file| file.split('/').nth(2) == Some("tests"));
        files.extend(files::below(root, FOLDER)?);
        files.retain(|file| file.ends_with(".rs"));
        let mut tests = Vec::new();
        for file in &files {
            let source = files::read(root, file)?;
            let tokens = TokenStream::from_str(&source);
            let tokens = tokens.map_err(|error| anyhow!("{file} is not Rust: {error}"))?;
            tests.extend(tests_in(tokens, file));
        }
        Ok(Self { files, tests })
    }

    /// The test of this name in `FILE.rs`, either in `tests/suite` or from the workspace's root,
    /// such as `crates/process-pool/tests/suite/deaths`.
    ///
    /// # Errors
    ///
    /// When there is no such file, or no such test in it.
    pub fn test(&self, file: &str, name: &str) -> Result<&Test> {
        let paths = [format!("{FOLDER}/{file}.rs"), format!("{file}.rs")];
        let file = paths.iter().find(|path| self.files.contains(path));
        let file = file.with_context(|| format!("there is no file {}", paths.join(" or ")))?;
        let test = self.tests.iter().find(|test| test.file == *file && test.name == name);
        test.with_context(|| format!("{file} has no test {name}"))
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
                "no integration test checks {example}; write one with transcript_of({example:?})"
            )
        })
    }
}

/// Collects the tests among these tokens: in modules and in macros, too.
fn tests_in(tokens: TokenStream, file: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let mut attributes: Vec<String> = Vec::new();
    let mut name = None;
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                let has = |name| attributes.iter().any(|attribute| attribute == name);
                match name.take().filter(|_| has("test") && !has("ignore")) {
                    Some(name) => tests.push(Test {
                        file: file.to_owned(),
                        name,
                        snapshots: snapshots_in(body.stream()),
                    }),
                    None => tests.extend(tests_in(body.stream(), file)),
                }
                attributes.clear();
            }
            TokenTree::Group(attribute) if attribute.delimiter() == Delimiter::Bracket => {
                attributes.extend(name_of(attribute.stream()));
            }
            word if is_word(&word, "fn") => {
                name = tokens.next().map(|name| name.to_string());
            }
            TokenTree::Punct(end) if end.as_char() == ';' => attributes.clear(),
            _ => {}
        }
    }
    tests
}

/// The last part of an attribute's path: `test` for `tokio::test(start_paused = true)`.
fn name_of(attribute: TokenStream) -> Option<String> {
    let in_path = |token: &TokenTree| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(mark) => mark.as_char() == ':',
        _ => false,
    };
    attribute.into_iter().take_while(in_path).last().map(|name| name.to_string())
}

/// Collects the names that the [`COMPARISONS`] among these tokens begin with.
fn snapshots_in(tokens: TokenStream) -> Vec<String> {
    let mut snapshots = Vec::new();
    let mut is_comparison = false;
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            let first = group.stream().into_iter().next().filter(|_| is_comparison);
            let first = first.map(|first| first.to_string()).unwrap_or_default();
            let name = first.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
            snapshots.extend(name.map(str::to_owned));
            snapshots.extend(snapshots_in(group.stream()));
        }
        is_comparison = COMPARISONS.iter().any(|call| is_word(&token, call));
    }
    snapshots
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r##"
        fn helper() { transcript_of("three"); }

        #[test]
        #[cfg(unix)]
        fn one() {
            // transcript_of("comment").check();
            println!("transcript_of(\"text\")", r#"transcript_of("raw text")"#);
            tests::transcript_of("one").check();
        }

        mod inner {
            #[tokio::test(start_paused = true)]
            async fn two() { assert!(assert_snapshot("two", &text)); }
        }

        proptest! {
            #![proptest_config(Config::default())]

            #[test]
            fn four(bytes in bytes()) {}
        }

        #[test]
        #[ignore = "slow"]
        fn ignored() {}
    "##;

    fn suite() -> Suite {
        let file = "tests/suite/x.rs";
        let tokens = SOURCE.parse().unwrap();
        Suite { files: vec![file.to_owned()], tests: tests_in(tokens, file) }
    }

    #[test]
    fn a_test_is_a_marked_function() {
        for name in ["one", "two", "four"] {
            assert!(suite().test("x", name).is_ok(), "{name}");
        }
        for name in ["ignored", "helper", "on"] {
            assert!(suite().test("x", name).is_err(), "{name}");
        }
        assert!(suite().test("tests/suite/x", "one").is_ok(), "from the workspace's root");
        assert!(suite().test("y", "one").unwrap_err().to_string().contains("no file"));
    }

    #[test]
    fn the_test_of_an_example_compares_its_output() {
        assert_eq!(suite().test_of("one").unwrap().name, "one");
        assert_eq!(suite().test_of("two").unwrap().name, "two");
        for name in ["three", "comment", "text", "raw text"] {
            assert!(suite().test_of(name).is_err(), "{name}");
        }
    }
}
