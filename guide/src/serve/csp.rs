//! The Content-Security-Policy of the served book: nothing from other hosts, and only the
//! scripts of the book itself.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use axum::http::HeaderValue;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// The policy for the book in a folder. mdBook writes some scripts into the pages themselves; each
/// is allowed by its hash.
///
/// # Errors
///
/// When a page cannot be read.
pub fn policy(book: &Path) -> Result<HeaderValue> {
    let mut hashes = BTreeSet::new();
    for entry in fs::read_dir(book).with_context(|| format!("reading {}", book.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let page =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            for script in inline_scripts(&page) {
                hashes.insert(format!("'sha256-{}'", BASE64.encode(&Sha256::digest(script))));
            }
        }
    }
    let hashes = hashes.into_iter().collect::<Vec<_>>().join(" ");
    let policy = format!(
        "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; \
         frame-ancestors 'self'; form-action 'none'; base-uri 'self'"
    );
    HeaderValue::from_str(&policy).context("making a header of the policy")
}

fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script>").skip(1).filter_map(|rest| Some(rest.split_once("</script>")?.0))
}
