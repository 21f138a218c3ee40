//! The context of a figure: everything that all figures of a page share.
use harness::examples::Workspace;

use crate::figures::words::Words;
use crate::page::suite::Suite;

/// The sources of the figures of a page.
#[derive(Debug, Clone, Copy)]
pub struct PageContext<'a> {
    /// The workspace of the examples.
    pub workspace: &'a Workspace,
    /// The tests of the examples.
    pub suite: &'a Suite,
    /// The path to the book's copies of files, from the page's folder. None if it has no copies.
    pub copies: Option<&'a str>,
    /// The address of the book's repository, if it is known.
    pub repository: Option<&'a str>,
    /// The words of the book's language.
    pub words: &'a Words,
}
