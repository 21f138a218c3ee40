//! A heartbeat beside CPU work: inline, spawn_blocking, rayon.
//!
//! ```sh
//! cargo run --release -p blocked-loop
//! ```
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::{task, time};

/// CPU work: the longest Collatz chain that begins below a million. Returns
/// when it began and when it ended.
fn work() -> (Instant, Instant) {
    let began = Instant::now();
    let mut longest = 0;
    for start in 1..1_000_000_u64 {
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
async fn inline() -> anyhow::Result<(Instant, Instant)> {
    Ok(work())
}

/// On a thread lent for it. At most 512 of them, each with the right to a core:
/// made for blocking calls, good enough for a little CPU work.
async fn spawn_blocking() -> anyhow::Result<(Instant, Instant)> {
    Ok(task::spawn_blocking(work).await?)
}

/// On rayon's threads, one per core: made for CPU work. A oneshot brings the
/// answer back.
async fn rayon() -> anyhow::Result<(Instant, Instant)> {
    let (answer, answered) = oneshot::channel();
    rayon::spawn(move || {
        answer.send(work()).ok(); // an error means that nobody waits any more
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
    way: fn() -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<(Instant, Instant)>> + Send + 'static,
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

    let (mut from, mut to) = (None, None);
    let running: Vec<_> = (0..jobs).map(|_| tokio::spawn(way())).collect();
    for job in running {
        let (began, ended) = job.await??;
        from = from.max(Some(began));
        to = Some(to.map_or(ended, |to: Instant| to.min(ended)));
    }
    let (from, to) = from.zip(to).context("no job was run")?;
    heart.abort();

    let (mut count, mut last, mut longest) = (0, from, Duration::ZERO);
    while let Ok(at) = beats.try_recv() {
        if (from..to).contains(&at) {
            count += 1;
            longest = longest.max(at - last);
            last = at;
        }
    }
    longest = longest.max(to.saturating_duration_since(last));
    println!(
        "{runtime}, {name}: {count} beats, longest gap {} ms",
        longest.as_millis()
    );
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let cores = thread::available_parallelism()?.get();
    for (runtime, mut builder, jobs) in [
        ("One thread", Builder::new_current_thread(), 1),
        ("A thread per core", Builder::new_multi_thread(), cores),
    ] {
        builder.enable_time().build()?.block_on(async {
            measure(runtime, "inline", jobs, inline).await?;
            measure(runtime, "spawn_blocking", jobs, spawn_blocking).await?;
            measure(runtime, "rayon", jobs, rayon).await
        })?;
    }
    Ok(())
}
