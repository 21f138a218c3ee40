//! The book, and the program that runs its examples, builds it and serves it.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] runs one and counts its
//! [`costs`], a [`transcript`] is its tested output, a [`recording`] keeps a run, [`timeline`]
//! draws one and [`compare`] compares many, [`page`] puts all of it into pages that [`check`] has
//! found sound, [`book`] renders them, [`server`] serves them under a
//! strict [`csp`], and the [`runner`] runs an example for one of its readers.

pub mod book;
pub mod chart;
pub mod check;
pub mod compare;
pub mod contest;
pub mod costs;
pub mod csp;
pub mod examples;
pub mod ledger;
pub mod page;
pub mod recording;
pub mod run;
pub mod runner;
pub mod server;
pub mod timeline;
pub mod transcript;
pub mod words;
