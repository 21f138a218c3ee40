//! Checks of every example: it is complete, and Ctrl-C ends it.

use std::collections::BTreeSet;
use std::fs;

use harness::examples::{Example, Kind};
use harness::kept::recording::{self, Recording};
use regex::Regex;
use tests::{WORKSPACE, run};

#[test]
fn every_example_is_complete() {
    // The description and the command of each example are checked when the workspace is read.
    let pages = pages();
    let mut faults = Vec::new();
    for Example { name, .. } in WORKSPACE.with_variants() {
        if !WORKSPACE.snapshot(name).is_file() {
            faults.push(format!("{name}: no snapshot; test it in tests/"));
        }
    }
    for name in WORKSPACE.examples.keys() {
        if !pages.contains(&format!("{{{{#example {name}}}}}"))
            && !pages.contains(&format!("{{{{#example {name}:"))
        {
            faults.push(format!("{name}: no page in guide/en shows it"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_recording_has_the_tested_output() {
    for example in WORKSPACE.with_variants() {
        if let Err(error) = Recording::read(&WORKSPACE, example) {
            panic!("{}: {error:#}", example.name);
        }
    }
}

#[test]
fn every_snapshot_has_an_example() {
    let names: BTreeSet<_> = WORKSPACE
        .with_variants()
        .flat_map(|example| {
            let python = example.python.as_ref().map(|_| format!("{}.py", example.name));
            [Some(example.name.clone()), python]
        })
        .flatten()
        .collect();
    let folder = WORKSPACE.root.join("tests/snapshots");
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_dir() {
            continue; // snapshots of the guide itself
        }
        let file = file.file_name().into_string().unwrap();
        let name = file.strip_suffix(".snap").unwrap_or_else(|| panic!("{file} is not a snapshot"));
        assert!(names.contains(name), "{file} belongs to no example");
    }
}

#[test]
fn every_recording_has_an_example() {
    let of = |example: &Example| recording::file(&WORKSPACE, example);
    let recordings: BTreeSet<_> = WORKSPACE.with_variants().map(of).collect();
    for entry in fs::read_dir(WORKSPACE.root.join("guide/recordings")).unwrap() {
        let file = entry.unwrap().path();
        if file.is_file() {
            assert!(recordings.contains(&file), "{} belongs to no example", file.display());
        }
    }
}

#[test]
fn every_example_is_listed() {
    let list = fs::read_to_string(WORKSPACE.root.join("EXAMPLES.md")).unwrap();
    let rows: BTreeSet<_> = list.lines().filter(|line| line.starts_with("| [`")).collect();
    let expected: Vec<_> = WORKSPACE
        .examples
        .values()
        .map(|it| format!("| [`{}`]({}) | {} |", it.name, it.source, it.description))
        .collect();
    let expected: BTreeSet<_> = expected.iter().map(String::as_str).collect();
    let text = |rows: Vec<&&str>| rows.into_iter().copied().collect::<Vec<_>>().join("\n");
    let missing = text(expected.difference(&rows).collect());
    assert!(missing.is_empty(), "EXAMPLES.md lacks these rows:\n{missing}");
    let others = text(rows.difference(&expected).collect());
    assert!(others.is_empty(), "EXAMPLES.md has rows of no example:\n{others}");
}

/// In the documents at the root of the repository, which no build of the book checks.
#[test]
fn every_link_between_documents_leads_to_a_file() {
    let link = Regex::new(r"\]\(([^)#\s]+)").unwrap();
    let mut links = 0;
    for entry in fs::read_dir(&WORKSPACE.root).unwrap() {
        let document = entry.unwrap().path();
        if document.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&document).unwrap();
        for target in link.captures_iter(&text).map(|found| found.extract::<1>().1[0]) {
            if target.starts_with("https://") {
                continue;
            }
            assert!(WORKSPACE.root.join(target).exists(), "{}: {target}", document.display());
            links += 1;
        }
    }
    assert!(links > 100, "only {links} links were found");
}

/// The harness builds an example and then starts it, while the command on the page does both.
#[test]
fn the_command_on_the_page_runs_the_example() {
    same_by_its_command("lost-update");
}

#[test]
fn the_command_of_a_variant_passes_its_arguments() {
    same_by_its_command("blocked-loop--inline");
}

fn same_by_its_command(name: &str) {
    let example = tests::example(name);
    let program = tests::build(name); // first, because compiling may take longer than a run may
    let cargo = harness::run::Program {
        executable: env!("CARGO").into(),
        arguments: example.command[1..].iter().map(Into::into).collect(),
        folder: WORKSPACE.root.clone(),
    };
    let by_cargo = run(&cargo);
    assert_eq!(by_cargo.code(), Some(0), "{:#?}", by_cargo.lines);
    let by_runner = run(&program);
    let lines = |output: &tests::Output| -> Vec<String> {
        output.of(harness::run::Stream::Stdout).map(str::to_owned).collect()
    };
    assert_eq!(lines(&by_cargo), lines(&by_runner));
}

/// One with threads, one with processes, one with a runtime, and a server.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_examples_of_each_kind_and_leaves_no_process_behind() {
    interrupt_all(
        &["worker-threads", "worker-processes", "gather", "graceful-shutdown"].map(tests::example),
    );
}

#[cfg(unix)]
#[test]
#[ignore = "sweep: Ctrl-C in each example"]
fn sweep_of_ctrl_c_in_each_example() {
    let has_python = tests::has_python();
    tests::build_together();
    let runs =
        |example: &&Example| example.kind != Kind::Broken && (has_python || !example.is_extension);
    interrupt_all(&WORKSPACE.examples.values().filter(runs).collect::<Vec<_>>());
}

#[cfg(unix)]
fn interrupt_all(examples: &[&'static Example]) {
    let programs =
        examples.iter().map(|example| (&example.name, tests::build(&example.name).executable));
    // Ctrl-C ends a program without its destructors, so its temporary files stay.
    let temporary = tempfile::tempdir().unwrap();
    let temporary = temporary.path();
    std::thread::scope(|scope| {
        for (name, executable) in programs {
            scope.spawn(move || interrupt(name, &executable, temporary));
        }
    });
}

/// Starts a program in a process group of its own, sends the group what Ctrl-C sends, and waits
/// until the group is gone. It does not use the harness, which would clean up after the example.
#[cfg(unix)]
fn interrupt(name: &str, executable: &std::path::Path, temporary: &std::path::Path) {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{self, RecvTimeoutError};

    use rustix::process::{Pid, Signal, kill_process_group};

    let mut child = Command::new(executable)
        .env("PORT", "0") // a server takes any free port
        .env("TMPDIR", temporary)
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let group = Pid::from_child(&child);
    // At the limit, the whole group is killed.
    let (done, over) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if over.recv_timeout(tests::LIMIT) == Err(RecvTimeoutError::Timeout) {
            kill_process_group(group, Signal::KILL).ok();
        }
    });
    // After five lines, worker-processes has started all its workers.
    let enough = if name == "worker-processes" { 5 } else { 1 };
    // Kept open to the end, because printing into a closed pipe panics.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let count = lines.by_ref().take(enough).count();
    assert_eq!(count, enough, "{name} prints too little");

    kill_process_group(group, Signal::INT).ok(); // it may already have ended
    let status = child.wait().unwrap();
    assert!(
        status.success() || status.signal() == Some(Signal::INT.as_raw()),
        "{name} ended with {status}"
    );

    drop(lines);
    drop(done);
    tests::processes::group_ends(name, group);
}

fn pages() -> String {
    let folder = WORKSPACE.root.join("guide/en");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = files.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    pages.map(|page| fs::read_to_string(page).unwrap()).collect()
}
