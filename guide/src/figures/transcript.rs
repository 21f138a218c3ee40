//! Shows a transcript: the output of a tool such as a debugger in a terminal. Tests make the
//! transcripts and check them; see `tests/suite/guide/transcripts.rs`.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use maud::{Markup, PreEscaped, html};

use crate::figures::words::Words;

/// The folder of all transcripts, from the workspace's root. `NAME.txt` begins with a line that has
/// the day and the tool, separated by a space.
pub const FOLDER: &str = "guide/recordings/transcripts";

/// The command that records all transcripts again.
const COMMAND: &str = "RECORD_TRANSCRIPTS=1 cargo test -p tests transcripts";

/// A transcript with its day, its tool, and the command that records it again.
///
/// # Errors
///
/// When there is no such transcript, or its first line is not a day and a tool.
pub fn draw(root: &Path, name: &str, words: &Words) -> Result<Markup> {
    let file = format!("{FOLDER}/{name}.txt");
    let text = fs::read_to_string(root.join(&file))
        .with_context(|| format!("there is no transcript {file}; `{COMMAND}` makes it"))?;
    let (head, output) = text.split_once('\n').unwrap_or_default();
    let (day, tool) = head
        .split_once(' ')
        .with_context(|| format!("{file}:1: write the day and the tool, with a space"))?;
    // A blank line would end the HTML.
    let escaped = html! { (output.trim_end()) }.into_string().replace('\n', "&#10;");
    Ok(html! {
        figure.transcript data-transcript=(name) {
            pre tabindex="0" role="group" aria-label=(name) { samp { (PreEscaped(escaped)) } }
            figcaption { ((words.transcript)(day, tool)) " " code { (COMMAND) } }
        }
    })
}
