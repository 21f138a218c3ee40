//! A page of its own with the picture of some runs.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::timeline::draw;
use crate::track::{Line, Track};
use crate::words::Words;
use crate::{REPLAY, STYLE};

/// The style of the page around a picture.
const PAGE_STYLE: &str = include_str!("page.css");

/// Draws some runs as a whole HTML page that needs no other file: with the
/// picture, the lines that the programs printed, the style, in light or dark
/// as the reader's system, and the replay.
///
/// ```
/// use picture::{Line, Track, page, words::ENGLISH};
///
/// let lines = vec![Line::stdout(0.1, "Task A starting")];
/// let page = page("fetch", &[Track::new(lines, 2.0)], &ENGLISH);
/// assert!(page.into_string().starts_with("<!DOCTYPE html>"));
/// ```
pub fn page(title: &str, tracks: &[Track<'_>], words: &Words) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(PAGE_STYLE)) }
            }
            body {
                h1 { (title) }
                main.recorded data-example=(title) {
                    (draw("picture", tracks, 0.0, words))
                    details.times {
                        summary { (words.lines_and_times) }
                        @for track in tracks {
                            (lines(track.name, &track.lines, words))
                        }
                    }
                }
                (replay_words(words))
                script { (PreEscaped(REPLAY)) }
            }
        }
    }
}

/// Draws the lines of a run as a table with their times.
pub fn lines(caption: &str, lines: &[Line<'_>], words: &Words) -> Markup {
    html! {
        table {
            caption { (caption) }
            tbody {
                @for line in lines {
                    tr {
                        td.number { (format!("{:.3} s", line.at)) }
                        td {
                            samp { (line.text) }
                            @if line.is_stderr { " " i { (words.on_stderr) } }
                        }
                    }
                }
            }
        }
    }
}

/// An element that passes the words of the replay to its script.
pub fn replay_words(words: &Words) -> Markup {
    let words = &words.replay;
    html! {
        div.replay-words hidden
            data-label=(words.label)
            data-play=(words.play)
            data-pause=(words.pause)
            data-position=(words.position)
            data-at=(words.at)
            data-previous=(words.previous)
            data-next=(words.next)
            data-speed=(words.speed)
            data-real=(words.real)
            data-slower=(words.slower)
            data-output=(words.output)
            data-no-output=(words.no_output) {}
    }
}
