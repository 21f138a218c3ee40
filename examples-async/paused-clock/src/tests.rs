//! The tests, on a clock that is paused.
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::{Instant, advance, sleep, timeout};

use crate::poll::poll;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

// ANCHOR: exact
#[tokio::test(start_paused = true)]
async fn it_stops_after_exactly_an_hour() {
    let started = Instant::now(); // tokio's Instant: std's is not paused
    assert!(!poll(7 * MINUTE, HOUR, || false).await);
    assert_eq!(started.elapsed(), HOUR);
}
// ANCHOR_END: exact

// ANCHOR: blocking
/// The hour does not pass while a blocking job runs. If the job never
/// ended, the timeout would never fire, and the test would hang.
#[tokio::test(start_paused = true)]
async fn a_blocking_job_stops_the_clock() {
    let started = Instant::now();
    let job = spawn_blocking(|| thread::sleep(Duration::from_millis(50)));
    assert!(timeout(HOUR, job).await.is_ok());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

/// The opposite: the runtime does not know of the thread, so it sees only
/// tasks that wait, and the hour passes at once. A socket is no different.
#[tokio::test(start_paused = true)]
async fn a_thread_does_not_stop_the_clock() {
    let started = Instant::now();
    let (hour_is_over, wait) = mpsc::channel::<()>();
    let (sender, answer) = oneshot::channel();
    thread::spawn(move || {
        wait.recv().ok();
        sender.send("too late")
    });
    assert!(timeout(HOUR, answer).await.is_err());
    assert_eq!(started.elapsed(), HOUR);
    drop(hour_is_over);
}
// ANCHOR_END: blocking

/// Three tasks, which return the minute in which their timers fired.
async fn timers() -> JoinSet<u64> {
    let started = Instant::now();
    let timer = |minute| async move {
        sleep(minute * MINUTE).await;
        started.elapsed().as_secs() / 60
    };
    let timers = [1, 2, 3].into_iter().map(timer).collect();
    yield_now().await; // a timer counts from its first poll
    timers
}

// ANCHOR: advance
/// `advance` moves the clock in one step, so every timer fires at its end.
#[tokio::test(start_paused = true)]
async fn advance_fires_all_timers_in_one_batch() {
    let timers = timers().await;
    advance(3 * MINUTE).await;
    assert_eq!(timers.join_all().await, [3, 3, 3]);
}

/// `sleep` lets the clock stop at each timer on the way.
#[tokio::test(start_paused = true)]
async fn sleep_fires_each_timer_at_its_own_time() {
    let timers = timers().await;
    sleep(3 * MINUTE).await;
    assert_eq!(timers.join_all().await, [1, 2, 3]);
}
// ANCHOR_END: advance
