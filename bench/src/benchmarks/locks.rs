//! The cost of a map that many threads read and write.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use anyhow::Result;
use dashmap::DashMap;
use harness::kept::results::Better::More;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::measure::per_second;
use crate::work::cores;

/// The percentages of operations that only read.
const SIZES: &[u64] = &[50, 90];
/// The keys of the map. All of them are there from the start.
const KEYS: u64 = 1024;

const ONE: &str = "one thread";
const PER_CORE: &str = "a thread per core";
const TWO_PER_CORE: &str = "two threads per core";
/// The throughput of two threads per core, divided by that of one thread.
const GAIN: &str = "gain from threads";

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "locks",
        question: "Which lock for a map that many threads share?",
        method: "A hash map has 1,024 keys. Each thread picks a key at random, and reads its value \
                 or adds 1 to it, again and again. The figure is what all threads together \
                 complete in a second. The lock is held for a single operation, which is short, \
                 and nothing is done between two operations, so contention is as high as it gets. \
                 The gain is how many times as much two threads per core complete as one thread. \
                 DashMap is a hash map in parts with a RwLock each. The atomics need no lock, \
                 because no key is ever added.",
        sizes: Some("% reads"),
        quick_max: 90,
        measures: &[
            (TWO_PER_CORE, "million/s", More),
            (PER_CORE, "million/s", More),
            (ONE, "million/s", More),
            (GAIN, "×", More),
        ],
        implementations: vec![
            Implementation::rust("std Mutex", SIZES, std_mutex),
            Implementation::rust("std RwLock", SIZES, std_rw_lock),
            Implementation::rust("parking_lot Mutex", SIZES, parking_lot_mutex),
            Implementation::rust("parking_lot RwLock", SIZES, parking_lot_rw_lock),
            Implementation::rust("DashMap", SIZES, dashmap),
            Implementation::rust("HashMap of atomics", SIZES, atomics),
            Implementation::python("Python dict with a Lock", SIZES, "locks.py", "lock"),
        ],
        ..Benchmark::default()
    }
}

type Map = HashMap<u64, u64>;

fn map<V: Default>() -> HashMap<u64, V> {
    (0..KEYS).map(|key| (key, V::default())).collect()
}

fn get(map: &Map, key: u64) -> u64 {
    map.get(&key).copied().unwrap_or_default()
}

fn add(map: &mut Map, key: u64) {
    *map.entry(key).or_default() += 1;
}

fn std_mutex(turn: &Turn) -> Result<Figures> {
    let map = Mutex::new(map());
    let lock = || map.lock().unwrap_or_else(PoisonError::into_inner);
    measure(turn, |key| get(&lock(), key), |key| add(&mut lock(), key))
}

fn std_rw_lock(turn: &Turn) -> Result<Figures> {
    let map = RwLock::new(map());
    let read = || map.read().unwrap_or_else(PoisonError::into_inner);
    let write = || map.write().unwrap_or_else(PoisonError::into_inner);
    measure(turn, |key| get(&read(), key), |key| add(&mut write(), key))
}

fn parking_lot_mutex(turn: &Turn) -> Result<Figures> {
    let map = parking_lot::Mutex::new(map());
    measure(turn, |key| get(&map.lock(), key), |key| add(&mut map.lock(), key))
}

fn parking_lot_rw_lock(turn: &Turn) -> Result<Figures> {
    let map = parking_lot::RwLock::new(map());
    measure(turn, |key| get(&map.read(), key), |key| add(&mut map.write(), key))
}

fn dashmap(turn: &Turn) -> Result<Figures> {
    let map: DashMap<u64, u64> = map().into_iter().collect();
    measure(
        turn,
        |key| map.get(&key).map(|value| *value).unwrap_or_default(),
        |key| *map.entry(key).or_default() += 1,
    )
}

fn atomics(turn: &Turn) -> Result<Figures> {
    let map: HashMap<u64, AtomicU64> = map();
    measure(
        turn,
        |key| map.get(&key).map_or(0, |value| value.load(Ordering::Relaxed)),
        |key| {
            if let Some(value) = map.get(&key) {
                value.fetch_add(1, Ordering::Relaxed);
            }
        },
    )
}

/// Measures with each number of threads, for a third of the time each.
fn measure(
    turn: &Turn,
    get: impl Fn(u64) -> u64 + Sync,
    add: impl Fn(u64) + Sync,
) -> Result<Figures> {
    let (get, add, reads) = (&get, &add, turn.size);
    let with = |threads| {
        per_second(threads, turn.time / 3, |number| {
            let mut random = Random::new(number);
            move || {
                let random = random.next();
                let key = random % KEYS;
                if (random >> 32) % 100 < reads {
                    black_box(get(key));
                } else {
                    add(key);
                }
            }
        })
    };
    let threads = [(ONE, 1), (PER_CORE, cores()), (TWO_PER_CORE, 2 * cores())];
    let mut figures = figures(threads.map(|(name, threads)| (name, with(threads) / 1e6)));
    figures.insert(GAIN.to_owned(), figures[TWO_PER_CORE] / figures[ONE]);
    Ok(figures)
}

/// Random numbers that cost next to nothing: Marsaglia's xorshift.
struct Random(u64);

impl Random {
    /// Returns a sequence of its own for each thread.
    fn new(number: usize) -> Self {
        Self((number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_are_used_and_reads_are_as_many_as_stated() {
        let mut random = Random::new(3);
        let numbers: Vec<_> = (0..100_000).map(|_| random.next()).collect();
        let keys: std::collections::HashSet<_> =
            numbers.iter().map(|random| random % KEYS).collect();
        assert_eq!(keys.len() as u64, KEYS);
        let reads = numbers.iter().filter(|random| (*random >> 32) % 100 < 90).count();
        assert!((89_000..91_000).contains(&reads), "{reads} of 100,000");
    }
}
