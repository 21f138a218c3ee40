//! The example `many-waits`: its output, and the reason why one task must not hold thousands of futures.

use std::future::{self, Future};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use harness::run::Program;
use tests::{build, run, runtime, transcript_of};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until};

/// The time limit proves that the waits overlap: one after the other they would take hours.
#[test]
fn ten_thousand_waits_take_one_thread() {
    let output = transcript_of("many-waits").mask(r"\d+\.\d{3} s", "<time> s").sampled().check();
    if cfg!(target_os = "linux") {
        assert_eq!(output.costs.threads, Some(1), "all tasks share one thread");
    }
}

/// A thousand times as many waits still take one thread.
#[test]
fn a_thousand_waits_and_a_million() {
    for waits in [transcript_of("many-waits--thousand"), transcript_of("many-waits--million")] {
        let output = waits.mask(r"\d+\.\d{3} s", "<time> s").sampled().check();
        if cfg!(target_os = "linux") {
            assert_eq!(output.costs.threads, Some(1), "all tasks share one thread");
        }
    }
}

#[test]
fn all_waits_fit_into_one_task_too() {
    let arguments = ["1000", "--join-all"].map(Into::into).to_vec();
    let output = run(&Program { arguments, ..build("many-waits") });
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    assert_eq!(output.lines[0].text, "1000 futures in one task wait for 1s");
}

/// Runs in a process that the next test starts with little address space. It is not a test of its own.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "a part of a_thread_that_the_system_refuses_is_an_error"]
fn start_threads_until_one_is_refused() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let mut threads = Vec::new();
    let error = loop {
        let wait = Arc::clone(&wait);
        // Each takes 1 GiB of address space, so that the stack is what exceeds the limit.
        let builder = std::thread::Builder::new().stack_size(1 << 30);
        match builder.spawn(move || wait.lock().unwrap().recv()) {
            Ok(thread) => threads.push(thread),
            Err(error) => break error,
        }
        assert!(threads.len() < 100, "the system refuses none");
    };
    drop(release);
    let started = threads.len();
    threads.into_iter().for_each(|thread| assert!(thread.join().unwrap().is_err()));
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    println!("{started} threads started, one refused");
}

/// A limit on address space stands for all limits. `thread::spawn` would panic here.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_the_system_refuses_is_an_error() {
    let this = std::env::current_exe().unwrap();
    let test = "examples_async::many_waits::start_threads_until_one_is_refused";
    let limited = format!("ulimit -v 20971520; exec \"$0\" {test} --exact --ignored --nocapture");
    let output = run(&Program {
        executable: "/bin/sh".into(),
        arguments: vec!["-c".into(), limited.into(), this.into()],
        folder: std::env::temp_dir(),
    });
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let started = output.numbers(r"(\d+) threads started, one refused");
    assert!(started.len() == 1 && started[0] > 0, "{:#?}", output.lines);
}

type BoxedWait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Counts the polls of futures until all of them are done. `way` runs them. All wait for the same moment,
/// so that they are ready together.
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
fn one_task_polls_ready_futures_again_and_again_and_tasks_do_not() {
    for count in [1_000, 10_000] {
        assert!(polls(count, in_tasks) <= 2 * count, "one to begin the wait, one to end it");
        assert!(polls(count, in_one_task_without_budget) <= 2 * count, "it is the budget");

        // Each time the task runs, 128 futures are done and all others are polled for nothing.
        // These are half of `count` on average, in `count` / 128 runs.
        let for_nothing = count / 2 * (count / 128);
        for polls in [polls(count, in_one_task), polls(count, in_one_task_unordered)] {
            assert!(polls >= for_nothing, "{count} futures: {polls} polls");
        }
    }
}
