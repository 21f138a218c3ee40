//! Benchmarks: the ways to do the same work side by side, in Rust and in Python, and beside what
//! cannot be beaten.
//!
//! Each of the [`benchmarks`] names its implementations. A [`implementation`] is a process of its own, which is
//! told how much to do and prints its figures; [`arena`] has them take turns, in rounds; the
//! [`report`] says who is ahead. The other modules are what they share.
//! [`outcomes`] measures nothing: it counts what tiny programs do.

pub mod arena;
pub mod benchmarks;
pub mod child;
pub mod cores;
pub mod implementation;
pub mod measure;
pub mod outcomes;
pub mod python;
pub mod report;
pub mod work;
