//! The examples of `examples-processes/`: what they print, and what they prove.

mod isolation;

use std::collections::BTreeSet;
use std::ffi::OsString;

use harness::run::{Program, Stream};
use tests::{build, check, run};

#[test]
fn worker_processes() {
    // All start before any finishes: they wait at the same time.
    let output = check("worker-processes")
        .any_order(r"^Worker \d starting \(process <pid>\)$")
        .any_order(r"^Worker \d finished$")
        .mask(r"process \d+", "process <pid>")
        .check();
    let processes = output.numbers(r"\(process (\d+)\)");
    assert_eq!(processes.iter().collect::<BTreeSet<_>>().len(), 5, "five ids: {processes:?}");
    if let Some(processes) = output.costs.processes {
        assert_eq!(processes, 6, "five workers and main");
    }
}

#[test]
fn memory_not_shared() {
    check("memory-not-shared").check();
}

#[test]
fn wrong_arguments_are_refused() {
    let cases: [(&str, &[&[&str]]); 2] = [
        (
            "worker-processes",
            &[
                &["worker"],
                &["worker", "x"],
                &["worker", "-1"],
                &["worker", "4294967296"],
                &["worker", "1", "2"],
                &["--help"],
                &[""],
            ],
        ),
        ("memory-not-shared", &[&["x"], &["child", "x"], &[""]]),
    ];
    for (name, argument_lists) in cases {
        let mut lists: Vec<Vec<OsString>> = argument_lists
            .iter()
            .map(|arguments| arguments.iter().map(OsString::from).collect())
            .collect();
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            lists.push(vec![OsString::from_vec(vec![0xff])]);
            lists.push(vec!["worker".into(), OsString::from_vec(vec![0xff])]);
        }
        for arguments in lists {
            let output = run(&with_arguments(name, arguments.clone()));
            assert_eq!(output.code(), Some(2), "{name} {arguments:?}: {:#?}", output.lines);
            assert_eq!(output.of(Stream::Stdout).count(), 0);
            let errors: Vec<_> = output.of(Stream::Stderr).collect();
            assert!(
                matches!(errors[..], [line] if line.starts_with(&format!("usage: {name}"))),
                "{name} {arguments:?}: {errors:?}"
            );
        }
    }
}

#[test]
fn one_worker_alone() {
    let output = run(&with_arguments("worker-processes", vec!["worker".into(), "7".into()]));
    assert_eq!(output.code(), Some(0));
    let lines: Vec<_> = output.of(Stream::Stdout).collect();
    assert!(matches!(lines[..], [first, "Worker 7 finished"] if first.starts_with("Worker 7 ")));
}

fn with_arguments(name: &str, arguments: Vec<OsString>) -> Program {
    Program { arguments, ..build(name) }
}

/// What only Unix has: signals.
#[cfg(unix)]
mod signals {
    use harness::run::{End, Limits, Running};
    use rustix::process::{Pid, Signal, kill_process};
    use tests::{LIMIT, runtime};

    use super::*;

    /// Starts the workers, and gives their process ids once each has printed its own.
    async fn start_workers(program: &Program) -> (Running, Vec<Pid>) {
        let limits = Limits { time: LIMIT, ..Limits::default() };
        let mut running = Running::start(program, limits).unwrap();
        let mut workers = vec![None; 5];
        while workers.contains(&None) {
            let line = running.line().await.expect("all workers start").text;
            let (id, process) = line
                .strip_prefix("Worker ")
                .and_then(|line| line.strip_suffix(')')?.split_once(" starting (process "))
                .unwrap_or_else(|| panic!("unexpected: {line}"));
            let (id, process): (usize, i32) = (id.parse().unwrap(), process.parse().unwrap());
            workers[id] = Some(Pid::from_raw(process).unwrap());
        }
        (running, workers.into_iter().flatten().collect())
    }

    #[test]
    fn a_worker_that_fails_is_reported() {
        let program = build("worker-processes");
        runtime().block_on(async {
            let (mut running, workers) = start_workers(&program).await;
            kill_process(workers[3], Signal::KILL).unwrap();

            let mut errors = Vec::new();
            while let Some(line) = running.line().await {
                if line.stream == Stream::Stderr {
                    errors.push(line.text);
                }
            }
            assert_eq!(errors, ["Worker 3 failed: signal: 9 (SIGKILL)"]);
            let (end, _) = running.end().await.unwrap();
            assert!(matches!(end, End::Exited(status) if status.code() == Some(1)), "{end:?}");
        });
    }
}

/// With 64 KiB both ways end; with more the broken one is still stuck at its time limit.
#[cfg(unix)] // it needs `cat`
#[test]
fn pipe_deadlock() {
    check("pipe-deadlock").python_differs().check();
}
