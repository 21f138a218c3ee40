//! Recorded runs, in the form in which a picture takes them.
use harness::kept::recording::Run;
use harness::run::{Stream, TimedLine};
use picture::{Line, Track};

/// The track of a run that has ended, under this name, on a machine with this number of cores.
pub fn track<'a>(run: &'a Run, name: &'a str, cores: u32) -> Track<'a> {
    Track::new(lines(&run.lines), run.wall).name(name).activity(run.activity.as_ref(), cores)
}

/// The lines that a program has printed.
pub fn lines(lines: &[TimedLine]) -> Vec<Line<'_>> {
    let drawn = lines.iter().map(|TimedLine { at, stream, text }| match stream {
        Stream::Stdout => Line::stdout(*at, text),
        Stream::Stderr => Line::stderr(*at, text),
    });
    drawn.collect()
}
