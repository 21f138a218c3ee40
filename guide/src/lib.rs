//! The book, and the program that builds and serves it.
//!
//! `harness` finds and runs the examples and keeps their recordings. Here [`timeline`] draws one,
//! [`compare`] compares many, [`chart`] draws what `bench` measured, and the [`ledger`] has every
//! claim with its proof. [`schedule`] draws which thread ran when, and [`outcomes`] how often a tiny
//! program did what. [`words`] are what all of these put on a page. [`page`] puts all of it into
//! pages that [`check`] has found sound, [`book`] renders them, [`server`] serves them under a
//! strict [`csp`], and the [`runner`] runs an example for a reader of the served book.

pub mod book;
pub mod chart;
pub mod check;
pub mod compare;
pub mod csp;
pub mod ledger;
pub mod outcomes;
pub mod page;
pub mod runner;
pub mod schedule;
pub mod search;
pub mod server;
pub mod timeline;
pub mod words;
