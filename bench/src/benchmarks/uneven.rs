//! Jobs of different lengths: split in advance, or taken one by one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use harness::kept::results::Better;
use rayon::prelude::*;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::measure::seconds;
use crate::work::{cores, walk};

/// The number of jobs. Job n takes n times as long as job 1. As in uneven.py.
const JOBS: u64 = 512;
/// The steps of job 1. As in uneven.py, except in a test, which measures nothing.
const STEPS: u64 = if cfg!(test) { 1 } else { 512 };

const SEQUENCE: &str = "in sequence";

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "uneven.py", way);
    Benchmark {
        name: "uneven",
        question: "What if the jobs take different times?",
        method: "There are 512 jobs, and each of them takes a little longer than the one before. \
                 A static split divides them in advance: each thread gets an equal number of jobs \
                 that follow each other, so the last thread gets the longest ones. With the \
                 counter, each thread takes the next job when it is done with one. rayon divides \
                 the jobs itself and steals work. The work is the same in both languages. Python's \
                 pool is started before the measurement.",
        measures: &[("time", "ms", Better::Less)],
        implementations: vec![
            Implementation::lower_bound(
                "in sequence, divided by the cores",
                &[0],
                Source::PerCore(SEQUENCE),
            ),
            Implementation::rust(SEQUENCE, &[0], |turn| {
                measure(turn, || Ok((1..=JOBS).map(run).sum()))
            }),
            Implementation::rust("static split", &[0], |turn| measure(turn, static_split)),
            Implementation::rust("next job from a counter", &[0], |turn| measure(turn, counter)),
            Implementation::rust("rayon", &[0], |turn| {
                measure(turn, || Ok((1..=JOBS).into_par_iter().map(run).sum()))
            }),
            python("ProcessPoolExecutor, static split", "split"),
            python("ProcessPoolExecutor, job by job", "jobs"),
        ],
        ..Benchmark::default()
    }
}

/// Runs a job by its number.
fn run(job: u64) -> u64 {
    walk(job, job * STEPS)
}

fn measure(turn: &Turn, mut way: impl FnMut() -> Result<u64>) -> Result<Figures> {
    let expected: u64 = (1..=JOBS).map(run).sum();
    let time = seconds(turn.time, |times| {
        (0..times).try_for_each(|_| {
            let sum = way()?;
            ensure!(sum == expected, "the sum {sum} is wrong");
            Ok(())
        })
    });
    Ok(figures([("time", time? * 1e3)]))
}

/// Calls `share` on one thread per core, and adds up what the threads return. A thread gets its number.
fn on_threads(share: impl Fn(u64) -> u64 + Sync) -> Result<u64> {
    let share = &share;
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..cores() as u64).map(|number| scope.spawn(move || share(number))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a thread panicked")).sum()
    })
}

fn static_split() -> Result<u64> {
    let long = JOBS.div_ceil(cores() as u64);
    on_threads(|number| {
        let first = 1 + number * long;
        (first..(first + long).min(JOBS + 1)).map(run).sum()
    })
}

fn counter() -> Result<u64> {
    let next = AtomicU64::new(1);
    on_threads(|_| {
        // Relaxed, because nothing but the number itself is passed on.
        let jobs = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        jobs.take_while(|job| *job <= JOBS).map(run).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_runs_once() {
        let expected: u64 = (1..=JOBS).map(run).sum();
        assert_eq!(static_split().unwrap(), expected);
        assert_eq!(counter().unwrap(), expected);
    }
}
