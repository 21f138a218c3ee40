//! The files of a folder that pages name.
use std::fs;
use std::path::Path;

/// The names of a folder's files with this extension, without it, in alphabetical order.
pub fn names(folder: &Path, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let matching = paths.filter(|path| path.extension().is_some_and(|it| it == extension));
    let mut names: Vec<_> =
        matching.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort_unstable();
    names
}
