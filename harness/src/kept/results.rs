//! Results of benchmarks: a question, the implementations that answer it, and their figures, round
//! by round. The crate `bench` measures them; the book shows those kept in `guide/results.json`.
//!
//! The speed of a machine drifts, so figures from different minutes are hard to compare. The
//! implementations therefore take turns in rounds, and two of them are compared by their ratio in
//! each round.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_json;
use crate::run::machine::Machine;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 2;

/// The results of one run of the benchmarks, on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`VERSION`].
    pub version: u32,
    /// The machine they ran on.
    pub machine: Machine,
    /// The compiler and the interpreter: `rustc 1.95.0`, `Python 3.11.7`.
    pub languages: Vec<String>,
    /// The benchmarks.
    pub benchmarks: Vec<BenchmarkResult>,
}

/// A question, and what was measured to answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkResult {
    /// The name, as in `--only` and in the book's pages.
    pub name: String,
    /// The time of the measurement: UTC, RFC 3339, to the second.
    pub measured: String,
    /// True for a quick run, whose figures are too rough to quote.
    pub quick: bool,
    /// The question.
    pub question: String,
    /// The work of the implementations and the way of measuring it, in a sentence or two.
    pub method: String,
    /// The unit of the sizes, such as `waits at once`, if there are several sizes.
    pub sizes: Option<String>,
    /// The measures. The first measure decides which implementation is ahead.
    pub measures: Vec<Measure>,
    /// The figures of each implementation at each size.
    pub entries: Vec<Entry>,
    /// Implementations that could not run, or not at every size.
    pub left_out: Vec<LeftOut>,
}

/// Something that is measured for every implementation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The name: `time`.
    pub name: String,
    /// Its unit: `s`.
    pub unit: String,
    /// The better direction.
    pub better: Better,
}

/// The better direction of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less is better, as for a time.
    Less,
    /// More is better, as for jobs per second.
    More,
}

/// The figures of one implementation at one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The implementation's name.
    pub implementation: String,
    /// The language that it is written in.
    pub category: Category,
    /// The size, if the benchmark has several.
    pub size: Option<u64>,
    /// One figure per round by the measure's name, in the same order for all implementations.
    pub figures: BTreeMap<String, Vec<f64>>,
}

/// The language that an implementation is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// A bound that no implementation can beat, such as the wait itself.
    LowerBound,
}

/// An implementation that could not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The implementation's name.
    pub implementation: String,
    /// The smallest size at which it could not run, if the benchmark has sizes.
    pub size: Option<u64>,
    /// The reason.
    pub why: String,
}

/// The spread of a figure over several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The minimum.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The maximum.
    pub max: f64,
}

impl Spread {
    /// Returns the spread of some figures. None if there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let above = figures.len() / 2;
        let below = (figures.len() - 1) / 2; // the same one, if their number is odd
        Some(Self { min, median: f64::midpoint(figures[below], figures[above]), max })
    }
}

impl Results {
    /// Reads a file that [`Self::write`] has written.
    ///
    /// # Errors
    ///
    /// When the file is missing or not in this format. The message names it.
    pub fn read(file: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let results: Self = serde_json::from_str(&fs::read_to_string(file)?)?;
            let version = results.version;
            ensure!(version == VERSION, "it has version {version}, not {VERSION}");
            Ok(results)
        };
        read().with_context(|| format!("reading {}", file.display()))
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        write_json(self, file)
    }

    /// Replaces these benchmarks in a file and keeps its other ones.
    ///
    /// # Errors
    ///
    /// When the file's other benchmarks come from another machine or other versions, and when one
    /// of these comes from a quick run or lacks an implementation.
    pub fn keep(mut self, file: &Path) -> Result<()> {
        for BenchmarkResult { name, quick, left_out, .. } in &self.benchmarks {
            ensure!(!quick, "not kept: {name} comes from a quick run");
            ensure!(left_out.is_empty(), "not kept: {name} lacks {}", left_out[0].implementation);
        }
        if file.is_file() {
            let kept = Self::read(file)?;
            let is_replaced = |old: &BenchmarkResult| self.benchmark(&old.name).is_ok();
            ensure!(
                kept.machine == self.machine && kept.languages == self.languages
                    || kept.benchmarks.iter().all(is_replaced),
                "{} comes from another machine or other versions; measure all benchmarks",
                file.display()
            );
            let new = std::mem::replace(&mut self.benchmarks, kept.benchmarks);
            self.replace(new);
        }
        self.write(file)
    }

    /// Replaces the benchmarks of the same names, and adds the others.
    pub fn replace(&mut self, benchmarks: Vec<BenchmarkResult>) {
        for benchmark in benchmarks {
            match self.benchmarks.iter_mut().find(|old| old.name == benchmark.name) {
                Some(old) => *old = benchmark,
                None => self.benchmarks.push(benchmark),
            }
        }
    }

    /// Returns the benchmark of this name.
    ///
    /// # Errors
    ///
    /// When there is none. The message lists the known ones.
    pub fn benchmark(&self, name: &str) -> Result<&BenchmarkResult> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name).with_context(|| {
            let known: Vec<_> =
                self.benchmarks.iter().map(|benchmark| benchmark.name.as_str()).collect();
            format!("no benchmark {name}; there are {}", known.join(", "))
        })
    }
}

