//! Runs tiny programs of two threads many times and counts their outcomes, as jcstress does for
//! Java. The counts differ from run to run and from machine to machine; what matters is which
//! outcomes occur at all.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::{hint, thread};

use harness::kept::outcomes::{Kind, Outcome, Outcomes, Table, VERSION, Variant};
use harness::kept::results::thousands;
use harness::run::machine::{self, Machine};

use Kind::{Expected, Forbidden, Surprising};
use Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

/// Runs between two counts.
const BATCH: usize = 1024;

/// The variables of one run's two threads, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell {
    x: AtomicU32,
    y: AtomicU32,
    /// The values that the first and the second thread return.
    returned: [AtomicU32; 2],
}

/// A thread of a tiny program.
type Code = fn(&Cell) -> u32;
/// The code of a thread, and its source.
type Part = (Code, &'static str);

/// A closure over a [`Cell`], and its source.
macro_rules! part {
    ($cell:ident: $($code:tt)*) => {
        ((|$cell: &Cell| { $($code)* }) as Code, stringify!($($code)*))
    };
}

/// Counts the values that the two threads return, with the final value of `x`.
fn count(runs: usize, first: Code, second: Code) -> BTreeMap<[u32; 3], u64> {
    let cells: Vec<Cell> = (0..BATCH).map(|_| Cell::default()).collect();
    let arrived = AtomicUsize::new(0);
    let mut counts = BTreeMap::new();
    let batches = || (0..runs).step_by(BATCH).map(|at| &cells[..BATCH.min(runs - at)]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut meeting = Meeting { arrived: &arrived, number: 0 };
            for batch in batches() {
                play(batch, &mut meeting, second, 1);
                meeting.wait();
            }
        });
        let mut meeting = Meeting { arrived: &arrived, number: 0 };
        for batch in batches() {
            play(batch, &mut meeting, first, 0);
            // The second thread waits until the cells are counted and reset.
            for Cell { x, y, returned: [one, two] } in batch {
                let outcome = [one, two, x].map(|value| value.swap(0, Relaxed));
                *counts.entry(outcome).or_default() += 1;
                y.store(0, Relaxed);
            }
            meeting.wait();
        }
    });
    counts
}

/// Runs one thread's code in every cell, at the same time as the other thread's.
fn play(batch: &[Cell], meeting: &mut Meeting<'_>, code: Code, number: usize) {
    for cell in batch {
        meeting.wait();
        cell.returned[number].store(code(cell), Relaxed);
    }
    meeting.wait();
}

/// A meeting point of two threads. A Barrier would wake them up one after the other; these threads
/// spin, so they continue within nanoseconds of each other.
struct Meeting<'a> {
    arrived: &'a AtomicUsize,
    number: usize,
}

