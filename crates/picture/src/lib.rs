#![doc = include_str!("../README.md")]

pub mod axis;
mod facts;
mod lanes;
mod legend;
mod page;
mod threads;
mod timeline;
mod track;
pub mod words;

pub use facts::{Bars, Fact, Wait};
pub use lanes::workers;
pub use page::{lines, page, replay_words};
pub use threads::{Name, Role};
pub use timeline::draw;
pub use track::{Line, Track};

/// The style sheet of a picture. It takes its colors from the custom
/// properties of mdBook's themes, and has its own ones where they are missing.
pub const STYLE: &str = include_str!("timeline.css");
/// The script that replays a run: it moves a cursor over the finished picture,
/// and shows the output up to it. It needs [`replay_words`] on the page, and
/// [`lines`] next to the picture; see [`page`].
pub const REPLAY: &str = include_str!("replay.js");
