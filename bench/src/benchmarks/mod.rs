//! The benchmarks, one module each.

use std::path::PathBuf;

use anyhow::Result;

use crate::implementation::Benchmark;
use crate::{child, work};

mod async_state;
mod channels;
mod cpu;
mod echo;
mod false_sharing;
mod grain;
mod heartbeat;
mod locks;
mod message;
mod offloading;
mod python_call;
mod python_extension;
mod queue;
mod service;
mod slow;
mod spin_lock;
mod start;
mod uneven;
mod waiting;

/// Returns all benchmarks, in the order of the book.
pub fn all() -> Vec<Benchmark> {
    vec![
        waiting::benchmark(),
        slow::benchmark(),
        start::benchmark(),
        message::benchmark(),
        locks::benchmark(),
        channels::benchmark(),
        false_sharing::benchmark(),
        spin_lock::benchmark(),
        cpu::benchmark(),
        uneven::benchmark(),
        async_state::benchmark(),
        grain::benchmark(),
        heartbeat::benchmark(),
        offloading::benchmark(),
        python_extension::benchmark(),
        python_call::benchmark(),
        service::benchmark(),
        echo::benchmark(),
        queue::benchmark(),
        queue::scaling(),
    ]
}

/// If an implementation started this process as its worker, its server or the other end of its
/// pipe, plays that role and exits. Otherwise returns immediately. Call it first in `main`.
pub fn play_part() {
    child::play_part();
    process_pool::worker::<work::Job>();
    offloading::play_part();
    echo::play_part();
    queue::play_part();
}

/// Returns the path of another program of this workspace, which was built along with this one.
fn program(name: &str) -> Result<PathBuf> {
    Ok(child::this_program()?.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// The most memory that a process has had so far, in MiB. None where the system does not tell.
fn peak_memory(process: u32) -> Option<f64> {
    process_tree::peak_memory(process).map(|bytes| bytes as f64 / f64::from(1 << 20))
}
