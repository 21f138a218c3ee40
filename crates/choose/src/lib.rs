//! What `choose` measures and how it decides.
//!
//! [`measure::run`] runs a command and returns a [`measure::Measured`];
//! [`rules::verdict`] is a pure function from that to a [`rules::Verdict`].

pub mod machine;
pub mod measure;
pub mod pass;
pub mod report;
pub mod rules;
