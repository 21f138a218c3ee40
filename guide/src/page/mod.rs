//! A page as its author wrote it, and its faults.
pub mod directive;
pub mod files;
pub mod links;
pub mod source;
pub mod statement;
pub mod suite;

use std::fmt;

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, from the workspace's root, with `/`.
    pub file: String,
    /// The line in that file, from 1.
    pub line: usize,
    /// The problem, and the way to fix it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A page as its author wrote it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The path from the folder of all pages, with `/`: `gather.md`.
    pub path: String,
    /// The file, from the workspace's root, with `/`: `guide/en/gather.md`.
    pub file: String,
    /// The Markdown.
    pub text: String,
}

impl Page {
    /// A fault in the line that contains this byte of the page.
    pub fn fault(&self, at: usize, message: impl Into<String>) -> Fault {
        let line = self.text[..at].matches('\n').count() + 1;
        Fault { file: self.file.clone(), line, message: message.into() }
    }

    /// The path to the folder of all pages, from the folder of this one: empty, `../`, `../../`.
    pub fn up(&self) -> String {
        "../".repeat(self.path.matches('/').count())
    }

    /// The address of the page as it is built, from the folder of all pages.
    pub fn address(path: &str) -> String {
        path.replace(".md", ".html")
    }
}
