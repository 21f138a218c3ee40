//! The output of an example, as the tests compare it and the book shows it: groups of lines. Each
//! group says in which order its lines may come.
//!
//! In a snapshot, a group is a heading and indented lines:
//!
//! ```text
//! in any order:
//!   Worker 0 starting
//!   Worker 1 starting
//! in order:
//!   All done in <time>
//! ```
//!
//! A name between `<` and `>` stands for text that differs from run to run.
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

use crate::run::{Stream, TimedLine};

/// The output of an example, group by group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The groups in the order in which they are printed. Those on stderr come last.
    pub groups: Vec<Group>,
}

/// Lines that share one rule about their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The rule.
    pub order: Order,
    /// The lines without their line ends, sorted if their order is free.
    pub lines: Vec<String>,
}

/// The order in which a group's lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Every run prints them in this order.
    Fixed,
    /// Every run prints them, in any order.
    Free,
    /// One line, which is printed one or more times.
    Repeated,
    /// Every run prints them to stderr in this order.
    Stderr,
}

impl Order {
    const ALL: [Self; 4] = [Self::Fixed, Self::Free, Self::Repeated, Self::Stderr];

    /// Returns the heading of such a group in a snapshot.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Fixed => "in order",
            Self::Free => "in any order",
            Self::Repeated => "one or more times",
            Self::Stderr => "on stderr",
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            writeln!(f, "{}:", group.order.heading())?;
            for line in &group.lines {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Transcript {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut groups: Vec<Group> = Vec::new();
        for line in text.lines() {
            if let Some(line) = line.strip_prefix("  ") {
                let group =
                    groups.last_mut().context("there is a line before the first heading")?;
                group.lines.push(line.to_owned());
            } else {
                let order = Order::ALL.into_iter().find(|o| line == format!("{}:", o.heading()));
                let order = order.with_context(|| format!("{line:?} is not a known heading"))?;
                groups.push(Group { order, lines: Vec::new() });
            }
        }
        if groups.iter().any(|group| group.lines.is_empty()) {
            bail!("a heading has no lines below it");
        }
        Ok(Self { groups })
    }
}

impl Transcript {
    /// Checks the output of a run against the transcript.
    ///
    /// # Errors
    ///
    /// When they differ. The message names the first line that differs.
    pub fn admits(&self, lines: &[TimedLine]) -> Result<()> {
        let of = |stream: Stream| {
            let lines = lines.iter().filter(move |line| line.stream == stream);
            lines.map(|line| line.text.as_str()).peekable()
        };
        let (mut stdout, mut stderr) = (of(Stream::Stdout), of(Stream::Stderr));

        for Group { order, lines } in &self.groups {
            match order {
                Order::Fixed | Order::Stderr => {
                    let output = if *order == Order::Stderr { &mut stderr } else { &mut stdout };
                    for line in lines {
                        let next = output.next().with_context(|| format!("{line:?} is missing"))?;
                        ensure!(fits(next, line), "{next:?} where {line:?} was tested");
                    }
                }
                Order::Free => {
                    let mut open: Vec<_> = lines.iter().collect();
                    while !open.is_empty() {
                        let next =
                            stdout.next().with_context(|| format!("{open:?} are missing"))?;
                        let position = open.iter().position(|line| fits(next, line));
                        open.remove(position.with_context(|| format!("{next:?} was not tested"))?);
                    }
                }
                Order::Repeated => {
                    let line = lines.first().context("a heading has no line below it")?;
                    ensure!(stdout.next_if(|next| fits(next, line)).is_some(), "no {line:?}");
                    while stdout.next_if(|next| fits(next, line)).is_some() {}
                }
            }
        }
        for mut rest in [stdout, stderr] {
            if let Some(line) = rest.next() {
                bail!("{line:?} was not tested");
            }
        }
        Ok(())
    }

