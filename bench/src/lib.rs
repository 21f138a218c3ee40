//! Benchmarks: several implementations of the same work side by side, in Rust and in Python, next
//! to a lower bound.
//!
//! Each of the [`benchmarks`] lists its implementations, see [`benchmark`]. The [`runner`] runs them
//! in rounds, each in a process of its own, and the [`report`] prints their figures.
//! Implementations share [`measure`], [`work`], [`cores`] and [`usage`], and start their [`parts`].
//!
//! [`outcomes`] stands apart. It counts how often each outcome of a tiny program occurs on real
//! cores, which only a release build without a scheduler or a tracer around it can show.

pub mod benchmark;
pub mod benchmarks;
pub mod cores;
pub mod measure;
pub mod outcomes;
pub mod parts;
pub mod report;
pub mod runner;
pub mod usage;
pub mod work;
