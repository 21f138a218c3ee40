//! The rules of STYLE.md about words that a test can check: how a doc comment starts, and names.

use std::fs;
use std::sync::LazyLock;

use harness::files;
use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;
use tests::WORKSPACE;

#[test]
fn doc_comments_start_with_a_noun_or_a_verb() {
    assert_none(sources(|_| true).flat_map(|(file, text)| clauses(&file, &text)).collect());
}

#[test]
fn limits_are_named_min_and_max() {
    let is_ours = |folder: &str| !folder.starts_with("examples-");
    assert_none(sources(is_ours).flat_map(|(file, text)| superlatives(&file, &text)).collect());
}

#[test]
fn faults_have_their_lines() {
    let text = [
        "//! Reads what",
        "//! whether or not.",
        "/* */",
        "/// whether it is done",
        "fn a() {}",
        "/// The same.",
        "///",
        "/// How",
        r#"fn least_b() { c!("most", most); at_most; the_most_likely; }"#,
    ]
    .join("\n");
    assert_eq!(clauses("x", &text), ["x:4: whether it is done", "x:6: The same."]);
    assert_eq!(superlatives("x", &text), ["x:9: least_b", "x:9: most"]);
}

/// Finds the doc comments that start with a clause.
fn clauses(file: &str, text: &str) -> Vec<String> {
    static CLAUSE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?i:what|whether|how|where|who|whose|the same|as above)\b").unwrap()
    });
    let mut faults = Vec::new();
    let mut continues = false;
    for (number, line) in (1..).zip(text.lines().map(str::trim_start)) {
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim);
        if let Some(doc) = doc.filter(|doc| !continues && CLAUSE.is_match(doc)) {
            faults.push(format!("{file}:{number}: {doc}"));
        }
        continues = doc.is_some();
    }
    faults
}

/// Finds the names that begin or end with `least` or `most`, except `at_most` and `at_least`.
fn superlatives(file: &str, text: &str) -> Vec<String> {
    static SUPERLATIVE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("^(?i)(least|most)(_|$)|_(least|most)$").unwrap());
    let mut words = Vec::new();
    collect_words(text.parse().unwrap(), &mut words);
    words.retain(|word| SUPERLATIVE.is_match(word) && !word.to_lowercase().starts_with("at_"));
    words.sort();
    words.dedup();
    let line_of = |word: &String| {
        let word = Regex::new(&format!(r#"^([^"/]|"[^"]*")*\b{word}\b"#)).unwrap();
        text.lines().position(|line| word.is_match(line)).map_or(1, |index| index + 1)
    };
    words.iter().map(|word| format!("{file}:{}: {word}", line_of(word))).collect()
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The Rust sources in the selected top folders, each with its path from the root.
fn sources(is_selected: impl Fn(&str) -> bool) -> impl Iterator<Item = (String, String)> {
    let folders = fs::read_dir(&WORKSPACE.root).unwrap();
    let mut folders: Vec<_> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.retain(|name| !name.starts_with('.') && name != "target" && is_selected(name));
    folders.sort();
    let paths = folders.into_iter().flat_map(|name| files::below(&WORKSPACE.root, &name).unwrap());
    paths.filter(|path| path.ends_with(".rs")).map(|path| {
        let text = files::read(&WORKSPACE.root, &path).unwrap();
        (path, text)
    })
}

fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
