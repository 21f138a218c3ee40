//! The Content-Security-Policy of the served book: nothing from other hosts, and only the
//! scripts of the book itself.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use axum::http::HeaderValue;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// Returns the policy for the book in a folder. mdBook writes some scripts into the pages themselves;
/// each is allowed by its hash.
///
/// # Errors
///
/// When a page cannot be read.
pub fn policy(book: &Path) -> Result<HeaderValue> {
    let mut hashes = BTreeSet::new();
    add_hashes(book, &mut hashes)?;
    let hashes = hashes.into_iter().collect::<Vec<_>>().join(" ");
    let policy = format!(
        "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; \
         frame-ancestors 'self'; form-action 'none'; base-uri 'self'"
    );
    HeaderValue::from_str(&policy).context("making a header of the policy")
}

/// Adds the hashes of the scripts in the pages of a folder and of the folders in it.
fn add_hashes(folder: &Path, hashes: &mut BTreeSet<String>) -> Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            add_hashes(&path, hashes)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            let page =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            for script in inline_scripts(&page) {
                hashes.insert(format!("'sha256-{}'", BASE64.encode(&Sha256::digest(script))));
            }
        }
    }
    Ok(())
}

fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script>").skip(1).filter_map(|rest| Some(rest.split_once("</script>")?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_of_a_page_in_a_folder_is_allowed() {
        let book = tempfile::tempdir().unwrap();
        fs::create_dir(book.path().join("part")).unwrap();
        fs::write(book.path().join("part/page.html"), "<script>one()</script>").unwrap();
        let hash = BASE64.encode(&Sha256::digest("one()"));
        let policy = policy(book.path()).unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.contains(&format!("script-src 'self' 'sha256-{hash}';")), "{policy}");
    }
}
