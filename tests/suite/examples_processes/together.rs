//! Processes that share a file or talk over a socket, and workers that are replaced.

use std::collections::BTreeSet;

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
    let of_jobs = |jobs| processes[jobs].iter().collect::<BTreeSet<_>>();
    assert_eq!([of_jobs(0..3).len(), of_jobs(3..6).len(), of_jobs(6..7).len()], [1, 1, 1]);
    assert_eq!(of_jobs(0..7).len(), 3, "three processes: {processes:?}");
}
