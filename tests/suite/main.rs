//! Every integration test, in one binary, so that cargo runs all of them together. The modules
//! mirror the folders that they test.

mod architecture;
mod bench;
mod crates {
    mod choose;
    mod compute_service;
}
mod examples_async;
mod examples_processes;
mod examples_python;
mod examples_threads;
mod guide {
    mod browser;
    mod chooser;
    mod pages;
    mod runs;
    mod schedules;
    mod search;
    mod transcripts;
    mod words;
}
mod harness {
    mod activity;
}
mod own_crates;
mod voice;
mod workspace;
