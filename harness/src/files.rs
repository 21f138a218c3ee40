//! JSON files that are kept in the repository.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes a JSON file atomically: readers see the old file or the new one.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(value: &impl Serialize, file: &Path) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    let new = file.with_extension("json.new");
    fs::write(&new, text).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, file).with_context(|| format!("writing {}", file.display()))
}
