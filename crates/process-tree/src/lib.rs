#![doc = include_str!("../README.md")]

pub mod activity;
mod clocks;
mod monitor;
mod process;
mod recorder;
mod sampler;
mod snapshot;
mod wait;

pub use monitor::{Monitor, Peaks};
pub use process::{
    adopt_orphans, cpu_time, ignored_signals, own_cpu_time, peak_memory,
};
pub use sampler::{Observer, Pace, Sampler, Target};
pub use snapshot::{
    Detail, KernelState, MAX_THREADS, Snapshot, ThreadSample, Times,
};
pub use wait::Wait;
