//! A heartbeat beside CPU work: inline, spawn_blocking, rayon.
//!
//! ```sh
//! cargo run --release -p blocked-loop
//! ```
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::{task, time};

/// When a piece of work began, and when it ended.
type Span = (Instant, Instant);

/// CPU work: the longest Collatz chain that begins below two million. All who do
/// it wait for each other first, so that they do it at the same time.
fn work(start: &Barrier) -> Span {
    start.wait();
    let began = Instant::now();
    let mut longest = 0;
    for start in 1..2_000_000_u64 {
        let (mut n, mut steps) = (start, 0);
        while n != 1 {
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
            steps += 1;
        }
        longest = longest.max(steps);
    }
    black_box(longest); // a result that nobody looks at is not computed at all
    (began, Instant::now())
}

// ANCHOR: ways
/// The mistake: the work runs on the thread that polls the task, and nothing
/// else does.
async fn inline(start: Arc<Barrier>) -> anyhow::Result<Span> {
    Ok(work(&start))
}

/// On a thread lent for it. By default there are up to 512 of them: made for
/// blocking calls, good enough for a little CPU work.
async fn spawn_blocking(start: Arc<Barrier>) -> anyhow::Result<Span> {
    Ok(task::spawn_blocking(move || work(&start)).await?)
}

/// On rayon's threads, one per core: made for CPU work. A oneshot brings the
/// answer back.
async fn rayon(start: Arc<Barrier>) -> anyhow::Result<Span> {
    let (answer, answered) = oneshot::channel();
    rayon::spawn(move || {
        answer.send(work(&start)).ok(); // an error: nobody waits any more
    });
    Ok(answered.await?)
}
// ANCHOR_END: ways

/// Runs `jobs` copies of a way beside a heartbeat. Counts the beats, and finds
/// the longest time without one, while all jobs were running.
async fn measure<F>(
    runtime: &str,
    name: &str,
    jobs: usize,
    way: fn(Arc<Barrier>) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Span>> + Send + 'static,
{
    let (beat, mut beats) = mpsc::unbounded_channel();
    let heart = tokio::spawn(async move {
        let mut clock = time::interval(Duration::from_millis(10));
        loop {
            clock.tick().await;
            // Not the instant that tick returns: that is when the beat was due.
            beat.send(Instant::now()).ok();
        }
    });
    beats.recv().await; // the heart beats: begin

    let start = Arc::new(Barrier::new(jobs));
    let running: Vec<_> =
        (0..jobs).map(|_| tokio::spawn(way(Arc::clone(&start)))).collect();
    let mut spans = Vec::new();
    for job in running {
        spans.push(job.await??);
    }
    heart.abort();

    let from = spans.iter().map(|span| span.0).max().context("no jobs")?;
    let to = spans.iter().map(|span| span.1).min().context("no jobs")?;
    ensure!(from < to, "the jobs did not run at the same time");
    let (mut count, mut last, mut longest) = (0, from, Duration::ZERO);
    while let Ok(at) = beats.try_recv() {
        if (from..to).contains(&at) {
            count += 1;
            longest = longest.max(at - last);
            last = at;
        }
    }
    longest = longest.max(to - last);
    println!(
        "{runtime}, {name}: {count} beats, longest gap {} ms",
        longest.as_millis()
    );
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let cores = thread::available_parallelism()?.get();
    rayon::ThreadPoolBuilder::new().num_threads(cores).build_global()?;
    for (runtime, mut builder, jobs) in [
        ("One thread", Builder::new_current_thread(), 1),
        ("A thread per core", Builder::new_multi_thread(), cores),
    ] {
        let runner = builder.worker_threads(cores).enable_time().build()?;
        runner.block_on(async {
            measure(runtime, "inline", jobs, inline).await?;
            measure(runtime, "spawn_blocking", jobs, spawn_blocking).await?;
            measure(runtime, "rayon", jobs, rayon).await
        })?;
    }
    Ok(())
}
