//! Finds the examples, runs them, and keeps what came of it.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] builds and runs one and counts its
//! [`costs`], a [`transcript`] is its tested output, and a [`recording`] keeps one run on one
//! [`machine`]. A [`schedule`] is a run under a scheduler of its own, [`results`] are what `bench`
//! measured, and [`outcomes`] what it counted. Nothing here knows of HTML or of the book.

pub mod costs;
pub mod examples;
mod files;
pub mod machine;
pub mod outcomes;
pub mod recording;
pub mod results;
pub mod run;
pub mod schedule;
pub mod transcript;
