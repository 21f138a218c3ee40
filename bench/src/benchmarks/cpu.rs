//! The same computing in sequence and in parallel.

use std::ops::Range;
use std::thread;

use anyhow::{Context, Result, ensure};
use harness::results::Better;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way, figures};
use crate::measure::seconds;
use crate::work::{Job, chain, cores, longest, with_pool};

/// What is done: which of these numbers begins the longest chain?
const STARTS: Range<u64> = 1..300_001;
/// The steps of that chain, and the number.
const ANSWER: (u64, u64) = (442, 230_631);
/// In how many jobs those divide it who do not decide that themselves.
const PIECES: u64 = 64;

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "cpu.py", way);
    Benchmark {
        name: "cpu",
        question: "What makes computing faster?",
        method: "Which number up to 300,000 begins the longest Collatz chain? The same work in \
                 either language; threads and processes divide it into 64 jobs, rayon divides it \
                 itself. Pools are running before the clock is. A core is what the system counts \
                 as one: two of them may be halves of the same, and then they gain less than the \
                 floor says.",
        sizes: None,
        quick_most: 0,
        programs: &[],
        python_packages: false,
        measures: &[("time", "ms", Better::Less)],
        implementations: vec![
            Implementation::floor(
                "in sequence, divided by the cores",
                &[0],
                Way::PerCore(SEQUENCE),
            ),
            Implementation::rust(SEQUENCE, &[0], |turn| measure(turn, || Ok(longest(STARTS)))),
            Implementation::rust("std threads", &[0], |turn| measure(turn, on_threads)),
            Implementation::rust("rayon", &[0], |turn| measure(turn, with_rayon)),
            Implementation::rust("process pool", &[0], in_processes),
            python("Python in sequence", "sequence"),
            python("ThreadPoolExecutor", "threads"),
            python("ProcessPoolExecutor", "processes"),
        ],
    }
}

const SEQUENCE: &str = "in sequence";

fn measure(turn: &Turn, mut way: impl FnMut() -> Result<(u64, u64)>) -> Result<Figures> {
    let time = seconds(turn.time, |times| {
        (0..times).try_for_each(|_| {
            let answer = way()?;
            ensure!(answer == ANSWER, "the answer {answer:?} is wrong");
            Ok(())
        })
    });
    Ok(figures([("time", time? * 1e3)]))
}

fn pieces() -> impl Iterator<Item = Range<u64>> {
    let long = (STARTS.end - STARTS.start).div_ceil(PIECES);
    (0..PIECES).map(move |piece| {
        let first = STARTS.start + piece * long;
        first..(first + long).min(STARTS.end)
    })
}

/// As many threads as cores, started anew each time. The later pieces are more work, so each takes
/// some from everywhere.
fn on_threads() -> Result<(u64, u64)> {
    let cores = cores();
    let share = |first| pieces().skip(first).step_by(cores).map(longest).max();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|first| scope.spawn(move || share(first))).collect();
        let shares: Option<Vec<_>> = threads.into_iter().map(|thread| thread.join().ok()).collect();
        let best = shares.context("a thread panicked")?.into_iter().flatten().max();
        best.context("there is no work")
    })
}

fn with_rayon() -> Result<(u64, u64)> {
    let best = STARTS.into_par_iter().map(|start| (chain(start), start)).max();
    best.context("there is no work")
}

fn in_processes(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    with_pool(&runtime, 0, |pool| {
        measure(turn, || {
            let results = runtime.block_on(pool.map(pieces().map(Job::Longest)));
            let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
            results.into_iter().max().context("there is no work")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_whole() {
        let all: Vec<_> = pieces().flatten().collect();
        assert_eq!(all, STARTS.collect::<Vec<_>>());
    }
}
