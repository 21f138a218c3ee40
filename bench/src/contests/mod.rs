//! The contests, a module each.

mod cpu;
mod grain;
mod heartbeat;
mod message;
mod start;

use crate::contender::Contest;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Contest> {
    vec![
        start::contest(), //
        message::contest(),
        cpu::contest(),
        grain::contest(),
        heartbeat::contest(),
    ]
}

/// The programs of this workspace that contenders are, or start: they must have been built.
pub const PROGRAMS: [&str; 0] = [];
