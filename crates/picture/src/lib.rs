//! Draws a run of a program: the lanes that its output names, what each OS thread did, and the cores in
//! use, with a legend and a description in words.
//!
//! The result is one piece of HTML that needs nothing else but [`STYLE`]. [`REPLAY`] adds a replay of the
//! run. The same run always gives the same bytes.

pub mod facts;
pub mod lanes;
mod legend;
pub mod threads;
pub mod timeline;
pub mod words;

/// The style sheet of a picture. It takes its colors from the custom properties of mdBook's themes.
pub const STYLE: &str = include_str!("timeline.css");
/// A script that moves a cursor over a finished picture, and shows the output up to it.
pub const REPLAY: &str = include_str!("replay.js");
