//! The examples of `examples-processes/`: their output, and the claims that it proves.

mod isolation;
mod together;

use std::collections::BTreeSet;

use tests::transcript_of;

#[test]
fn worker_processes() {
    // All start before any finishes: they wait at the same time.
    let output = transcript_of("worker-processes")
        .any_order(r"^Worker \d starting \(process <pid>\)$")
        .any_order(r"^Worker \d finished$")
        .mask(r"process \d+", "process <pid>")
        .sampled()
        .check();
    let processes = output.numbers(r"\(process (\d+)\)");
    assert_eq!(processes.iter().collect::<BTreeSet<_>>().len(), 5, "five ids: {processes:?}");
    if cfg!(target_os = "linux") {
        assert_eq!(output.costs.processes, Some(6), "five workers and main");
    }
}

#[test]
fn memory_not_shared() {
    transcript_of("memory-not-shared").check();
}

/// Signals, which only Unix has.
#[cfg(unix)]
mod signals {
    use harness::run::{End, Limits, Program, Running, Stream};
    use rustix::process::{Pid, Signal, kill_process};
    use tests::{LIMIT, build, runtime};

    /// Starts the workers. Returns their process ids once each has printed its own.
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
            assert_eq!(errors, ["Error: worker 3 failed: signal: 9 (SIGKILL)"]);
            let (end, _) = running.end().await.unwrap();
            assert!(matches!(end, End::Exited(status) if status.code() == Some(1)), "{end:?}");
        });
    }
}

/// With as many bytes as a pipe holds, both ways end. With one byte more, the broken one is still stuck
/// at its time limit.
#[cfg(target_os = "linux")] // elsewhere a pipe holds another number of bytes
#[test]
fn pipe_deadlock() {
    transcript_of("pipe-deadlock").python_differs().check();
}
