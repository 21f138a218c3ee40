//! Checks for faults that mdBook accepts without an error: dead links and fragments, ids that are not
//! unique in the book, headings without an id, and code written by hand.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use crate::page::links::{Links, benchmark_id};
use crate::page::{Fault, Page};

fn events(text: &str) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES;
    Parser::new_ext(text, options).into_offset_iter()
}

/// Checks all pages of a book against each other. `folder` contains the pages and their images.
pub fn check(pages: &[Page], links: &Links<'_>, folder: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut ids: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();

    for page in pages {
        let own = ids.entry(&page.path).or_default();
        own.extend(links.benchmarks_on(&page.path).map(benchmark_id));
        for (event, at) in events(&page.text) {
            let Event::Start(Tag::Heading { level, id, .. }) = event else { continue };
            match id {
                Some(id) => {
                    if let Some(other) = owners.insert(id.to_string(), &page.path) {
                        let message = format!(
                            "the id {id} is also used in {other}; an id must be unique in the \
                             book, because the print page contains all pages"
                        );
                        faults.push(page.fault(at.start, message));
                    }
                    own.insert(id.to_string());
                }
                None if level as usize > 1 => faults.push(page.fault(
                    at.start,
                    "the heading has no id; add one, as in `## What to watch for {#gather-watch}`",
                )),
                None => {}
            }
        }
    }

    for page in pages {
        for (event, at) in events(&page.text) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    let language = language.split(',').next().unwrap_or_default().trim();
                    if ["rust", "rs", "python", "py"].contains(&language) {
                        faults.push(page.fault(
                            at.start,
                            format!(
                                "{language} written by hand is never compiled or run; make it an \
                                 example and show it with {{{{#example NAME}}}}"
                            ),
                        ));
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    if let Err(message) = resolve(&dest_url, page, &ids, folder) {
                        faults.push(page.fault(at.start, message));
                    }
                }
                _ => {}
            }
        }
    }
    faults.sort();
    faults
}

/// Checks that a link leads to a page, to an id on it, or to a file next to the pages.
fn resolve(
    link: &str,
    page: &Page,
    ids: &BTreeMap<&str, BTreeSet<String>>,
    folder: &Path,
) -> Result<(), String> {
    if link.starts_with("https://") {
        return Ok(());
    }
    if link.contains("://") || link.starts_with('/') {
        return Err(format!("the link {link} is neither https:// nor relative"));
    }
    let (path, fragment) = match link.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (link, None),
    };
    let path = if path.is_empty() { page.path.clone() } else { join(&page.path, path) };

    match (ids.get(path.as_str()), fragment) {
        (Some(ids), Some(fragment)) if !ids.contains(fragment) => {
            let known: Vec<_> = ids.iter().map(String::as_str).collect();
            Err(format!("{path} has no id {fragment}; it has {}", known.join(", ")))
        }
        (Some(_), _) => Ok(()),
        (None, _) if path.ends_with(".md") => Err(format!("no page {path} in SUMMARY.md")),
        (None, _) if folder.join(&path).is_file() => Ok(()),
        (None, _) => Err(format!("no file {path}")),
    }
}

/// The path of a relative link, from the folder of all pages.
fn join(page: &str, link: &str) -> String {
    let mut parts: Vec<_> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pages: &[(&str, &str)]) -> Vec<String> {
        let pages: Vec<_> = pages
            .iter()
            .map(|(path, text)| Page {
                path: (*path).to_owned(),
                file: (*path).to_owned(),
                text: (*text).to_owned(),
            })
            .collect();
        let (links, _) = Links::of(&pages);
        let faults = check(&pages, &links, Path::new(env!("CARGO_MANIFEST_DIR")));
        faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn a_sound_book_passes() {
        let one = "# One\n\n## Part {#part}\n\n[two](deep/two.md#there) [up](#part) <https://x.y>\n\n\
                   [race](#benchmark-race)\n\n{{#benchmark race: time}}\n";
        let two = "# Two\n\n## There {#there}\n\n![picture](../book.toml) [one](../one.md)\n";
        assert_eq!(faults(&[("one.md", one), ("deep/two.md", two)]), [""; 0]);
    }

    #[test]
    fn each_fault_names_file_and_line() {
        let cases = [
            ("\n[x](two.md)", "one.md:2: no page two.md in SUMMARY.md"),
            ("[x](#gone)", "one.md:1: one.md has no id gone"),
            ("[x](gone.png)", "one.md:1: no file gone.png"),
            ("[x](http://x.y)", "one.md:1: the link http://x.y is neither"),
            ("# T\n\n## Part", "one.md:3: the heading has no id"),
            ("## A {#a}\n\n## B {#a}", "one.md:3: the id a is also used in one.md"),
            ("text\n\n```rust\nfn main() {}\n```", "one.md:3: rust written by hand"),
            ("```python,x\n```", "one.md:1: python written by hand"),
        ];
        for (text, expected) in cases {
            let faults = faults(&[("one.md", text)]);
            assert_eq!(faults.len(), 1, "{text:?}: {faults:?}");
            assert!(faults[0].starts_with(expected), "{text:?}: {faults:?}");
        }
    }
}
