//! A computation in sequence and in parallel.

use std::ops::Range;
use std::thread;

use anyhow::{Context, Result, ensure};
use harness::kept::results::Better;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::measure::seconds;
use crate::work::{Job, chain, cores, longest, with_pool};

/// The numbers among which the start of the longest chain is searched for.
const STARTS: Range<u64> = 1..300_001;
/// The length of that chain, and the number.
const ANSWER: (u64, u64) = (442, 230_631);
/// Returns the number of jobs for threads and processes: enough that all cores are busy to the end.
fn piece_count() -> u64 {
    64.max(8 * cores() as u64)
}

pub(super) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation::python(name, &[0], "cpu.py", way);
    Benchmark {
        name: "cpu",
        question: "What makes computing faster?",
        method: "Which number up to 300,000 starts the longest Collatz chain? The work is the same \
                 in both languages. Threads and processes divide it into 64 jobs, or eight per \
                 core if that is more; rayon divides it itself. Pools are started before the \
                 measurement. A core is what the system counts as one: two of them may share the \
                 hardware of one physical core, and then the lower bound is out of reach.",
        measures: &[("time", "ms", Better::Less)],
        implementations: vec![
            Implementation::lower_bound(
                "in sequence, divided by the cores",
                &[0],
                Source::PerCore(SEQUENCE),
            ),
            Implementation::rust(SEQUENCE, &[0], |turn| measure(turn, || Ok(longest(STARTS)))),
            Implementation::rust("std threads", &[0], |turn| measure(turn, on_threads)),
            Implementation::rust("rayon", &[0], |turn| measure(turn, with_rayon)),
            Implementation::rust("process pool", &[0], in_processes),
            python("Python in sequence", "sequence"),
            python("ThreadPoolExecutor", "threads"),
            python("ProcessPoolExecutor", "processes"),
        ],
        ..Benchmark::default()
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
    let long = (STARTS.end - STARTS.start).div_ceil(piece_count());
    (0..piece_count()).map(move |piece| {
        let first = STARTS.start + piece * long;
        first..(first + long).min(STARTS.end)
    })
}

/// Computes on one thread per core, started for each run. Later pieces are more work, so each thread takes
/// pieces from the whole range.
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
