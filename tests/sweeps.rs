//! Says at the end of `cargo test` which sweeps it has left out. A sweep is a check of every case where the
//! ordinary tests check a few: `#[ignore = "sweep: …"]` marks it, and its name begins with `sweep_`.
use std::env;
use std::fs;

use harness::files;
use tests::WORKSPACE;

/// The folders with tests.
const FOLDERS: [&str; 4] = ["tests", "crates", "schedules", "bench"];

fn main() {
    // Any argument selects tests or asks for something else than a run of all.
    if env::args().len() > 1 {
        return;
    }
    let files = FOLDERS
        .iter()
        .flat_map(|folder| files::below(&WORKSPACE.root, folder).expect("the folder can be read"));
    let sources = files.filter(|file| file.ends_with(".rs"));
    let mut sweeps = Vec::new();
    for source in sources {
        let text = fs::read_to_string(WORKSPACE.root.join(source)).expect("it can be read");
        let marks =
            text.lines().filter_map(|line| line.trim().strip_prefix("#[ignore = \"sweep: "));
        sweeps.extend(marks.map(|mark| mark.trim_end_matches("\"]").to_owned()));
    }
    println!("\nLeft out are the sweeps, which CI runs:");
    for sweep in &sweeps {
        println!("  {sweep}");
    }
    println!("Run them with: cargo test -- --ignored sweep");
}
