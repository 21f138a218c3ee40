//! Benchmarks: several implementations of the same work side by side, in Rust and in Python, next
//! to a lower bound.
//!
//! Each of the [`benchmarks`] lists its implementations. An [`implementation`] runs in a process of
//! its own, which gets the amount of work as arguments and prints its figures. The [`runner`] runs
//! the implementations in rounds, and the [`report`] prints a table and which ones are ahead. The
//! other modules are what they share. [`outcomes`] measures nothing: it counts what tiny
//! programs do.

pub mod benchmarks;
pub mod child;
pub mod cores;
pub mod extension;
pub mod implementation;
pub mod measure;
pub mod outcomes;
pub mod python;
pub mod report;
pub mod runner;
pub mod work;
