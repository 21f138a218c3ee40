//! Finds the examples, runs them, and keeps the results.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] builds and runs one and measures
//! its [`costs`] and the [`activity`] of its threads, a [`transcript`] is its tested output, and a [`recording`] keeps one run on one
//! [`machine`]. A [`schedule`] is a run under a scheduler of its own, [`results`] are what `bench`
//! measured, and [`outcomes`] what it counted. A page names all of these by a [`directive`].
//! Nothing here knows about HTML or the book.

pub mod activity;
pub mod costs;
pub mod directive;
pub mod examples;
mod files;
pub mod machine;
pub mod outcomes;
pub mod own_crate;
pub mod recording;
pub mod results;
pub mod run;
pub mod schedule;
pub mod source;
pub mod statement;
mod states;
pub mod suite;
pub mod transcript;
