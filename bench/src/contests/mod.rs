//! The contests, a module each.

use crate::contender::Contest;

/// All of them, in the order in which the book takes them.
pub fn all() -> Vec<Contest> {
    vec![]
}

/// The programs of this workspace that contenders are, or start: they must have been built.
pub const PROGRAMS: [&str; 0] = [];
