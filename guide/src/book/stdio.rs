//! mdBook's protocol for a preprocessor that is a program of its own, so that a plain
//! `mdbook build guide` works too. The program is the command of `[preprocessor.example]` in
//! `guide/book.toml`.
use std::io;

use anyhow::{Context, Result};
use harness::examples::Workspace;
use mdbook_preprocessor::{Preprocessor, parse_input};

use crate::book::For;
use crate::book::preprocessor::Examples;

/// Reads the book from stdin, and writes it to stdout with each directive replaced.
///
/// # Errors
///
/// When the input is not in the form that mdBook sends, and when the book has a fault.
pub fn preprocess(workspace: Workspace) -> Result<()> {
    let (context, book) =
        parse_input(io::stdin().lock()).context("reading the book that mdBook sends on stdin")?;
    let book = Examples::new(workspace, For::MdBook, None)?.run(&context, book)?;
    serde_json::to_writer(io::stdout().lock(), &book).context("writing the book to stdout")
}
