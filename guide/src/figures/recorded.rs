//! Recorded runs, in the form in which a picture takes them.
use harness::kept::recording::Run;
use harness::run::{Stream, TimedLine};
use picture::lanes::Line;
use picture::timeline::Track;

/// The track of a run that has ended, under this name, on a machine with so many cores.
pub fn track<'a>(run: &'a Run, name: &'a str, cores: u32) -> Track<'a> {
    let activity = run.activity.as_ref();
    Track { name, lines: lines(&run.lines), wall: run.wall, ended: true, activity, cores }
}

/// The lines that a program has printed.
pub fn lines(lines: &[TimedLine]) -> Vec<Line<'_>> {
    let is_stderr = |line: &TimedLine| line.stream == Stream::Stderr;
    lines
        .iter()
        .map(|line| Line { at: line.at, is_stderr: is_stderr(line), text: &line.text })
        .collect()
}
