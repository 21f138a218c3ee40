//! "In a crate of your own": the commands and the files that each example's page offers.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use harness::examples::{Example, Kind};
use harness::own_crate;
use harness::run::{Program, Stream};
use tests::{Output, WORKSPACE, run_within, try_build};

/// The first time, every dependency is compiled.
const LIMIT: Duration = Duration::from_secs(600);

/// Makes each crate outside of this workspace, in a folder of its own so that it has no dependency
/// and no feature but those that it names, and lets the compiler check it.
#[cfg(unix)]
#[test]
fn each_crate_that_a_page_offers_compiles() {
    let examples = Mutex::new(WORKSPACE.examples.values().collect::<VecDeque<_>>());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = examples.lock().unwrap().pop_front();
                    let Some(example) = next else { return };
                    check(example);
                }
            });
        }
    });
}

fn check(example: &Example) {
    let name = &example.name;
    let offer = Offer::of(example);
    if offer.has_passed() {
        return;
    }
    if example.is_extension {
        if !tests::has_python() {
            return;
        }
        tests::build(name); // downloads what only these crates depend on
    }
    let folder = tempfile::tempdir().unwrap();
    let commands = own_crate::commands(&example.own_crates);
    let made = shell(&commands, folder.path());
    assert_eq!(made.code(), Some(0), "{name}: {commands}\n{:#?}", made.lines);
    for own in &example.own_crates {
        for file in &own.files {
            let copy = folder.path().join(&own.name).join(&file.path);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(WORKSPACE.root.join(&file.source), copy).unwrap();
        }
    }
    // The versions that this workspace has, so that nothing is downloaded.
    let own = folder.path().join(name);
    fs::copy(WORKSPACE.root.join("Cargo.lock"), own.join("Cargo.lock")).unwrap();

    let checked = shell("cargo check --quiet", &own);
    if example.kind == Kind::Broken {
        let (_, lines) = try_build(name);
        let error = lines.iter().find(|line| line.starts_with("error")).unwrap();
        assert_ne!(checked.code(), Some(0), "{name} compiles");
        assert!(checked.of(Stream::Stderr).any(|line| line == error), "{:#?}", checked.lines);
    } else {
        assert_eq!(checked.code(), Some(0), "{name}: {:#?}", checked.lines);
    }
    offer.passes();
}

/// All that the outcome of a check depends on. A check that has passed is remembered in the target
/// folder, as cargo remembers what it has built, and repeated only when something has changed.
struct Offer {
    everything: Vec<u8>,
    passed: PathBuf,
}

impl Offer {
    fn of(example: &Example) -> Self {
        let read = |file: &str| fs::read(WORKSPACE.root.join(file)).unwrap();
        let mut everything = read("Cargo.lock");
        everything.extend_from_slice(COMPILER.as_bytes());
        everything.extend_from_slice(own_crate::commands(&example.own_crates).as_bytes());
        for file in example.own_crates.iter().flat_map(|own| &own.files) {
            everything.extend_from_slice(file.path.as_bytes());
            everything.extend(read(&file.source));
        }
        let passed = WORKSPACE.target.join("own-crates/passed").join(&example.name);
        Self { everything, passed }
    }

    fn has_passed(&self) -> bool {
        fs::read(&self.passed).is_ok_and(|passed| passed == self.everything)
    }

    fn passes(&self) {
        fs::create_dir_all(self.passed.parent().unwrap()).unwrap();
        fs::write(&self.passed, &self.everything).unwrap();
    }
}

/// The version of the compiler, with its commit.
static COMPILER: LazyLock<String> = LazyLock::new(|| {
    let output = shell("rustc --version --verbose", &WORKSPACE.root);
    output.lines.into_iter().map(|line| line.text).collect()
});

fn shell(commands: &str, folder: &Path) -> Output {
    let target = WORKSPACE.target.join("own-crates");
    let program = Program {
        executable: "/usr/bin/env".into(),
        arguments: vec![
            "CARGO_NET_OFFLINE=true".into(),
            "CARGO_INCREMENTAL=0".into(), // the folders differ, so nothing could be reused
            format!("CARGO_TARGET_DIR={}", target.display()).into(),
            "sh".into(),
            "-ec".into(),
            commands.into(),
        ],
        folder: folder.to_owned(),
    };
    run_within(&program, LIMIT)
}
