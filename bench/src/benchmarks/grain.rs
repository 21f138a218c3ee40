//! From which job size on offloading pays.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use harness::results::Better;
use rayon::prelude::*;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way, figures};
use crate::work::{Job, cores, steps_in, walk, with_pool};

const SIZES: &[u64] = &[1, 10, 100, 1_000];
/// A thread for each job of 1 µs would only show once more what a thread costs.
const THREAD_SIZES: &[u64] = &[10, 100, 1_000];

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, SIZES, "grain.py", way);
    Benchmark {
        name: "grain",
        question: "From which job size on does offloading pay?",
        method: "A batch of jobs, each so many µs of computing, is done one after the other and \
                 then offloaded, again and again in the same process. The figure is how many \
                 times as fast it was offloaded; below 1 it was slower. Each job is offloaded by \
                 itself, except by par_iter and by the two maps, which put several together. A thread \
                 for each job is left out at 1 µs, where its start takes many times as long.",
        sizes: Some("µs of work in a job"),
        quick_most: 100,
        programs: &[],
        python_packages: false,
        measures: &[("speed-up", "×", Better::More)],
        implementations: vec![
            Implementation::floor("all cores", SIZES, Way::Here(all_cores)),
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
    }
}

/// Jobs that are done at a time: their numbers are 0 to `jobs`.
#[derive(Clone, Copy)]
struct Batch {
    jobs: u64,
    steps: u64,
}

impl Batch {
    /// As much work as fills a quarter of the time, or fewer jobs, so that the time is enough where
    /// each costs far more than it is worth; at least two for each core.
    fn new(turn: &Turn) -> Self {
        let size = Duration::from_micros(turn.size);
        let worth = (turn.time / 4).as_micros() as u64 / turn.size.max(1);
        let most = turn.time.as_micros() as u64 / 200;
        Self { jobs: worth.min(most).max(2 * cores() as u64), steps: steps_in(size) }
    }

    /// Where a job begins. No two are the same: what is known already need not be computed again.
    fn start(self, job: u64) -> u64 {
        job + 1
    }

    /// Does one job.
    fn run(self, job: u64) -> u64 {
        walk(self.start(job), self.steps)
    }
}

/// Does the batch inline and then offloaded until the time is used up, and compares both. Before
/// that, once offloaded: the pool is started.
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
        ensure!(sum == expected, "offloaded, the jobs gave something else");
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
            answer.send(batch.run(job)).ok(); // an error: nobody waits any more
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

/// As many at a time as there are cores.
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

/// A job at a time for each of many callers, as in a service.
fn pool_each(turn: &Turn) -> Result<Figures> {
    const CALLERS: u64 = 64;

    let runtime = Runtime::new()?;
    with_pool(&runtime, 0, |pool| {
        speed_up(turn, |batch| {
            let caller = |first| {
                let pool = Arc::clone(pool);
                async move {
                    let mut sum = 0;
                    for job in (first..batch.jobs).step_by(CALLERS as usize) {
                        sum += pool.run(Job::Walk(batch.start(job), batch.steps)).await?.0;
                    }
                    anyhow::Ok(sum)
                }
            };
            runtime.block_on(async {
                let callers: JoinSet<_> = (0..CALLERS).map(caller).collect();
                callers.join_all().await.into_iter().sum()
            })
        })
    })
}

fn pool_map(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    with_pool(&runtime, 0, |pool| {
        speed_up(turn, |batch| {
            let jobs = (0..batch.jobs).map(|job| Job::Walk(batch.start(job), batch.steps));
            let results = runtime.block_on(pool.map(jobs));
            results.into_iter().map(|result| Ok(result?.0)).sum()
        })
    })
}
