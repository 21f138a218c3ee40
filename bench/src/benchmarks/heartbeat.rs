//! The lateness of everything else while jobs compute.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use harness::kept::results::Better;
use hdrhistogram::Histogram;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{self, JoinSet, yield_now};
use tokio::time::{Instant, sleep_until};

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::work::{Job, cores, steps_in, walk, with_pool};

/// The computing time of one job.
const JOB: Duration = Duration::from_millis(100);
/// The time between two beats.
const BEAT: Duration = Duration::from_millis(10);
/// The shortest time to measure: enough for several jobs.
const MIN_TIME: Duration = Duration::from_millis(500);

/// Returns the duration of the measurement. Beats are rare, so it is longer than in most benchmarks.
fn time(turn: &Turn) -> Duration {
    (2 * turn.time).max(MIN_TIME)
}

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "heartbeat.py", way);
    Benchmark {
        name: "heartbeat",
        question: "How late does everything else become while jobs compute?",
        method: "A task is due every 10 ms, while for each core one job after the other computes \
                 for 100 ms. Lateness is counted from the moment when the task was due, and a beat \
                 is missed if the task runs after the next one was due. The timers of tokio and \
                 asyncio alone may be two milliseconds late. The runtime has one thread, like \
                 asyncio's event loop, unless the name says otherwise. Work done is given in fully \
                 busy cores, because an implementation that computes less is punctual more \
                 easily.",
        measures: &[
            ("beats missed", "%", Better::Less),
            ("worst lateness", "ms", Better::Less),
            ("median lateness", "ms", Better::Less),
            ("work done", "cores", Better::More),
        ],
        implementations: vec![
            Implementation::lower_bound("no work", &[0], Source::Function(no_work)),
            Implementation::rust("inline", &[0], |turn| inline(turn, &one_thread()?)),
            Implementation::rust("inline, a runtime thread per core", &[0], |turn| {
                inline(turn, &Runtime::new()?)
            }),
            Implementation::rust("spawn_blocking", &[0], spawn_blocking),
            Implementation::rust("rayon", &[0], rayon),
            Implementation::rust("process pool", &[0], |turn| pool(turn, 0)),
            Implementation::rust("process pool, niceness 10", &[0], |turn| pool(turn, 10)),
            python("Python inline", "inline"),
            python("Python to_thread", "thread"),
            python("ProcessPoolExecutor", "processes"),
            python("ProcessPoolExecutor, niceness 10", "nice"),
        ],
        ..Benchmark::default()
    }
}

fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Beats for this time, and returns the lateness of the beats in microseconds.
async fn heart(started: Instant, time: Duration) -> Result<Histogram<u64>> {
    let mut lateness = Histogram::new(3)?;
    let mut due = started;
    while due < started + time {
        // No beat is skipped, however late it is: skipping would hide all but the first late beat,
        // which is called coordinated omission.
        due += BEAT;
        if due > Instant::now() {
            sleep_until(due).await; // a timer, even one in the past, may wait for all tasks
        }
        lateness.record(due.elapsed().as_micros() as u64)?;
    }
    Ok(lateness)
}

/// Measures the heart while each core has one job at a time. `job` gets the start and the number of
/// steps of a walk.
async fn with_jobs<F>(
    turn: &Turn,
    job: impl Fn(u64, u64) -> F + Clone + Send + 'static,
) -> Result<Figures>
where
    F: Future<Output = Result<u64>> + Send + 'static,
{
    let steps = steps_in(JOB);
    job(1, steps).await?; // starts the pool
    let (started, time) = (Instant::now(), time(turn));
    let running = Arc::new(AtomicBool::new(true));
    let jobs: JoinSet<Result<u64>> = (0..cores() as u64)
        .map(|core| {
            let (job, running) = (job.clone(), Arc::clone(&running));
            async move {
                let mut done = 0;
                while running.load(Ordering::Relaxed) {
                    black_box(job(core * 1000 + done, steps).await?);
                    done += 1;
                    yield_now().await;
                }
                Ok(done)
            }
        })
        .collect();
    let lateness = tokio::spawn(async move {
        let lateness = heart(started, time).await;
        running.store(false, Ordering::Relaxed);
        lateness
    });
    let lateness = lateness.await??;
    let done = jobs.join_all().await.into_iter().sum::<Result<u64>>()?;
    let worked = JOB.as_secs_f64() * done as f64 / started.elapsed().as_secs_f64();
    Ok(to_figures(&lateness, Some(worked)))
}

/// Returns the figures. The histogram counts microseconds.
fn to_figures(lateness: &Histogram<u64>, worked: Option<f64>) -> Figures {
    let in_time = lateness.percentile_below(BEAT.as_micros() as u64);
    let mut figures = figures([
        ("beats missed", 100.0 - in_time),
        ("worst lateness", lateness.max() as f64 / 1e3),
        ("median lateness", lateness.value_at_quantile(0.5) as f64 / 1e3),
    ]);
    figures.extend(worked.map(|cores| ("work done".to_owned(), cores)));
    figures
}

fn no_work(turn: &Turn) -> Result<Figures> {
    let beating = async { tokio::spawn(heart(Instant::now(), time(turn))).await };
    Ok(to_figures(&one_thread()?.block_on(beating)??, None))
}

fn inline(turn: &Turn, runtime: &Runtime) -> Result<Figures> {
    runtime.block_on(with_jobs(turn, |start, steps| async move { Ok(walk(start, steps)) }))
}

fn spawn_blocking(turn: &Turn) -> Result<Figures> {
    one_thread()?.block_on(with_jobs(turn, |start, steps| async move {
        Ok(task::spawn_blocking(move || walk(start, steps)).await?)
    }))
}

fn rayon(turn: &Turn) -> Result<Figures> {
    one_thread()?.block_on(with_jobs(turn, |start, steps| async move {
        let (answer, answered) = oneshot::channel();
        rayon::spawn(move || {
            answer.send(walk(start, steps)).ok(); // an error: the receiver is gone
        });
        Ok(answered.await?)
    }))
}

fn pool(turn: &Turn, niceness: i32) -> Result<Figures> {
    let runtime = one_thread()?;
    with_pool(&runtime, niceness, |pool| {
        let pool = Arc::clone(pool);
        runtime.block_on(with_jobs(turn, move |start, steps| {
            let pool = Arc::clone(&pool);
            async move { Ok(pool.run(Job::Walk(start, steps)).await?.0) }
        }))
    })
}