impl Meeting<'_> {
    fn wait(&mut self) {
        self.number += 1;
        self.arrived.fetch_add(1, AcqRel);
        let mut spins = 0_u32;
        while self.arrived.load(Acquire) < 2 * self.number {
            spins += 1;
            // Both threads may have to share one core.
            if spins.is_multiple_of(64) { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

/// An outcome that may occur: its name, its kind, and a test for the values that mean it.
type Known = (&'static str, Kind, fn([u32; 3]) -> bool);

fn variant(runs: usize, name: &str, first: Part, second: Part, known: &[Known]) -> Variant {
    let counts = count(runs, first.0, second.0);
    let outcomes = known.iter().map(|&(seen, kind, is)| {
        let counts = counts.iter().filter(|&(&outcome, _)| is(outcome));
        Outcome { seen: seen.to_owned(), kind, count: counts.map(|(_, count)| count).sum() }
    });
    let threads = [first.1.to_owned(), second.1.to_owned()];
    Variant { name: name.to_owned(), threads, outcomes: outcomes.collect() }
}

/// Counts the outcomes of every program, in this many runs of each variant.
pub fn count_all(runs: usize) -> Outcomes {
    let table = |name: &str, question: &str, variants| Table {
        name: name.to_owned(),
        question: question.to_owned(),
        variants,
    };
    Outcomes {
        version: VERSION,
        counted: machine::now(),
        machine: Machine::this(),
        architecture: std::env::consts::ARCH.to_owned(),
        runs: runs as u64,
        tables: vec![
            table(
                "store-buffering",
                "Each thread writes one variable and reads the other. Can both read 0?",
                store_buffering(runs),
            ),
            table(
                "lost-update",
                "Two threads add 1. Can one of the updates be lost?",
                lost_update(runs),
            ),
            table(
                "message-passing",
                "One thread writes x and then sets the flag y. Can the other one see the flag and \
                 not the data?",
                message_passing(runs),
            ),
        ],
    }
}

/// Returns the tables as text for a terminal.
pub fn report(outcomes: &Outcomes) -> String {
    let mut text = String::new();
    for table in &outcomes.tables {
        text += &format!("\n{}: {}\n", table.name, table.question);
        for variant in &table.variants {
            text += &format!("  {}\n", variant.name);
            for Outcome { seen, kind, count } in &variant.outcomes {
                let kind = match kind {
                    Expected => "",
                    Surprising => "surprising",
                    Forbidden => "forbidden",
                };
                let count = thousands(*count);
                text += format!("    {count:>9}  {seen:<24} {kind}").trim_end();
                text.push('\n');
            }
        }
    }
    text
}

fn store_buffering(runs: usize) -> Vec<Variant> {
    let known = |both_zero| -> [Known; 4] {
        [
            ("both read 0", both_zero, |[one, two, _]| (one, two) == (0, 0)),
            ("only the first reads 1", Expected, |[one, two, _]| (one, two) == (1, 0)),
            ("only the second reads 1", Expected, |[one, two, _]| (one, two) == (0, 1)),
            ("both read 1", Expected, |[one, two, _]| (one, two) == (1, 1)),
        ]
    };
    vec![
        variant(
            runs,
            "Relaxed",
            part!(at: at.x.store(1, Relaxed); at.y.load(Relaxed)),
            part!(at: at.y.store(1, Relaxed); at.x.load(Relaxed)),
            &known(Surprising),
        ),
        variant(
            runs,
            "Release and Acquire",
            part!(at: at.x.store(1, Release); at.y.load(Acquire)),
            part!(at: at.y.store(1, Release); at.x.load(Acquire)),
            &known(Surprising),
        ),
        variant(
            runs,
            "SeqCst",
            part!(at: at.x.store(1, SeqCst); at.y.load(SeqCst)),
            part!(at: at.y.store(1, SeqCst); at.x.load(SeqCst)),
            &known(Forbidden),
        ),
    ]
}

fn lost_update(runs: usize) -> Vec<Variant> {
    let known = |lost| -> [Known; 2] {
        [
            ("both updates kept", Expected, |[.., x]| x == 2),
            ("one update lost", lost, |[.., x]| x == 1),
        ]
    };
    let in_two_steps =
        part!(at: let seen = at.x.load(Relaxed); at.x.store(seen + 1, Relaxed); seen);
    let in_one_step = part!(at: at.x.fetch_add(1, Relaxed));
    vec![
        variant(runs, "load and store", in_two_steps, in_two_steps, &known(Surprising)),
        variant(runs, "fetch_add", in_one_step, in_one_step, &known(Forbidden)),
    ]
}

fn message_passing(runs: usize) -> Vec<Variant> {
    // The reader returns the flag as 2 and the data as 1.
    let known = |without_data| -> [Known; 3] {
        [
            ("no flag", Expected, |[_, read, _]| read < 2),
            ("flag and data", Expected, |[_, read, _]| read == 3),
            ("flag without data", without_data, |[_, read, _]| read == 2),
        ]
    };
    vec![
        variant(
            runs,
            "Relaxed",
            part!(at: at.x.store(1, Relaxed); at.y.store(1, Relaxed); 0),
            part!(at: 2 * at.y.load(Relaxed) + at.x.load(Relaxed)),
            &known(Surprising),
        ),
        variant(
            runs,
            "Release and Acquire",
            part!(at: at.x.store(1, Relaxed); at.y.store(1, Release); 0),
            part!(at: 2 * at.y.load(Acquire) + at.x.load(Relaxed)),
            &known(Forbidden),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// The number of runs in which a forbidden outcome must not occur.
    const RUNS: usize = 10_000;

    // Each program spins on two cores, so one runs at a time.
    static CORES: Mutex<()> = Mutex::new(());

    fn seen(variants: &[Variant], name: &str, outcome: &str) -> u64 {
        let variant = variants.iter().find(|variant| variant.name == name).unwrap();
        variant.outcomes.iter().find(|it| it.seen == outcome).unwrap().count
    }

    /// Returns true if each of these variants shows the outcome, in at most 200,000 runs.
    fn all_seen(program: fn(usize) -> Vec<Variant>, names: &[&str], outcome: &str) -> bool {
        let mut missing = names.to_vec();
        for _ in 0..40 {
            let variants = program(5_000);
            missing.retain(|name| seen(&variants, name, outcome) == 0);
            if missing.is_empty() {
                return true;
            }
        }
        false
    }

    #[test]
    fn every_run_has_one_of_the_known_outcomes() {
        let _cores = CORES.lock();
        let outcomes = count_all(BATCH + 1);
        for variant in outcomes.tables.iter().flat_map(|table| &table.variants) {
            let sum: u64 = variant.outcomes.iter().map(|outcome| outcome.count).sum();
            assert_eq!(sum, outcomes.runs, "{}", variant.name);
        }
        let text = report(&outcomes);
        assert!(text.contains("        0  both read 0              forbidden\n"), "{text}");
    }

    #[test]
    fn both_threads_read_0_unless_all_is_sequentially_consistent() {
        let _cores = CORES.lock();
        let weaker = ["Relaxed", "Release and Acquire"];
        assert!(all_seen(store_buffering, &weaker, "both read 0"));
        assert_eq!(seen(&store_buffering(RUNS), "SeqCst", "both read 0"), 0);
    }

    #[test]
    fn an_update_in_two_steps_is_lost() {
        let _cores = CORES.lock();
        assert!(all_seen(lost_update, &["load and store"], "one update lost"));
        assert_eq!(seen(&lost_update(RUNS), "fetch_add", "one update lost"), 0);
    }

    /// Relaxed shows the flag without the data on some processors only.
    #[test]
    fn release_and_acquire_never_show_the_flag_without_the_data() {
        let _cores = CORES.lock();
        let variants = message_passing(RUNS);
        assert_eq!(seen(&variants, "Release and Acquire", "flag without data"), 0);
    }
}