    /// Reads the transcript from a snapshot file, below the header that insta writes.
    ///
    /// # Errors
    ///
    /// When the file is missing or does not contain a transcript. The message names the file and
    /// the command that creates it.
    pub fn read(snapshot: &Path) -> Result<Self> {
        let read = || {
            let text = std::fs::read_to_string(snapshot)?.replace("\r\n", "\n");
            let (_, body) = text
                .strip_prefix("---\n")
                .and_then(|text| text.split_once("\n---\n"))
                .context("it has no header between two lines of `---`")?;
            body.parse()
        };
        read().with_context(|| {
            let file = snapshot.display();
            format!("the tested output {file}: run `INSTA_UPDATE=always cargo test` to create it")
        })
    }
}

/// Returns true if a line of output is the line of a transcript.
fn fits(line: &str, pattern: &str) -> bool {
    values(line, pattern).is_some()
}

/// Returns the text that a line of output has in place of each `<name>` in the line of a transcript.
/// None if it isn't that line.
pub fn values<'a>(line: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let Some((before, _, after)) = next_name(pattern) else {
        return (line == pattern).then(Vec::new);
    };
    let rest = line.strip_prefix(before)?;
    // A name stands for at least one character, and for as many as let the rest fit.
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]).filter(|end| *end > 0);
    ends.into_iter().find_map(|end| {
        let mut values = values(&rest[end..], after)?;
        values.insert(0, &rest[..end]);
        Some(values)
    })
}

/// Splits the line of a transcript at the first `<name>` into the text before it, the name and the text
/// after it.
pub fn next_name(pattern: &str) -> Option<(&str, &str, &str)> {
    for (open, _) in pattern.match_indices('<') {
        if let Some((name, after)) = pattern[open + 1..].split_once('>')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase())
        {
            return Some((&pattern[..open], name, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "in any order:\n  a\n  b\nin order:\n    indented\n  \n  last\non stderr:\n  e\n";

    #[test]
    fn a_transcript_is_read_and_written() {
        let transcript: Transcript = TEXT.parse().unwrap();
        assert_eq!(transcript.groups[1].lines, ["  indented", "", "last"]);
        assert_eq!(transcript.to_string(), TEXT);
    }

    #[test]
    fn a_name_stands_for_what_was_printed() {
        assert_eq!(values("2 of 3 in 0.5 s", "<n> of 3 in <time> s"), Some(vec!["2", "0.5"]));
        assert_eq!(values("plain", "plain"), Some(vec![]));
        assert_eq!(values(" of 3", "<n> of 3"), None);
        assert_eq!(values("2 of 4", "<n> of 3"), None);
    }

    #[test]
    fn output_that_was_not_tested_is_not_admitted() {
        let text = "in any order:\n  a <id>\n  b\none or more times:\n  tick\nin order:\n  end <n>/<n>\non stderr:\n  e\n";
        let transcript: Transcript = text.parse().unwrap();
        let admits = |lines: &[&str]| {
            let line = |text: &&str| {
                let stream = if *text == "e" { Stream::Stderr } else { Stream::Stdout };
                TimedLine { at: 0.0, stream, text: (*text).to_owned() }
            };
            transcript.admits(&lines.iter().map(line).collect::<Vec<_>>()).is_ok()
        };
        assert!(admits(&["a 1", "b", "tick", "end 1/2", "e"]));
        assert!(admits(&["e", "b", "a xyz", "tick", "tick", "end 10/20"]));
        for wrong in [
            &["a ", "b", "tick", "end 1/2", "e"][..],
            &["a 1", "a 2", "tick", "end 1/2", "e"],
            &["a 1", "b", "end 1/2", "e"],
            &["a 1", "b", "tick", "end 1", "e"],
            &["a 1", "b", "tick", "end 1/2"],
            &["a 1", "b", "tick", "end 1/2", "more", "e"],
            &["a 1", "tick", "b", "end 1/2", "e"],
            &[],
        ] {
            assert!(!admits(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["  line", "in order:\n", "sorted:\n  a", "in order:\nline"] {
            assert!(text.parse::<Transcript>().is_err(), "{text:?}");
        }
    }
}
