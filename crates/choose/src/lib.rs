#![doc = include_str!("../README.md")]

mod delays;
pub mod machine;
pub mod measure;
mod measurement;
pub mod pass;
pub mod report;
pub mod rules;
mod samples;
