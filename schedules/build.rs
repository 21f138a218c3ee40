//! Copies each program into `OUT_DIR`, with the threads and locks of [shuttle](https://docs.rs/shuttle)
//! in place of those of std. Line numbers stay the same.
use std::path::PathBuf;
use std::{env, fs};

include!("src/rewrite.rs");

fn main() {
    let folder = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    for (name, source) in SOURCES {
        let source = format!("../{source}");
        println!("cargo::rerun-if-changed={source}");
        let text = fs::read_to_string(&source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let copy = folder.join(format!("{name}.rs"));
        fs::write(&copy, rewrite(&text)).unwrap_or_else(|error| panic!("{copy:?}: {error}"));
    }
}
