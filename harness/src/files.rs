//! The files of a workspace: sources to read, and JSON to write.
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

/// Reads a file, which is named from the workspace's root.
///
/// # Errors
///
/// When the file cannot be read. The message names it.
pub fn read(root: &Path, file: &str) -> Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))
}

/// Returns the files below a folder, from the workspace's root, with `/`, in alphabetical order. There
/// are none if there is no such folder.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn below(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    if root.join(folder).is_dir() {
        let entries = fs::read_dir(root.join(folder));
        for entry in entries.with_context(|| format!("reading {folder}"))? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                files.extend(below(root, &path)?);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
