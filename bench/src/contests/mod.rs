//! The contests, a module each.

mod echo;
mod off_loading;
mod service;

use crate::contender::Contest;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Contest> {
    vec![off_loading::contest(), service::contest(), echo::contest()]
}

/// The programs of this workspace that contenders are, or start: they must have been built.
pub const PROGRAMS: [&str; 1] = ["compute-service"];

/// Does its part and ends, if this process was started by a contender: as one of its workers, as the
/// other end of its pipe, as its server. Else it returns at once. Call it first in `main`.
pub fn play_part() {
    off_loading::play_part();
    echo::play_part();
}
