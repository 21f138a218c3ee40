//! The formats of the files that are committed, so that the book can be built without running anything.
pub mod outcomes;
pub mod recording;
pub mod results;
pub mod schedule;
pub mod transcript;