impl BenchmarkResult {
    /// Returns the measure of this name.
    ///
    /// # Errors
    ///
    /// When there is none. The message lists the known ones.
    pub fn measure(&self, name: &str) -> Result<&Measure> {
        self.measures.iter().find(|measure| measure.name == name).with_context(|| {
            let known: Vec<_> = self.measures.iter().map(|known| known.name.as_str()).collect();
            format!("{} has no measure {name}; it has {}", self.name, known.join("; "))
        })
    }

    /// Returns the measured sizes in ascending order; a single None if the benchmark has no sizes.
    pub fn sizes(&self) -> Vec<Option<u64>> {
        let mut sizes: Vec<_> = self.entries.iter().map(|entry| entry.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Returns a size with its unit: `10,000 waits`, or `1 wait`.
    pub fn heading(&self, size: u64) -> String {
        let many = self.sizes.as_deref().unwrap_or_default();
        let unit = if size == 1 { many.strip_suffix('s').unwrap_or(many) } else { many };
        format!("{} {unit}", thousands(size))
    }

    /// Returns the entries at a size, in the order in which the benchmark lists its implementations.
    pub fn at(&self, size: Option<u64>) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.size == size)
    }

    /// Returns the implementation with the best median at a size, by this measure.
    pub fn best(&self, measure: &Measure, size: Option<u64>) -> Option<&Entry> {
        measure.best(self.at(size).filter(|entry| entry.category != Category::LowerBound))
    }

    /// Returns the best implementation that is not among those ahead at a size, by this measure.
    pub fn next(&self, measure: &Measure, size: Option<u64>) -> Option<&Entry> {
        let ahead = self.ahead(measure, size);
        let behind =
            |entry: &&Entry| entry.category != Category::LowerBound && !ahead.contains(entry);
        measure.best(self.at(size).filter(behind))
    }

    /// Returns the implementations that are ahead at a size, by this measure: the best one, and those that
    /// cannot be told apart from it, see [`Measure::level`].
    pub fn ahead(&self, measure: &Measure, size: Option<u64>) -> Vec<&Entry> {
        let Some(best) = self.best(measure, size) else { return Vec::new() };
        let level = |entry: &&Entry| {
            let ratios: Vec<_> = entry.ratios(best, measure).collect();
            entry.category != Category::LowerBound && measure.level(&ratios)
        };
        self.at(size).filter(level).collect()
    }
}

impl Measure {
    /// Returns the entry with the best median, of those that have one.
    fn best<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Option<&'a Entry> {
        let medians = entries.filter_map(|entry| Some((entry, entry.spread(self)?.median)));
        let best = medians.min_by(|(_, a), (_, b)| match self.better {
            Better::Less => a.total_cmp(b),
            Better::More => b.total_cmp(a),
        });
        best.map(|(entry, _)| entry)
    }

    /// Returns true if an implementation with these ratios to the best one cannot be told apart from
    /// it: it was no worse in at least a quarter of the rounds, or its median is worse by less than 5 %.
    pub fn level(&self, ratios: &[f64]) -> bool {
        let no_worse = ratios.iter().filter(|&&ratio| match self.better {
            Better::Less => ratio <= 1.0,
            Better::More => ratio >= 1.0,
        });
        let often = 4 * no_worse.count() >= ratios.len();
        Spread::of(ratios.iter().copied()).is_some_and(|ratio| match self.better {
            Better::Less => often || ratio.median < 1.05,
            Better::More => often || ratio.median > 1.0 / 1.05,
        })
    }

    /// Returns the measure with its unit: `time, s`.
    pub fn heading(&self) -> String {
        let Self { name, unit, .. } = self;
        if unit.is_empty() { name.clone() } else { format!("{name}, {unit}") }
    }

    /// Returns a value with its unit, to three digits: `1.62 s`, `437 MiB`, `12,300 jobs/s`.
    pub fn show(&self, value: f64) -> String {
        format!("{} {}", digits(value), self.unit).trim_end().to_owned()
    }
}

