//! Every program under shuttle: the broken twin fails as recorded, the fixed twin never does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use harness::examples::Workspace;
use harness::kept::schedule::{Schedules, State, file};
use schedules::explore::{self, Lines, Main};
use schedules::programs::{PROGRAMS, Program};
use schedules::{SOURCES, recording};

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    Workspace::find(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the workspace is complete")
});

fn kept(program: &Program) -> Schedules {
    Schedules::read(&WORKSPACE, program.name).expect("a recording")
}

/// The program that runs under shuttle is the example: only the paths of its `use` lines differ, and the marks
/// of the comment at its head.
#[test]
fn a_copy_differs_only_in_its_imports() {
    let root = &WORKSPACE.root;
    for twin in PROGRAMS.iter().flat_map(|program| [&program.broken, &program.fixed]) {
        let source = fs::read_to_string(root.join(twin.file())).unwrap();
        assert_eq!(source.lines().count(), twin.copy.lines().count(), "{}", twin.source);
        for (source, copy) in source.lines().zip(twin.copy.lines()) {
            let back = match source {
                _ if source.starts_with("//!") => copy.replacen("//", "//!", 1),
                _ if source.starts_with("use std::sync") => copy.replacen("crate", "std", 1),
                _ if source.starts_with("use std::thread") => copy.replacen("shuttle", "std", 1),
                _ => copy.to_owned(),
            };
            assert_eq!(source, back, "{}", twin.source);
        }
        assert!(!twin.copy.contains("std::thread") && !twin.copy.contains("std::sync"));
    }
}

#[test]
fn every_source_is_used_and_every_recording_has_a_program() {
    let twins = PROGRAMS.iter().flat_map(|program| [program.broken, program.fixed]);
    let used: BTreeSet<_> = twins.map(|twin| twin.source).collect();
    assert_eq!(used, SOURCES.iter().map(|&(name, _)| name).collect());

    let any = file(&WORKSPACE, "any");
    let files = fs::read_dir(any.parent().unwrap()).unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().path()).collect();
    let programs = PROGRAMS.iter().map(|program| file(&WORKSPACE, program.name));
    assert_eq!(files, programs.collect());
}

/// Equal seeds find equal schedules, line by line.
#[test]
fn every_recording_can_be_made_again() {
    let check = |program: &Program| {
        let made = recording::make(program).unwrap();
        assert!(
            made == kept(program),
            "{0}: run `cargo run -p schedules -- record {0}`",
            program.name
        );
    };
    thread::scope(|scope| {
        for program in PROGRAMS {
            scope.spawn(move || check(program));
        }
    });
}

#[test]
fn a_broken_twin_fails_for_its_seed() {
    for program in PROGRAMS {
        let kept = kept(program);
        let run = explore::random(&program.broken, kept.seed, Lines::Skipped);
        assert_eq!(run.failure, kept.broken.failure, "{}", program.name);
    }
}

#[test]
fn a_fixed_twin_passes_a_thousand_random_schedules() {
    for program in PROGRAMS {
        let found = explore::find(&program.fixed, 0, 1000);
        assert_eq!(found, None, "{}: fails for this seed", program.name);
    }
}

#[test]
fn a_fixed_twin_passes_all_of_its_schedules() {
    let mut explored = 0;
    for program in PROGRAMS {
        if let Some(all) = kept(program).fixed.all {
            let again = explore::all(&program.fixed, Main::Chosen, 1000, Lines::Skipped, |run| {
                assert_eq!(run.failure, None, "{}: {:?}", program.name, run.choices());
            });
            assert_eq!(again, Some(all), "{}", program.name);
            explored += 1;
        }
    }
    assert!(explored >= 3, "only {explored} programs have few schedules");
}

/// Every choice of a reader leads to an end, and both kinds of ends can be reached.
#[test]
fn every_choice_leads_to_an_end() {
    for program in PROGRAMS.iter().filter(|program| program.tiny) {
        let kept = kept(program);
        let (mut open, mut seen) = (vec![0], BTreeSet::new());
        let mut ends = BTreeSet::new();
        while let Some(place) = open.pop() {
            if !seen.insert(place) {
                continue;
            }
            let choice = &kept.choices[place];
            let runnable = choice.step.states.contains(&State::Runnable);
            assert_eq!(runnable, !choice.next.is_empty(), "{}: step {place}", program.name);
            if choice.next.is_empty() {
                ends.insert(choice.failure.clone());
            }
            open.extend(&choice.next);
        }
        assert_eq!(ends, BTreeSet::from([None, kept.broken.failure]), "{}", program.name);
        assert_eq!(seen.len(), kept.choices.len(), "{}: steps that nothing leads to", program.name);
    }
}

#[test]
fn a_recording_is_read_strictly() {
    let folder = std::env::temp_dir().join(format!("schedules-strict-{}", std::process::id()));
    let copy = Workspace { root: folder.clone(), ..WORKSPACE.clone() };
    let recording = file(&copy, "lost-update");
    fs::create_dir_all(recording.parent().unwrap()).unwrap();
    let source = PROGRAMS[0].broken.file();
    fs::create_dir_all(folder.join(source).parent().unwrap()).unwrap();
    fs::copy(WORKSPACE.root.join(source), folder.join(source)).unwrap();
    let text = fs::read_to_string(file(&WORKSPACE, "lost-update")).unwrap();

    let read = |text: &str| {
        fs::write(&recording, text).unwrap();
        Schedules::read(&copy, "lost-update").map_err(|error| format!("{error:#}"))
    };
    assert!(read(&text).is_ok());
    for (part, instead, said) in [
        ("\"version\": 1", "\"version\": 2", "it has version 2, not 1"),
        ("\"seed\"", "\"more\": 1, \"seed\"", "unknown field `more`"),
        ("\"line\": 12", "\"line\": 1200", "has no line"),
        ("\"thread\": 2", "\"thread\": 3", "there is no thread 3"),
        ("\"name\": \"lost-update\"", "\"name\": \"x\"", "it is a recording of x"),
    ] {
        assert!(text.contains(part), "{part}");
        let error = read(&text.replace(part, instead)).unwrap_err();
        assert!(error.contains(said), "{error}");
        assert!(error.contains("cargo run -p schedules -- record lost-update"), "{error}");
    }
    fs::remove_dir_all(folder).unwrap();
}
