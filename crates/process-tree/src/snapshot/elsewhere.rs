//! Systems that do not show a tree of processes.

use super::{Detail, Snapshot};

pub(super) fn of(_process: u32, _detail: Detail) -> Option<Snapshot> {
    None
}

pub(super) fn of_children(
    _waited_for: Option<u32>,
    _detail: Detail,
) -> Option<Snapshot> {
    None
}
