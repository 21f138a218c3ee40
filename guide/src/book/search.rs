//! Makes the search box find names in code.
//!
//! mdBook splits a text at spaces and hyphens only, so `std::sync::mpsc::channel()` and
//! `loop.run_in_executor(pool)` are one word each, and a search for `mpsc` finds nothing. This module
//! builds the index of the rendered book again, from the same texts, and adds the parts of such a
//! word to the word itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use elasticlunr::IndexBuilder;
use serde_json::{Map, Value};

/// The text before and after the JSON in mdBook's file.
const BEFORE: &str = "window.search = Object.assign(window.search, JSON.parse('";
const AFTER: &str = "'));";

/// Rebuilds the search index of the book in a folder.
///
/// # Errors
///
/// When there is no index, or it doesn't have the form that this version of mdBook writes.
pub fn rebuild(book: &Path) -> Result<()> {
    for entry in fs::read_dir(book).with_context(|| format!("reading {}", book.display()))? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("searchindex") && file.extension().is_some_and(|it| it == "js") {
            let index = fs::read_to_string(&file)?;
            let new = rebuilt(&index).with_context(|| format!("the index {name}"))?;
            return fs::write(&file, new).with_context(|| format!("writing {}", file.display()));
        }
    }
    anyhow::bail!("{} has no searchindex*.js", book.display())
}

fn rebuilt(script: &str) -> Result<String> {
    let json = script
        .trim_end()
        .strip_prefix(BEFORE)
        .and_then(|rest| rest.strip_suffix(AFTER))
        .context("it isn't in the form that mdBook 0.5 writes")?;
    let mut search: Value = serde_json::from_str(&unescaped(json))?;

    let fields = ["title", "body", "breadcrumbs"];
    let builder = fields.into_iter().fold(IndexBuilder::new(), |builder, field| {
        let tokenize = |text: &str| text.split_whitespace().flat_map(tokens).collect();
        builder.add_field_with_tokenizer(field, Box::new(tokenize))
    });
    let mut index = builder.build();
    let docs: &Map<String, Value> =
        search["index"]["documentStore"]["docs"].as_object().context("it has no documents")?;
    for (id, doc) in docs {
        index.add_doc(id, fields.map(|field| doc[field].as_str().unwrap_or_default()));
    }
    search["index"] = serde_json::to_value(index)?;
    let json = search.to_string().replace('\\', "\\\\").replace('\'', "\\'");
    Ok(format!("{BEFORE}{json}{AFTER}"))
}

/// Takes back the escapes of a JavaScript string in single quotes, as far as mdBook writes them.
fn unescaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        result.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    result
}

/// The words under which a reader may look for a word of the text: the word, what follows each `::`
/// in it, and its parts.
fn tokens(word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let is_part_of_name = |char: char| char.is_alphanumeric() || char == '_';
    let mut tokens = vec![word.clone()];
    tokens.extend(word.match_indices("::").map(|(at, _)| word[at + 2..].to_owned()));
    tokens.extend(word.split(|char| !is_part_of_name(char)).map(str::to_owned));
    tokens.retain(|token| token.chars().any(is_part_of_name));
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_parts() {
        assert_eq!(tokens("Threads"), ["threads"]);
        assert_eq!(
            tokens("std::sync::mpsc::channel()"),
            [
                "channel",
                "channel()",
                "mpsc",
                "mpsc::channel()",
                "std",
                "std::sync::mpsc::channel()",
                "sync",
                "sync::mpsc::channel()"
            ]
        );
        assert_eq!(
            tokens("loop.run_in_executor(f)"),
            ["f", "loop", "loop.run_in_executor(f)", "run_in_executor"]
        );
        assert_eq!(tokens("Arc<Mutex<T>>"), ["arc", "arc<mutex<t>>", "mutex", "t"]);
        assert_eq!(tokens("–"), [""; 0]);
    }

    #[test]
    fn an_index_is_built_again_from_its_own_texts() {
        let mut index = elasticlunr::Index::new(&["title", "body", "breadcrumbs"]);
        index.add_doc("0", ["It's", "\"quoted\" a::b", "x"]);
        let search = serde_json::json!({ "doc_urls": ["p.html#q"], "index": index });
        let json = search.to_string().replace('\\', "\\\\").replace('\'', "\\'");
        let script = rebuilt(&format!("{BEFORE}{json}{AFTER}")).unwrap();

        let json = unescaped(script.strip_prefix(BEFORE).unwrap().strip_suffix(AFTER).unwrap());
        let rebuilt: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(rebuilt["doc_urls"], search["doc_urls"]);
        let (old, new) = (&search["index"], &rebuilt["index"]);
        assert_eq!(old["documentStore"]["docs"], new["documentStore"]["docs"]);
        assert_eq!(new["index"]["body"]["root"]["b"]["docs"]["0"]["tf"], 1.0);
        assert!(super::rebuilt("window.search = 1;").is_err());
    }
}
