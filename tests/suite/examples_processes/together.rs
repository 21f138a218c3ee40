//! Processes that share a file or talk over a socket, and workers of a pool or a queue.

use std::collections::BTreeSet;
#[cfg(unix)]
use std::path::Path;

use tests::transcript_of;

/// Two programs lose none of their updates, and a second instance notices the first one.
#[cfg(unix)] // the Python counterpart locks with fcntl
#[test]
fn file_lock() {
    transcript_of("file-lock").check();
}

#[cfg(unix)]
#[test]
fn unix_socket() {
    transcript_of("unix-socket").check();
}

/// Jobs 1 to 3, 4 to 6 and 7 each have a process of their own.
#[test]
fn worker_recycling() {
    let output = transcript_of("worker-recycling").mask(r"process \d+", "process <pid>").check();
    let processes = output.numbers(r"\(process (\d+)\)");
    let different: Vec<_> =
        processes.chunks(3).map(|jobs| jobs.iter().collect::<BTreeSet<_>>().len()).collect();
    assert_eq!(different, [1, 1, 1], "{processes:?}");
    assert_eq!(processes.iter().collect::<BTreeSet<_>>().len(), 3, "{processes:?}");
}

#[test]
fn worker_pool() {
    transcript_of("worker-pool")
        .mask(r"'main' \(\d+\)", "'main' (<pid>)")
        .mask(r" \(core dumped\)", "")
        .python_differs()
        .check();
}

#[cfg(unix)]
#[test]
fn many_machines() {
    if tests::has(Path::new("nats-server")) {
        transcript_of("many-machines").check();
    }
}
