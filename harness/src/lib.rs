//! Finds the examples, runs them, and keeps the results.
//!
//! Data flows one way: [`examples`] finds the examples, [`run`] builds and runs one, and [`kept`] reads
//! and writes the files that are kept of it.

pub mod examples;
pub mod files;
pub mod kept;
pub mod own_crate;
pub mod run;
