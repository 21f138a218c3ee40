//! The example `many-waits`: what it prints, what it refuses, and why one task must not hold
//! thousands of futures.

use std::ffi::OsString;
use std::future::{self, Future};
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use harness::run::{Program, Stream};
use regex::Regex;
use tests::{Output, build, run, runtime, transcript_of};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until};

fn many_waits(arguments: &[&str]) -> Output {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    run(&Program { arguments, ..build("many-waits") })
}

fn the_only_line(output: &Output, stream: Stream) -> &str {
    let [line] = &output.lines[..] else { panic!("one line: {:#?}", output.lines) };
    assert_eq!(line.stream, stream, "{line:?}");
    &line.text
}

/// That the waits overlap is proved by the harness's limit: 20,000 in sequence take hours.
#[test]
fn many_waits_of_each_kind() {
    transcript_of("many-waits")
        .mask(r"\d+\.\d{3} s", "<time> s")
        .mask(r"\d+\.\d MiB at most, \d+ bytes a wait|memory not known", "<memory>")
        .python_differs()
        .check();
}

/// The benchmarks read this line.
#[test]
fn a_hundred_thousand_tasks_are_told_of_in_one_line() {
    let output = many_waits(&["--tasks", "100000"]);
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let line = the_only_line(&output, Stream::Stdout);
    let memory =
        if cfg!(target_os = "linux") { r"\d+\.\d MiB at most, \d+ bytes a wait" } else { ".*" };
    let shape = format!(r"^100000 tasks: \d+\.\d{{3}} s, \d+\.\d{{3}} s over the floor; {memory}$");
    assert!(Regex::new(&shape).unwrap().is_match(line), "{line}");
    if let Some(threads) = output.costs.threads {
        assert_eq!(threads, 1, "all tasks share one thread");
    }
}

#[test]
fn nonsense_is_refused_in_one_line() {
    let cases: [&[&str]; 12] = [
        &["--tasks"],
        &["--tasks", "0"],
        &["--tasks", "-1"],
        &["--tasks", "many"],
        &["--tasks", "5000001"],
        &["--threads", "0"],
        &["--threads", "30001"],
        &["--join-all", "0"],
        &["--join-all", "1000001"],
        &["--tasks", "1", "--threads", "1"],
        &["--unknown"],
        &["extra"],
    ];
    for arguments in cases {
        let output = many_waits(arguments);
        assert_eq!(output.code(), Some(2), "{arguments:?}: {:#?}", output.lines);
        let line = the_only_line(&output, Stream::Stderr);
        assert!(line.starts_with("error: "), "{arguments:?}: {line}");
    }
}

/// A limit on address space stands for all limits: the system refuses another thread.
#[cfg(target_os = "linux")]
#[test]
fn a_refused_thread_is_told_of_in_one_line() {
    // Of 1 GiB each, so that what else a thread takes cannot be what meets the limit.
    let limited = "ulimit -v 20971520; \
        RUST_MIN_STACK=1073741824 MALLOC_ARENA_MAX=1 exec \"$0\" --threads 1000";
    let example = build("many-waits");
    let output = run(&Program {
        executable: "/bin/sh".into(),
        arguments: vec!["-c".into(), limited.into(), example.executable.into()],
        folder: example.folder,
    });
    assert_eq!(output.code(), Some(1), "{:#?}", output.lines);
    let line = the_only_line(&output, Stream::Stderr);
    let shape = r"^error: only \d+ of 1000 threads started: Resource temporarily unavailable";
    assert!(Regex::new(shape).unwrap().is_match(line), "{line}");
}

/// Where the memory maps would not do for all, std would abort in the middle.
#[cfg(target_os = "linux")]
#[test]
fn threads_without_room_are_refused_before_the_first() {
    let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
    if maps.trim().parse::<u32>().unwrap() >= 4 * 30_000 {
        // Not eprintln!, which the test runner keeps to itself when a test passes.
        let told = "SKIPPED: this system has room for as many threads as the example takes";
        writeln!(std::io::stderr(), "{told}").ok();
        return;
    }
    let output = many_waits(&["--threads", "30000"]);
    assert_eq!(output.code(), Some(1), "{:#?}", output.lines);
    let line = the_only_line(&output, Stream::Stderr);
    assert!(line.starts_with("error: at most ") && line.contains("vm.max_map_count"), "{line}");
    if let Some(threads) = output.costs.threads {
        assert_eq!(threads, 1, "none was started");
    }
}

type BoxedWait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often futures were polled until all were done, where `way` runs them. Each waits for the
/// same moment, so that all are ready at once.
fn polls<F>(count: u32, way: impl FnOnce(Vec<BoxedWait>) -> F) -> u32
where
    F: Future<Output = ()>,
{
    let polls = Arc::new(AtomicU32::new(0));
    runtime().block_on(async {
        let moment = Instant::now();
        let wait = |polls: Arc<AtomicU32>| async move {
            let mut sleep = pin!(sleep_until(moment));
            future::poll_fn(|context| {
                polls.fetch_add(1, Ordering::Relaxed);
                sleep.as_mut().poll(context)
            })
            .await;
        };
        way((0..count).map(|_| Box::pin(wait(polls.clone())) as BoxedWait).collect()).await;
    });
    polls.load(Ordering::Relaxed)
}

async fn in_one_task(waits: Vec<BoxedWait>) {
    join_all(waits).await;
}

async fn in_one_task_unordered(waits: Vec<BoxedWait>) {
    waits.into_iter().collect::<FuturesUnordered<_>>().collect::<()>().await;
}

async fn in_one_task_without_budget(waits: Vec<BoxedWait>) {
    unconstrained(join_all(waits)).await;
}

async fn in_tasks(waits: Vec<BoxedWait>) {
    waits.into_iter().collect::<JoinSet<_>>().join_all().await;
}

#[test]
fn one_task_polls_its_futures_in_vain_and_tasks_do_not() {
    for count in [1_000, 10_000] {
        assert!(polls(count, in_tasks) <= 2 * count, "one to begin the wait, one to end it");
        assert!(polls(count, in_one_task_without_budget) <= 2 * count, "it is the budget");

        // 128 are done in each run of the task, and all others polled in vain: that is the half
        // of `count` on average, in `count` / 128 runs.
        let in_vain = count / 2 * (count / 128);
        for polls in [polls(count, in_one_task), polls(count, in_one_task_unordered)] {
            assert!(polls >= in_vain, "{count} futures: {polls} polls");
        }
    }
}
