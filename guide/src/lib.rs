//! The book, and the program that builds and serves it.
//!
//! `harness` finds and runs the examples and keeps their recordings. Here, [`timeline`] draws one
//! recording: the [`lanes`] that its output names and its OS [`threads`], with a [`legend`] and with the
//! [`facts`] that it shows. [`compare`] compares several, [`chart`] draws what `bench` measured, a
//! [`schedule`] shows which thread ran when and [`outcomes`] how often a tiny program did what, a
//! [`transcript`] shows what a tool printed, the [`ledger`] lists every claim with its proof, the
//! [`chooser`] asks which model a program needs, a [`figure`] shows all of an example, and
//! [`variants`] show several of its runs next to each other. They take their [`words`] from one table.
//! The [`preprocessor`] puts figures into each [`page`], using [`links`],
//! after [`check`] has found it sound; [`stdio`] offers it to a plain mdBook. The [`book`] is
//! rendered with links to its [`repository`], a [`screenshot`] of it is taken for the README, a [`server`] serves it under a strict [`csp`], and the [`runner`] runs examples for its
//! reader.

pub mod book;
pub mod chart;
pub mod check;
pub mod chooser;
pub mod compare;
pub mod csp;
pub mod drawing;
pub mod facts;
pub mod figure;
pub mod lanes;
pub mod ledger;
pub mod legend;
pub mod links;
pub mod outcomes;
pub mod page;
pub mod preprocessor;
pub mod repository;
pub mod runner;
pub mod schedule;
pub mod screenshot;
pub mod search;
pub mod server;
pub mod stdio;
pub mod threads;
pub mod timeline;
pub mod transcript;
pub mod variants;
pub mod watchdog;
pub mod words;
