//! The places of figures on the pages, and of the book's copies of files.
use std::collections::{BTreeMap, BTreeSet};

use crate::page::directive::Directive;
use crate::page::suite::Test;
use crate::page::{Fault, Page};

/// The path of the book's copy of a file of the workspace: as text, which any browser shows, also
/// from `file://`.
pub fn copy_of(file: &str) -> String {
    // Without `.md`, because mdBook takes that for a link to a page.
    format!("{}.txt", file.trim_end_matches(".md"))
}

/// The address of a test, from the folder of all pages: its function in the copy of its file.
pub fn test(test: &Test) -> String {
    format!("{}#:~:text=fn%20{}(", copy_of(&test.file), test.name)
}

/// The id of a benchmark's figure.
pub fn benchmark_id(name: &str) -> String {
    format!("benchmark-{name}")
}

/// The figures that pages show, and where.
#[derive(Debug, Default)]
pub struct Links<'a> {
    /// The page that explains each example: the first one that shows it.
    examples: BTreeMap<&'a str, &'a str>,
    /// The pages that show each benchmark.
    benchmarks: BTreeMap<&'a str, Vec<&'a str>>,
    /// The parts of examples that pages show, as (example, part).
    parts: Vec<(&'a str, &'a str)>,
    /// The variants that pages show, as (example, variants). No variants stand for all of them.
    variants: Vec<(&'a str, Vec<&'a str>)>,
    drawings: BTreeSet<&'a str>,
    transcripts: BTreeSet<&'a str>,
}

impl<'a> Links<'a> {
    /// Reads the directives of the pages. A malformed one is a fault.
    pub fn of(pages: &'a [Page]) -> (Self, Vec<Fault>) {
        let mut links = Self::default();
        let mut faults = Vec::new();
        for page in pages {
            for (at, directive) in Directive::all(&page.text) {
                match directive {
                    Ok(directive) => links.add(directive, &page.path),
                    Err(error) => faults.push(page.fault(at, format!("{error:#}"))),
                }
            }
        }
        (links, faults)
    }

    fn add(&mut self, directive: Directive<'a>, page: &'a str) {
        match directive {
            Directive::Example { name, parts } => {
                self.examples.entry(name).or_insert(page);
                self.parts.extend(parts.into_iter().map(|part| (name, part)));
            }
            Directive::Benchmark { name, .. } => {
                self.benchmarks.entry(name).or_default().push(page);
            }
            Directive::Variants { name, variants } => self.variants.push((name, variants)),
            Directive::Drawing(name) => {
                self.drawings.insert(name);
            }
            Directive::Transcript(name) => {
                self.transcripts.insert(name);
            }
            _ => {}
        }
    }

    /// The address of the page that explains an example, from the folder of all pages.
    pub fn example(&self, name: &str) -> Option<String> {
        Some(Page::address(self.examples.get(name)?))
    }

    /// Checks whether a page shows this variant of an example.
    pub fn shows_variant(&self, example: &str, variant: &str) -> bool {
        let mut variants = self.variants.iter().filter(|(name, _)| *name == example);
        variants.any(|(_, variants)| variants.is_empty() || variants.contains(&variant))
    }

    /// Checks whether a page shows this part of an example.
    pub fn shows_part(&self, example: &str, part: &str) -> bool {
        self.parts.contains(&(example, part))
    }

    /// Checks whether a page shows this drawing.
    pub fn shows_drawing(&self, name: &str) -> bool {
        self.drawings.contains(name)
    }

    /// Checks whether a page shows this transcript.
    pub fn shows_transcript(&self, name: &str) -> bool {
        self.transcripts.contains(name)
    }

    /// The benchmarks that a page shows.
    pub fn benchmarks_on(&self, page: &str) -> impl Iterator<Item = &'a str> {
        let benchmarks = self.benchmarks.iter();
        benchmarks.filter(move |(_, pages)| pages.contains(&page)).map(|(name, _)| *name)
    }

    /// The number of times that pages show a benchmark.
    pub fn times_shown(&self, benchmark: &str) -> usize {
        self.benchmarks.get(benchmark).map_or(0, Vec::len)
    }

    /// The address of a benchmark, from the folder of all pages.
    pub fn benchmark(&self, name: &str) -> Option<String> {
        let page = self.benchmarks.get(name)?.first()?;
        Some(format!("{}#{}", Page::address(page), benchmark_id(name)))
    }
}
