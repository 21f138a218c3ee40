//! The text of a source file, as a whole or in parts. A part stands between the marks
//! `// ANCHOR: name` and `// ANCHOR_END: name`, which are left out.
use anyhow::{Result, ensure};

/// A mark on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark<'a> {
    Start(&'a str),
    End(&'a str),
}

impl<'a> Mark<'a> {
    fn on(line: &'a str) -> Option<Self> {
        let comment = line.trim_start().trim_start_matches(['/', '#']).trim();
        if let Some(name) = comment.strip_prefix("ANCHOR: ") {
            Some(Self::Start(name.trim()))
        } else {
            Some(Self::End(comment.strip_prefix("ANCHOR_END: ")?.trim()))
        }
    }
}

/// The names of a source's parts, each with the line of its mark, from 1.
pub fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(number, line)| match Mark::on(line) {
        Some(Mark::Start(name)) => Some((number + 1, name)),
        _ => None,
    })
}

/// One part of a source, or all of it, without marks and without common indentation.
///
/// # Errors
///
/// When the part is missing, empty or not closed. The message names the existing parts.
pub fn excerpt(text: &str, part: Option<&str>) -> Result<String> {
    let mut inside = part.is_none();
    let mut lines = Vec::new();
    for line in text.lines() {
        match Mark::on(line) {
            Some(Mark::Start(name)) if Some(name) == part => inside = true,
            Some(Mark::End(name)) if Some(name) == part => inside = false,
            Some(_) => {}
            None if inside => lines.push(line),
            None => {}
        }
    }
    if let Some(part) = part {
        ensure!(
            !lines.is_empty(),
            "no lines between `ANCHOR: {part}` and its end; {}",
            known(text)
        );
        ensure!(!inside, "`ANCHOR: {part}` is never closed by `ANCHOR_END: {part}`");
    }

    let written = lines.iter().filter(|line| !line.trim().is_empty());
    let indentation = written.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let dedented: Vec<_> = lines.iter().map(|line| line.get(indentation..).unwrap_or("")).collect();
    Ok(dedented.join("\n").trim_matches('\n').to_owned())
}

fn known(text: &str) -> String {
    let names: Vec<_> = parts(text).map(|(_, name)| name).collect();
    match names[..] {
        [] => "the file has no parts".to_owned(),
        _ => format!("the parts are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "a\n    // ANCHOR: x\n    b {\n\n        c\n    // ANCHOR_END: x\nd\n# ANCHOR: y\ne\n";

    #[test]
    fn excerpt_is_dedented_and_free_of_marks() {
        assert_eq!(excerpt(TEXT, Some("x")).unwrap(), "b {\n\n    c");
        assert_eq!(excerpt(TEXT, None).unwrap(), "a\n    b {\n\n        c\nd\ne");
    }

    #[test]
    fn parts_are_named_with_their_lines() {
        assert_eq!(parts(TEXT).collect::<Vec<_>>(), [(2, "x"), (8, "y")]);
    }

    #[test]
    fn a_part_must_exist_and_be_closed() {
        let error = |part| excerpt(TEXT, Some(part)).unwrap_err().to_string();
        assert_eq!(error("y"), "`ANCHOR: y` is never closed by `ANCHOR_END: y`");
        assert!(error("z").ends_with("the parts are x, y"), "{}", error("z"));
    }
}
