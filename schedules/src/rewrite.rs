// The programs that run under shuttle, by name, and what changes in their sources. Included by
// `build.rs`, which makes the copies, and by the crate, whose tests check them.

/// The sources, from the workspace's root.
pub const SOURCES: &[(&str, &str)] = &[
    ("lost-update", "examples-threads/lost-update/src/main.rs"),
    ("check-then-act", "examples-threads/check-then-act/src/main.rs"),
    ("deadlock", "examples-threads/deadlock/src/main.rs"),
    ("dining-philosophers", "examples-threads/dining-philosophers/src/main.rs"),
    ("condvar", "examples-threads/condvar/src/main.rs"),
    ("condvar-if", "schedules/programs/condvar-if.rs"),
    ("semaphore", "schedules/programs/semaphore.rs"),
];

/// Returns a source with shuttle's threads and locks. Only paths change, and the comment at its head,
/// which can't be included in the middle of a file.
pub fn rewrite(source: &str) -> String {
    source
        .replace("std::sync", "crate::sync")
        .replace("std::thread", "shuttle::thread")
        .replace("//!", "//")
}
