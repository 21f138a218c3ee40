//! The book, and the program that runs its examples, builds it and serves it.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] runs one and counts its
//! [`costs`], a [`transcript`] is its tested output, a [`recording`] keeps a run, [`timeline`]
//! draws one and [`compare`] compares many. A [`contest`] is what `bench` measured, [`chart`] draws
//! it, and the [`ledger`] has every claim with its proof. [`words`] are what all of these put on a
//! page.
//!
//! With the feature `book`, which is on unless one says otherwise, `page` puts all of it into pages
//! that `check` has found sound, `book` renders them, `server` serves them under a strict `csp`, and
//! the `runner` runs an example for one of its readers.

#[cfg(feature = "book")]
pub mod book;
pub mod chart;
#[cfg(feature = "book")]
pub mod check;
pub mod compare;
pub mod contest;
pub mod costs;
#[cfg(feature = "book")]
pub mod csp;
pub mod examples;
pub mod ledger;
#[cfg(feature = "book")]
pub mod page;
pub mod recording;
pub mod run;
#[cfg(feature = "book")]
pub mod runner;
#[cfg(feature = "book")]
pub mod server;
pub mod timeline;
pub mod transcript;
pub mod words;
