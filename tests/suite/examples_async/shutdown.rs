//! The end of a runtime, as the page on shutting down describes it.

use std::future;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tests::LIMIT;
use tokio::runtime::{Builder, Runtime};

/// A runtime whose blocking job waits for a message and then sends one. Once the returned channels are
/// all that is left, they still say whether the job runs.
fn with_a_blocking_job() -> (Runtime, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (started, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    runtime.spawn_blocking(move || {
        started.send(()).unwrap();
        released.recv_timeout(LIMIT).unwrap();
        done.send(()).unwrap();
    });
    has_started.recv_timeout(LIMIT).unwrap();
    (runtime, release, is_done)
}

#[test]
fn after_shutdown_timeout_and_shutdown_background_a_blocking_job_runs_on() {
    for end in [
        (|runtime| runtime.shutdown_timeout(Duration::from_millis(1))) as fn(Runtime),
        Runtime::shutdown_background,
    ] {
        let (runtime, release, is_done) = with_a_blocking_job();
        end(runtime); // would wait forever if it waited for the job
        release.send(()).expect("the job still waits for its message");
        is_done.recv_timeout(LIMIT).expect("the job runs to its end");
    }
}

#[test]
fn dropping_a_runtime_waits_for_a_blocking_job() {
    let (runtime, release, is_done) = with_a_blocking_job();
    let (dropped, is_dropped) = mpsc::channel();
    let thread = thread::spawn(move || {
        drop(runtime);
        dropped.send(()).unwrap();
    });
    let early = is_dropped.recv_timeout(Duration::from_millis(100));
    assert_eq!(early, Err(RecvTimeoutError::Timeout), "the drop doesn't wait for the job");
    release.send(()).unwrap();
    is_dropped.recv_timeout(LIMIT).expect("the drop ends after the job");
    is_done.try_recv().expect("the job was done before that");
    thread.join().unwrap();
}

#[test]
fn shutdown_drops_a_task_that_awaits() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (guard, is_dropped) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel();
    runtime.spawn(async move {
        let _guard = guard;
        started.send(()).unwrap();
        future::pending::<()>().await;
    });
    has_started.recv_timeout(LIMIT).unwrap();
    runtime.shutdown_timeout(LIMIT);
    assert_eq!(is_dropped.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}
