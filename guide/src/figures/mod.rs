//! The figures that replace the directives of a page.
pub mod chart;
pub mod chooser;
pub mod compare;
pub mod context;
pub mod drawing;
pub mod example;
pub mod ledger;
pub mod outcomes;
pub mod recorded;
pub mod schedule;
pub mod transcript;
pub mod variants;
pub mod words;
