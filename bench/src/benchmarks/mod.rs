//! The benchmarks, a module each.

use std::path::PathBuf;

use anyhow::Result;

use crate::implementation::Benchmark;
use crate::{child, work};

mod cpu;
mod echo;
mod grain;
mod heartbeat;
mod message;
mod offloading;
mod service;
mod slow;
mod start;
mod waiting;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Benchmark> {
    vec![
        waiting::benchmark(),
        slow::benchmark(),
        start::benchmark(),
        message::benchmark(),
        cpu::benchmark(),
        grain::benchmark(),
        heartbeat::benchmark(),
        offloading::benchmark(),
        service::benchmark(),
        echo::benchmark(),
    ]
}

/// Does its part and ends, if this process was started by an implementation: as one of its workers, as the
/// other end of its pipe, as its server. Else it returns at once. Call it first in `main`.
pub fn play_part() {
    child::play_part();
    process_pool::worker::<work::Job>();
    offloading::play_part();
    echo::play_part();
}

/// Another program of this workspace, which has been built beside this one.
fn program(name: &str) -> Result<PathBuf> {
    Ok(child::this_program()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The most memory that a process has had so far, in MiB. None where the system does not tell.
fn peak_memory(process: u32) -> Option<f64> {
    process_tree::peak_memory(process).map(|bytes| bytes as f64 / f64::from(1 << 20))
}
