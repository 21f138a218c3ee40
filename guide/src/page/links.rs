//! Where on the pages things are, and where the book keeps its copies of files.
use std::collections::BTreeMap;

use crate::page::directive::Directive;
use crate::page::suite::Test;

use crate::page::Page;

/// Where the book keeps its copy of a file of the workspace: as text, which any browser shows, also
/// from `file://`.
pub fn copy_of(file: &str) -> String {
    format!("{file}.txt")
}

/// The address of a test, from the folder of all pages: its function in the copy of its file.
pub fn test(test: &Test) -> String {
    format!("{}#:~:text=fn%20{}(", copy_of(&test.file), test.name)
}

/// The id of a benchmark's figure.
pub fn benchmark_id(name: &str) -> String {
    format!("benchmark-{name}")
}

/// Where on the pages things are.
#[derive(Debug)]
pub struct Links<'a> {
    /// The page that explains each example: the first one that shows it.
    examples: BTreeMap<&'a str, &'a str>,
    /// The pages that show each benchmark.
    benchmarks: BTreeMap<&'a str, Vec<&'a str>>,
    /// The parts of examples that pages show, as (example, part).
    parts: Vec<(&'a str, &'a str)>,
    /// The variants that pages show, as (example, variants). No variants stand for all of them.
    variants: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Links<'a> {
    /// Finds what the pages show.
    pub fn of(pages: &'a [Page]) -> Self {
        let mut links = Self {
            examples: BTreeMap::new(),
            benchmarks: BTreeMap::new(),
            parts: Vec::new(),
            variants: Vec::new(),
        };
        for page in pages {
            let path = page.path.as_str();
            for directive in Directive::all(&page.text) {
                match directive {
                    Directive::Example { name, parts } => {
                        links.examples.entry(name).or_insert(path);
                        links.parts.extend(parts.into_iter().map(|part| (name, part)));
                    }
                    Directive::Benchmark { name, .. } => {
                        links.benchmarks.entry(name).or_default().push(path);
                    }
                    Directive::Variants { name, variants } => {
                        links.variants.push((name, variants));
                    }
                    _ => {}
                }
            }
        }
        links
    }

    /// The address of the page that explains an example, from the folder of all pages.
    pub fn example(&self, name: &str) -> Option<String> {
        Some(Page::address(self.examples.get(name)?))
    }

    /// Whether a page shows this variant of an example.
    pub fn shows_variant(&self, example: &str, variant: &str) -> bool {
        let mut shown = self.variants.iter().filter(|(name, _)| *name == example);
        shown.any(|(_, variants)| variants.is_empty() || variants.contains(&variant))
    }

    /// Whether a page shows this part of an example.
    pub fn shows_part(&self, example: &str, part: &str) -> bool {
        self.parts.contains(&(example, part))
    }

    /// How many times pages show a benchmark.
    pub fn times_shown(&self, benchmark: &str) -> usize {
        self.benchmarks.get(benchmark).map_or(0, Vec::len)
    }

    /// The address of a benchmark, from the folder of all pages.
    pub fn benchmark(&self, name: &str) -> Option<String> {
        let page = self.benchmarks.get(name)?.first()?;
        Some(format!("{}#{}", Page::address(page), benchmark_id(name)))
    }
}
