//! "In a crate of your own": the commands and the files that each example's page offers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use harness::examples::{Example, Kind};
use harness::own_crate;
use harness::run::{Program, Stream};
use tests::passed::{Check, Inputs};
use tests::{Output, WORKSPACE, run_within, try_build};

/// The first time, every dependency is compiled.
const LIMIT: Duration = Duration::from_secs(600);

/// Makes each crate outside of this workspace, in a folder of its own so that it has no dependency
/// and no feature but those that it names, and builds it.
///
/// Repeats only the checks of examples whose files, commands or tools have changed since they passed. Delete
/// the folder `passed/own-crates` in the target folder to check all of them.
#[cfg(unix)]
#[test]
fn each_crate_that_a_page_offers_compiles() {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for example in WORKSPACE.examples.values() {
        let alone = example.is_extension || example.kind == Kind::Broken;
        let crates: Vec<_> = example.own_crates.iter().map(|own| &own.dependencies).collect();
        groups.entry((alone.then_some(&example.name), crates)).or_default().push(example);
    }
    let groups = Mutex::new(groups.into_values());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = groups.lock().unwrap().next();
                    let Some(group) = next else { return };
                    check(&group);
                }
            });
        }
    });
}

/// Checks what the pages of some examples offer. Nothing but the name of the crate differs in their
/// commands, so only the first example's are all run. The others are made by their `cargo new`, and
/// get the same dependencies. One build for all of them selects the same features as one for each.
fn check(group: &[&'static Example]) {
    let mut offers: Vec<_> = group.iter().map(|example| (*example, remembered(example))).collect();
    offers.retain(|(_, check)| !check.has_passed());
    let [(first, _), others @ ..] = &offers[..] else { return };
    if first.is_extension {
        if !tests::has_python() {
            return;
        }
        tests::build(&first.name); // downloads what only these crates depend on
    }
    let folder = tempfile::tempdir().unwrap();
    let within = |crate_name: &str, file: &str| folder.path().join(crate_name).join(file);
    let mut commands = own_crate::commands(&first.own_crates) + "\ncd ..";
    for (other, _) in others {
        commands += &format!("\ncargo new {}", other.name);
    }
    let made = shell(first, &commands, folder.path());
    assert_eq!(made.code(), Some(0), "{commands}\n{:#?}", made.lines);
    let manifest = fs::read_to_string(within(&first.name, "Cargo.toml")).unwrap();
    for (other, _) in others {
        let name = |example: &Example| format!("name = \"{}\"\n", example.name);
        let manifest = manifest.replacen(&name(first), &name(other), 1);
        fs::write(within(&other.name, "Cargo.toml"), manifest).unwrap();
    }
    for own in offers.iter().flat_map(|(example, _)| &example.own_crates) {
        for file in &own.files {
            let copy = within(&own.name, &file.path);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(WORKSPACE.root.join(&file.source), copy).unwrap();
        }
    }
    let mut top = folder.path().join(&first.name);
    if !others.is_empty() {
        top = folder.path().to_owned();
        let members: Vec<_> = offers.iter().map(|(example, _)| &example.name).collect();
        let workspace = format!("[workspace]\nmembers = {members:?}\nresolver = \"3\"\n");
        fs::write(top.join("Cargo.toml"), workspace).unwrap();
    }
    // The versions that this workspace has, so that nothing is downloaded.
    fs::copy(WORKSPACE.root.join("Cargo.lock"), top.join("Cargo.lock")).unwrap();

    let built = shell(first, "cargo build --quiet", &top);
    if first.kind == Kind::Broken {
        let (_, lines) = try_build(&first.name);
        let error = lines.iter().find(|line| line.starts_with("error")).unwrap();
        assert_ne!(built.code(), Some(0), "{} compiles", first.name);
        assert!(built.of(Stream::Stderr).any(|line| line == error), "{:#?}", built.lines);
    } else {
        assert_eq!(built.code(), Some(0), "{commands}\n{:#?}", built.lines);
    }
    for (example, check) in offers {
        check.passes();
        // Cargo keeps the program under a second name, which will never be used again.
        let program = own_target().join("debug").join(&example.name);
        File::options().write(true).truncate(true).open(program).ok();
    }
}

/// The check of what the page of an example offers.
fn remembered(example: &Example) -> Check {
    let read = |file: &str| fs::read(WORKSPACE.root.join(file)).unwrap();
    let mut inputs = Inputs::default()
        .and(include_str!("own_crates.rs"))
        .and(read("Cargo.lock"))
        .and(&*COMPILER)
        .and(own_crate::commands(&example.own_crates));
    for file in example.own_crates.iter().flat_map(|own| &own.files) {
        inputs = inputs.and(&file.path).and(read(&file.source));
    }
    inputs.of("own-crates", &example.name)
}

/// The version of the compiler, with its commit.
static COMPILER: LazyLock<String> = LazyLock::new(|| {
    let rustc = Program {
        executable: "rustc".into(),
        arguments: vec!["--version".into(), "--verbose".into()],
        folder: WORKSPACE.root.clone(),
    };
    run_within(&rustc, LIMIT).lines.into_iter().map(|line| line.text).collect()
});

/// The target folder of the crates.
fn own_target() -> PathBuf {
    WORKSPACE.target.join("own-crates")
}

/// Runs commands that make or build the crate of an example.
fn shell(example: &Example, commands: &str, folder: &Path) -> Output {
    // Dependencies that were compiled for this workspace with the same features are used again. The
    // environment of extension modules differs, so they are compiled apart.
    let intermediate = if example.is_extension { own_target() } else { WORKSPACE.target.clone() };
    let program = Program {
        executable: "/usr/bin/env".into(),
        arguments: vec![
            "CARGO_NET_OFFLINE=true".into(),
            "CARGO_INCREMENTAL=0".into(), // the folders differ, so nothing could be reused
            "CARGO_PROFILE_DEV_DEBUG=false".into(), // as for the dependencies in this workspace
            format!("CARGO_TARGET_DIR={}", own_target().display()).into(),
            format!("CARGO_BUILD_BUILD_DIR={}", intermediate.display()).into(),
            "sh".into(),
            "-ec".into(),
            commands.into(),
        ],
        folder: folder.to_owned(),
    };
    run_within(&program, LIMIT)
}
