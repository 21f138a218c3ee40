//! The job size from which on offloading pays off.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use harness::kept::results::Better;
use rayon::prelude::*;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::work::{Job, cores, steps_in, walk, with_pool};

const SIZES: &[u64] = &[1, 10, 100, 1_000];
/// A thread for each job of 1 µs would only show again what a thread costs.
const THREAD_SIZES: &[u64] = &[10, 100, 1_000];

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, SIZES, "grain.py", way);
    Benchmark {
        name: "grain",
        question: "From which job size on does offloading pay off?",
        method: "A batch of equal jobs is computed inline, one job after the other, and then \
                 offloaded, repeatedly in the same process. The figure is how many times as fast \
                 the offloaded batch was; below 1 it was slower. Every job is offloaded on its \
                 own, except by par_iter and the two maps, which group several jobs. A thread for \
                 each job is left out at 1 µs, because starting it takes many times as long.",
        sizes: Some("µs of work in a job"),
        quick_max: 100,
        measures: &[("speed-up", "×", Better::More)],
        implementations: vec![
            Implementation::lower_bound("all cores", SIZES, Source::Function(all_cores)),
            Implementation::rust("rayon par_iter", SIZES, |turn| {
                speed_up(turn, |batch| {
                    Ok((0..batch.jobs).into_par_iter().map(|job| batch.run(job)).sum())
                })
            }),
            Implementation::rust("rayon spawn", SIZES, |turn| speed_up(turn, rayon_spawn)),
            Implementation::rust("spawn_blocking", SIZES, spawn_blocking),
            Implementation::rust("std thread", THREAD_SIZES, |turn| speed_up(turn, threads)),
            Implementation::rust("process pool", SIZES, pool_each),
            Implementation::rust("process pool, map", SIZES, pool_map),
            python("ThreadPoolExecutor", "threads"),
            python("ProcessPoolExecutor", "processes"),
            python("ProcessPoolExecutor, map", "map"),
        ],
        ..Benchmark::default()
    }
}

/// The jobs of one batch, numbered from 0 up to `jobs`.
#[derive(Clone, Copy)]
struct Batch {
    jobs: u64,
    steps: u64,
}

impl Batch {
    /// Returns enough jobs to fill a quarter of the time, but no more than can be offloaded in the time if
    /// the dispatch overhead dominates, and at least two per core.
    fn new(turn: &Turn) -> Self {
        let size = Duration::from_micros(turn.size);
        let worth = (turn.time / 4).as_micros() as u64 / turn.size.max(1);
        let max = turn.time.as_micros() as u64 / 200;
        Self { jobs: worth.min(max).max(2 * cores() as u64), steps: steps_in(size) }
    }

    /// Returns the start of a job's walk. All jobs differ, so that no result can be reused.
    fn start(job: u64) -> u64 {
        job + 1
    }

    /// Runs one job.
    fn run(self, job: u64) -> u64 {
        walk(Self::start(job), self.steps)
    }
}

/// Runs the batch inline and then offloaded until the time is used up, and compares the two. It is
/// offloaded once before that, to start the pool.
fn speed_up(turn: &Turn, mut offloaded: impl FnMut(Batch) -> Result<u64>) -> Result<Figures> {
    let batch = Batch::new(turn);
    offloaded(batch)?;
    let started = Instant::now();
    let (mut took_inline, mut took_offloaded) = (Duration::ZERO, Duration::ZERO);
    while started.elapsed() < turn.time {
        let began = Instant::now();
        let expected: u64 = (0..batch.jobs).map(|job| batch.run(job)).sum();
        took_inline += began.elapsed();
        let began = Instant::now();
        let sum = offloaded(batch)?;
        took_offloaded += began.elapsed();
        ensure!(sum == expected, "the offloaded jobs returned a different result");
    }
    let speed_up = took_inline.as_secs_f64() / took_offloaded.as_secs_f64();
    Ok(figures([("speed-up", speed_up)]))
}

fn all_cores(_turn: &Turn) -> Result<Figures> {
    Ok(figures([("speed-up", cores() as f64)]))
}

fn rayon_spawn(batch: Batch) -> Result<u64> {
    let (answer, answers) = mpsc::channel();
    for job in 0..batch.jobs {
        let answer = answer.clone();
        rayon::spawn(move || {
            answer.send(batch.run(job)).ok(); // an error: the receiver is gone
        });
    }
    drop(answer);
    Ok(answers.into_iter().sum())
}

fn spawn_blocking(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    speed_up(turn, |batch| {
        runtime.block_on(async {
            let mut jobs = JoinSet::new();
            for job in 0..batch.jobs {
                jobs.spawn_blocking(move || batch.run(job));
            }
            Ok(jobs.join_all().await.into_iter().sum())
        })
    })
}

/// Starts one thread per core at a time.
fn threads(batch: Batch) -> Result<u64> {
    let mut sum = 0;
    for first in (0..batch.jobs).step_by(cores()) {
        let wave = first..(first + cores() as u64).min(batch.jobs);
        let threads: Vec<_> = wave.map(|job| thread::spawn(move || batch.run(job))).collect();
        for thread in threads {
            sum += thread.join().map_err(|_| anyhow!("a thread panicked"))?;
        }
    }
    Ok(sum)
}

/// Offloads from many callers, each with one job at a time, as in a service.
fn pool_each(turn: &Turn) -> Result<Figures> {
    let callers_count = 64.max(2 * cores() as u64);
    let runtime = Runtime::new()?;
    with_pool(&runtime, 0, |pool| {
        speed_up(turn, |batch| {
            let caller = |first| {
                let pool = Arc::clone(pool);
                async move {
                    let mut sum = 0;
                    for job in (first..batch.jobs).step_by(callers_count as usize) {
                        sum += pool.run(Job::Walk(Batch::start(job), batch.steps)).await?.0;
                    }
                    anyhow::Ok(sum)
                }
            };
            runtime.block_on(async {
                let callers: JoinSet<_> = (0..callers_count).map(caller).collect();
                callers.join_all().await.into_iter().sum()
            })
        })
    })
}

fn pool_map(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    with_pool(&runtime, 0, |pool| {
        speed_up(turn, |batch| {
            let jobs = (0..batch.jobs).map(|job| Job::Walk(Batch::start(job), batch.steps));
            let results = runtime.block_on(pool.map(jobs));
            results.into_iter().map(|result| Ok(result?.0)).sum()
        })
    })
}
