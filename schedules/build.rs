//! Copies each program into `OUT_DIR`, with the threads and locks of [shuttle](https://docs.rs/shuttle)
//! in place of those of std. Line numbers stay the same.
use std::path::PathBuf;
use std::{env, fs};

include!("src/rewrite.rs");

fn main() {
    for (name, source) in SOURCES {
        write(name, &rewrite(&read(source)));
    }
    // For tests/examples.rs, which has no recordings.
    for name in ["compare-exchange", "rendezvous", "snapshot-config"] {
        write(name, &rewrite(&read(&format!("examples-threads/{name}/src/main.rs"))));
    }
    // For tests/memory.rs: the example's type without its `main`, which loom can't run because
    // loom has no scoped threads. The same type with Relaxed in place of the other orderings.
    let source = read("examples-threads/publish/src/main.rs").replace("//!", "//");
    let part = source.split("fn main").next().expect("a split has a first part");
    for world in ["loom", "shuttle"] {
        let part = part.replace("std::sync", &format!("{world}::sync"));
        write(&format!("publish-{world}"), &part);
        let relaxed = part.replace("::Release", "::Relaxed").replace("::Acquire", "::Relaxed");
        write(&format!("publish-{world}-relaxed"), &relaxed);
    }
}

/// Reads a source, from the workspace's root.
fn read(source: &str) -> String {
    let source = format!("../{source}");
    println!("cargo::rerun-if-changed={source}");
    fs::read_to_string(&source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn write(name: &str, text: &str) {
    let folder = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let copy = folder.join(format!("{name}.rs"));
    fs::write(&copy, text).unwrap_or_else(|error| panic!("{}: {error}", copy.display()));
}
