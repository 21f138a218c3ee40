//! The cost of two threads' counters in the same cache line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use crossbeam_utils::CachePadded;
use harness::kept::results::Better;

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::measure::seconds;

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "false-sharing",
        question: "What does it cost to put two counters next to each other?",
        method: "Each of two threads adds 1 to an atomic counter, again and again. The figure is \
                 the time until both have done so once. Either each thread has a counter of its \
                 own, and the two lie next to each other in one cache line or are padded to a \
                 cache line each, or both threads use the same counter. In Rust, all of them are \
                 fetch_add with Relaxed. The lower bound is a single thread with one counter.",
        measures: &[("time", "ns", Better::Less)],
        implementations: vec![
            Implementation::lower_bound("one thread alone", &[0], Source::Function(alone)),
            Implementation::rust("two counters, padded", &[0], |turn| {
                let counters = Padded::default();
                measure(turn, [&counters.first, &counters.second])
            }),
            Implementation::rust("two counters, one cache line", &[0], |turn| {
                let counters = OneLine::default();
                measure(turn, [&counters.first, &counters.second])
            }),
            Implementation::rust("one counter for both", &[0], |turn| {
                let counter = AtomicU64::default();
                measure(turn, [&counter; 2])
            }),
        ],
        ..Benchmark::default()
    }
}

/// Two counters in one cache line. The alignment keeps them on one side of a border.
#[derive(Default)]
#[repr(align(128))]
struct OneLine {
    first: AtomicU64,
    second: AtomicU64,
}

#[derive(Default)]
struct Padded {
    first: CachePadded<AtomicU64>,
    second: CachePadded<AtomicU64>,
}

fn count(counter: &AtomicU64, times: u64) {
    for _ in 0..times {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Measures with one thread for each of these counters.
fn measure(turn: &Turn, counters: [&AtomicU64; 2]) -> Result<Figures> {
    let mut all = 0;
    let time = seconds(turn.time, |times| {
        thread::scope(|scope| {
            for counter in counters {
                scope.spawn(move || count(counter, times));
            }
        });
        all += 2 * times;
        Ok(())
    })?;
    let [first, second] = counters.map(|counter| counter.load(Ordering::Relaxed));
    let counted = if std::ptr::eq(counters[0], counters[1]) { first } else { first + second };
    ensure!(counted == all, "{counted} of {all} were counted");
    Ok(figures([("time", time * 1e9)]))
}

fn alone(turn: &Turn) -> Result<Figures> {
    let counter = AtomicU64::new(0);
    let time = seconds(turn.time, |times| {
        count(&counter, times);
        Ok(())
    });
    Ok(figures([("time", time? * 1e9)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processors fetch lines of 64 bytes, and some fetch two at a time.
    #[test]
    fn the_counters_lie_where_they_should() {
        let line = |counter: &AtomicU64, length: usize| std::ptr::from_ref(counter).addr() / length;
        let counters = OneLine::default();
        assert_eq!(line(&counters.first, 64), line(&counters.second, 64));
        let counters = Padded::default();
        assert_ne!(line(&counters.first, 64), line(&counters.second, 64));
        if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            assert_ne!(line(&counters.first, 128), line(&counters.second, 128));
        }
    }
}
