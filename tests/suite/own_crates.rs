//! "In a crate of your own": the commands and the files that each example's page offers.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::examples::{Example, Kind};
use harness::own_crate::{self, OwnCrate};
use harness::run::{Program, Stream};
use tests::{Output, WORKSPACE, book, build, example, has_python, run_within, try_build};

/// The first time, every dependency is compiled.
const LIMIT: Duration = Duration::from_secs(600);

/// One without dependencies, one with several, one with a library of this workspace, and a broken twin.
#[test]
fn crates_of_each_kind_that_pages_offer_compile() {
    compile(&["barrier", "streams", "worker-pool", "data-race-broken"].map(example));
}

#[test]
fn a_page_that_offers_a_library_first_shows_its_line_for_the_manifest() {
    let page = fs::read_to_string(book().path().join("process-pool.html")).unwrap();
    let line = page.find(r#"process-pool = { path = "PATH/crates/process-pool" }"#).unwrap();
    let commands = page.find("cargo new --lib process-pool\n").unwrap();
    let test = page.find("process-pool/tests/pool/main.rs").unwrap();
    assert!(line < commands && commands < test);
}

#[test]
#[ignore = "sweep: each crate that a page offers"]
fn sweep_of_each_crate_that_a_page_offers() {
    let (extensions, others): (Vec<_>, Vec<_>) =
        WORKSPACE.examples.values().partition(|example| example.is_extension);
    compile(&others);
    if has_python() {
        build(&extensions[0].name); // downloads what only these crates depend on
        compile(&extensions);
    }
}

/// Makes what the pages of these examples offer outside of this workspace, and builds it.
///
/// The crates are members of one workspace, whose members share the features of their dependencies. No
/// crate may rely on that, so crates that ask for different features are members of different workspaces.
fn compile(examples: &[&'static Example]) {
    let mut workspaces = Vec::<(BTreeMap<&str, &str>, Vec<&Example>)>::new();
    for example in examples {
        let features: BTreeMap<_, _> = example.own_crates.iter().flat_map(features).collect();
        let fits = |others: &BTreeMap<&str, &str>| {
            features.iter().all(|(name, words)| others.get(name).is_none_or(|other| other == words))
        };
        match workspaces.iter_mut().find(|(others, _)| fits(others)) {
            Some((others, members)) => {
                others.extend(features);
                members.push(example);
            }
            None => workspaces.push((features, vec![example])),
        }
    }
    for (_, members) in workspaces {
        compile_together(&members);
    }
}

/// The other crates that a crate depends on, each with the words for `cargo add`.
fn features(own: &OwnCrate) -> impl Iterator<Item = (&str, &str)> {
    let named = own.dependencies.iter().map(|words| (words.split(['@', ' ']).next(), words));
    named.filter_map(|(name, words)| Some((name.filter(|name| *name != "--path")?, words.as_str())))
}

fn compile_together(examples: &[&Example]) {
    let folder = tempfile::tempdir().unwrap();
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for example in examples {
        let dependencies: Vec<_> = example.own_crates.iter().map(|own| &own.dependencies).collect();
        groups.entry(dependencies).or_default().push(*example);
    }
    for group in groups.values() {
        make(group, folder.path());
    }
    let crates = || examples.iter().flat_map(|example| &example.own_crates);
    for own in crates() {
        for file in &own.files {
            let copy = folder.path().join(&own.name).join(&file.path);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(WORKSPACE.root.join(&file.source), copy).unwrap();
        }
    }
    let members: BTreeSet<_> = crates().map(|own| &own.name).collect();
    let members = Vec::from_iter(members);
    let workspace = format!("[workspace]\nmembers = {members:?}\nresolver = \"3\"\n");
    fs::write(folder.path().join("Cargo.toml"), workspace).unwrap();
    // The versions that this workspace has, so that nothing is downloaded.
    fs::copy(WORKSPACE.root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();

    let is_extension = examples[0].is_extension;
    let broken: Vec<_> = examples.iter().filter(|example| example.kind == Kind::Broken).collect();
    let excluded: String =
        broken.iter().map(|example| format!(" --exclude {}", example.name)).collect();
    let build = format!("cargo build --quiet --workspace{excluded}");
    let output = shell(&build, folder.path(), is_extension);
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    // A library comes with its tests.
    let libraries: BTreeSet<_> =
        crates().filter(|own| own.is_library).map(|own| &own.name).collect();
    if !libraries.is_empty() {
        let packages: String = libraries.iter().map(|name| format!(" -p {name}")).collect();
        let build = format!("cargo build --quiet --tests --examples{packages}");
        let output = shell(&build, folder.path(), false);
        assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    }
    for example in broken {
        let output =
            shell(&format!("cargo build --quiet -p {}", example.name), folder.path(), false);
        let (_, lines) = try_build(&example.name);
        let error = lines.iter().find(|line| line.starts_with("error")).unwrap();
        assert_ne!(output.code(), Some(0), "{} compiles", example.name);
        assert!(output.of(Stream::Stderr).any(|line| line == error), "{:#?}", output.lines);
    }
}

/// Makes the crates of some examples with the same dependencies. They differ in nothing but their names, so
/// the commands are run for the first one.
fn make(group: &[&Example], folder: &Path) {
    let first = group[0];
    let manifest = |name: &str| folder.join(name).join("Cargo.toml");
    let (own, libraries) = first.own_crates.split_last().unwrap();
    // Another group may need the same library.
    let missing = libraries.iter().filter(|library| !manifest(&library.name).exists());
    let crates: Vec<_> = missing.chain([own]).cloned().collect();
    let commands = own_crate::commands(&crates);
    let output = shell(&commands, folder, first.is_extension);
    assert_eq!(output.code(), Some(0), "{commands}\n{:#?}", output.lines);
    let text = fs::read_to_string(manifest(&first.name)).unwrap();
    for other in &group[1..] {
        let rename = |text: &str, change: fn(&str) -> String| {
            let quoted = |name: &str| format!("name = \"{}\"\n", change(name));
            text.replacen(&quoted(&first.name), &quoted(&other.name), 1)
        };
        let text = rename(&text, str::to_owned);
        let text =
            if first.is_extension { rename(&text, |name| name.replace('-', "_")) } else { text };
        fs::create_dir_all(folder.join(&other.name)).unwrap();
        fs::write(manifest(&other.name), text).unwrap();
    }
}

/// The target folder of the crates.
fn own_target() -> PathBuf {
    WORKSPACE.target.join("own-crates")
}

/// Runs commands that make or build crates.
fn shell(commands: &str, folder: &Path, is_extension: bool) -> Output {
    // Dependencies that were compiled for this workspace with the same features are used again. The
    // environment of extension modules differs, so they are compiled apart.
    let intermediate = if is_extension { own_target() } else { WORKSPACE.target.clone() };
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