impl Entry {
    /// Returns the figures of a measure, round by round. Empty if it was not measured.
    pub fn rounds(&self, measure: &Measure) -> &[f64] {
        self.figures.get(&measure.name).map_or(&[], Vec::as_slice)
    }

    /// Returns the spread over all rounds. None if it was not measured.
    pub fn spread(&self, measure: &Measure) -> Option<Spread> {
        Spread::of(self.rounds(measure).iter().copied())
    }

    /// Returns the spread of the ratios of this implementation's figures to the other's, round by round.
    pub fn ratio(&self, other: &Self, measure: &Measure) -> Option<Spread> {
        Spread::of(self.ratios(other, measure))
    }

    fn ratios(&self, other: &Self, measure: &Measure) -> impl Iterator<Item = f64> {
        let pairs = self.rounds(measure).iter().zip(other.rounds(measure));
        // Two zeros are equal, although their quotient is not a number.
        pairs.map(|(this, other)| if this == other { 1.0 } else { this / other })
    }
}

/// Writes a number to three digits, or to all digits before the point if there are more, with commas
/// between thousands.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    match text.parse() {
        Ok(whole) => thousands(whole), // a whole number that is not negative
        Err(_) => text,
    }
}

/// Writes a whole number, with commas between thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_min_median_and_max() {
        let spread = Spread::of([3.0, 1.0, 2.5]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.5, 3.0));
        assert_eq!(Spread::of([4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.01234, "0.012"),
            (0.9999, "1.00"),
            (1.005, "1.00"),
            (12.34, "12.3"),
            (99.96, "100"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-12.34, "-12.3"),
        ];
        for (value, text) in cases {
            assert_eq!(digits(value), text);
        }
    }

    /// A benchmark in which the shorter time is better.
    fn benchmark(entries: Vec<Entry>) -> BenchmarkResult {
        let measure = Measure { name: "time".into(), unit: "s".into(), better: Better::Less };
        BenchmarkResult {
            name: "x".to_owned(),
            measured: String::new(),
            quick: false,
            question: String::new(),
            method: String::new(),
            sizes: None,
            measures: vec![measure],
            entries,
            left_out: Vec::new(),
        }
    }

    fn entry(implementation: &str, category: Category, rounds: [f64; 3]) -> Entry {
        let figures = BTreeMap::from([("time".to_owned(), rounds.to_vec())]);
        Entry { implementation: implementation.to_owned(), category, size: None, figures }
    }

    #[test]
    fn one_is_singular() {
        let of = |unit: &str| BenchmarkResult { sizes: Some(unit.to_owned()), ..benchmark(vec![]) };
        assert_eq!(of("workers").heading(1), "1 worker");
        assert_eq!(of("workers").heading(10_000), "10,000 workers");
        assert_eq!(of("µs of work in a job").heading(1), "1 µs of work in a job");
    }

    #[test]
    fn what_cannot_be_told_apart_from_the_best_is_ahead_too() {
        let benchmark = benchmark(vec![
            entry("bound", Category::LowerBound, [0.1; 3]),
            entry("best", Category::Rust, [1.0, 2.0, 1.0]),
            entry("now and then better", Category::Rust, [1.2, 1.9, 1.2]),
            entry("hardly worse", Category::Rust, [1.04, 2.08, 1.04]),
            entry("worse", Category::Python, [1.1, 2.1, 1.1]),
        ]);
        let ahead = |better| {
            let measure = Measure { name: "time".to_owned(), unit: "s".to_owned(), better };
            let ahead = benchmark.ahead(&measure, None);
            ahead.into_iter().map(|entry| entry.implementation.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(ahead(Better::Less), ["best", "now and then better", "hardly worse"]);
        // If more is better, none of them is worse than the best in every round.
        assert_eq!(ahead(Better::More).len(), 4);
        let next =
            benchmark.next(&benchmark.measures[0], None).map(|entry| entry.implementation.as_str());
        assert_eq!(next, Some("worse"));
    }
}
