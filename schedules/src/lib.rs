//! The races of the examples, run under a scheduler that decides at every step which thread goes
//! on.
//!
//! The examples stay as they are. `build.rs` makes a copy of each in which the threads and locks
//! are [shuttle](https://docs.rs/shuttle)'s, [`programs`] lists the copies, and [`explore`] finds
//! the schedules in which they fail. `cargo run -p schedules -- record` keeps these for the book,
//! see [`harness::kept::schedule`].

pub mod explore;
pub mod printed;
pub mod programs;
pub mod recording;
pub mod sync;

include!("rewrite.rs");
