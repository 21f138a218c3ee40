//! The book, and the program that runs its examples, builds it and serves it.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] runs one and counts its
//! [`costs`], a [`transcript`] is its tested output, a [`recording`] keeps a run, [`timeline`]
//! draws one and [`compare`] compares many, [`page`] puts all of it into pages that [`check`] has
//! found sound, [`book`] renders them, [`server`] serves them.

pub mod book;
pub mod check;
pub mod compare;
pub mod costs;
pub mod examples;
pub mod page;
pub mod recording;
pub mod run;
pub mod server;
pub mod timeline;
pub mod transcript;
