//! One job with threads, rayon, async code and processes, in Rust and Python.
//!
//! The site answers only when four requests have arrived. So a program that ends has had four
//! requests under way at the same time, and one that has fewer is stopped at the time limit.

use std::fs;

use tests::{Output, WORKSPACE, transcript_of};

const PROGRAMS: [&str; 4] =
    ["four-ways-threads", "four-ways-rayon", "four-ways-async", "four-ways-processes"];

/// Compares the numbers of threads, with the site's thread, and of processes. They are counted from
/// outside, and known only on Linux.
fn assert_costs(output: &Output, threads: u64, processes: u64) {
    if cfg!(target_os = "linux") {
        assert_eq!(output.costs.threads, Some(threads), "OS threads");
        assert_eq!(output.costs.processes, Some(processes), "processes");
    }
}

#[test]
fn four_ways_threads() {
    let output = transcript_of("four-ways-threads").any_order("^Page").sampled().check();
    assert_costs(&output, 6, 1); // main, the site, and four workers
}

#[test]
fn four_ways_rayon() {
    let output = transcript_of("four-ways-rayon").any_order("^Page").sampled().check();
    assert_costs(&output, 6, 1); // main, the site, and the pool
}

#[test]
fn four_ways_async() {
    let output = transcript_of("four-ways-async").any_order("^Page").sampled().check();
    assert_costs(&output, 2, 1); // main and the site
}

#[test]
fn four_ways_processes() {
    let output = transcript_of("four-ways-processes").any_order("^Page").sampled().check();
    assert_costs(&output, 6, 5); // main, the site, and four workers
}

/// Each test above compares a program and its Python counterpart with the program's snapshot.
#[test]
fn four_ways_have_the_same_result() {
    let snapshots = PROGRAMS.map(|name| fs::read_to_string(WORKSPACE.snapshot(name)).unwrap());
    for (name, snapshot) in PROGRAMS.iter().zip(&snapshots) {
        assert_eq!(*snapshot, snapshots[0], "{name}");
    }
}

/// Each crate has a copy of the site, so that the crate can be copied into another project.
#[test]
fn four_ways_fetch_from_the_same_site() {
    let sites = PROGRAMS.map(|name| {
        let folder = &WORKSPACE.example(name).unwrap().folder;
        fs::read_to_string(WORKSPACE.root.join(folder).join("src/site.rs")).unwrap()
    });
    for (name, site) in PROGRAMS.iter().zip(&sites) {
        assert_eq!(*site, sites[0], "{name}");
    }
}
