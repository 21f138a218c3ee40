//! Benchmarks: a question, those who answer it, and what each of them took, round by round. The crate
//! `bench` measures them; the book shows those that are kept in `guide/results.json`.
//!
//! A machine is now faster, now slower, and two figures of different minutes say little. So the
//! implementations take turns in rounds, and two of them are compared by the ratios of the same round.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_json;
use crate::machine::Machine;

/// The version of the format that this program writes, and the only one that it reads.
pub const VERSION: u32 = 2;

/// What one run of all benchmarks gave, on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`VERSION`].
    pub version: u32,
    /// Where.
    pub machine: Machine,
    /// What compiled or ran the implementations: `rustc 1.95.0`, `Python 3.11.7`.
    pub languages: Vec<String>,
    /// The benchmarks.
    pub benchmarks: Vec<BenchmarkResult>,
}

/// A question, and what was measured to answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkResult {
    /// How `--only` and the book's pages call it.
    pub name: String,
    /// When it was measured: UTC, RFC 3339, to the second.
    pub measured: String,
    /// Whether each implementation had only a moment, which is for trying, not for quoting.
    pub quick: bool,
    /// The question.
    pub question: String,
    /// What the implementations do, and how that is measured, in a sentence or two.
    pub method: String,
    /// What the sizes count, as in `waits at once`, where there are several.
    pub sizes: Option<String>,
    /// What is measured. The first measure decides who is ahead.
    pub measures: Vec<Measure>,
    /// What each implementation took.
    pub entries: Vec<Entry>,
    /// Who could not take part, or not at every size.
    pub left_out: Vec<LeftOut>,
}

/// A figure that every implementation gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What it is: `time`.
    pub name: String,
    /// Its unit: `s`.
    pub unit: String,
    /// Which end of the scale is the good one.
    pub better: Better,
}

/// Which end of a scale is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// As for a time.
    Less,
    /// As for jobs in a second.
    More,
}

/// What an implementation took at one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who.
    pub implementation: String,
    /// In what.
    pub category: Category,
    /// The size, where the benchmark has several.
    pub size: Option<u64>,
    /// By the measure's name: a figure for each round, in the same order for all implementations.
    pub figures: BTreeMap<String, Vec<f64>>,
}

/// What an implementation is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// Nobody's: what no implementation can pass, such as the wait itself.
    LowerBound,
}

/// An implementation that could not take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Who.
    pub implementation: String,
    /// At which size; at none if there is none.
    pub size: Option<u64>,
    /// Why.
    pub why: String,
}

/// What several rounds gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least of the rounds.
    pub least: f64,
    /// The one in the middle.
    pub median: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// The spread of some figures. None if there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let above = figures.len() / 2;
        let below = (figures.len() - 1) / 2; // the same one, if their number is odd
        Some(Self { least, median: f64::midpoint(figures[below], figures[above]), most })
    }
}

impl Results {
    /// Reads a file that [`Self::write`] has written.
    ///
    /// # Errors
    ///
    /// When it is missing or not in this format. The message names it.
    pub fn read(file: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let results: Self = serde_json::from_str(&fs::read_to_string(file)?)?;
            let version = results.version;
            ensure!(version == VERSION, "it has version {version}, not {VERSION}");
            Ok(results)
        };
        read().with_context(|| format!("reading {}", file.display()))
    }

    /// Writes the file, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        write_json(self, file)
    }

    /// Puts these benchmarks into a file in place of its own of the same name.
    ///
    /// # Errors
    ///
    /// When the file holds others that were measured on another machine or in other versions, or
    /// when one of these was measured only for trying or without one of its implementations.
    pub fn keep(self, file: &Path) -> Result<()> {
        for BenchmarkResult { name, quick, left_out, .. } in &self.benchmarks {
            ensure!(!quick, "not kept: {name} was measured only for trying");
            ensure!(left_out.is_empty(), "not kept: {name} lacks {}", left_out[0].implementation);
        }
        let Self { version, machine, languages, benchmarks } = self;
        let mut all = Vec::new();
        if file.is_file() {
            let kept = Self::read(file)?;
            let replaced =
                |old: &BenchmarkResult| benchmarks.iter().any(|new| new.name == old.name);
            ensure!(
                kept.machine == machine && kept.languages == languages
                    || kept.benchmarks.iter().all(replaced),
                "{} is of another machine or other versions; measure all benchmarks",
                file.display()
            );
            all = kept.benchmarks;
        }
        for benchmark in benchmarks {
            match all.iter_mut().find(|old| old.name == benchmark.name) {
                Some(old) => *old = benchmark,
                None => all.push(benchmark),
            }
        }
        Self { version, machine, languages, benchmarks: all }.write(file)
    }

    /// The benchmark of this name.
    ///
    /// # Errors
    ///
    /// When there is none. The message names those that there are.
    pub fn benchmark(&self, name: &str) -> Result<&BenchmarkResult> {
        self.benchmarks.iter().find(|benchmark| benchmark.name == name).with_context(|| {
            let known: Vec<_> =
                self.benchmarks.iter().map(|benchmark| benchmark.name.as_str()).collect();
            format!("no benchmark {name}; there are {}", known.join(", "))
        })
    }
}

impl BenchmarkResult {
    /// The measure of this name.
    ///
    /// # Errors
    ///
    /// When there is none. The message names those that there are.
    pub fn measure(&self, name: &str) -> Result<&Measure> {
        self.measures.iter().find(|measure| measure.name == name).with_context(|| {
            let known: Vec<_> = self.measures.iter().map(|known| known.name.as_str()).collect();
            format!("{} has no measure {name}; it has {}", self.name, known.join("; "))
        })
    }

    /// The sizes at which anything was measured, in order; one None where there are no sizes.
    pub fn sizes(&self) -> Vec<Option<u64>> {
        let mut sizes: Vec<_> = self.entries.iter().map(|entry| entry.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// A size with what it counts: `10,000 waits`.
    pub fn heading(&self, size: u64) -> String {
        format!("{} {}", thousands(size), self.sizes.as_deref().unwrap_or_default())
    }

    /// The entries at a size, in the order in which the implementations were named.
    pub fn at(&self, size: Option<u64>) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.size == size)
    }

    /// The implementation with the best median at a size, by this measure.
    pub fn best(&self, measure: &Measure, size: Option<u64>) -> Option<&Entry> {
        measure.best(self.at(size).filter(|entry| entry.category != Category::LowerBound))
    }

    /// The best of those who are not ahead at a size, by this measure.
    pub fn next(&self, measure: &Measure, size: Option<u64>) -> Option<&Entry> {
        let ahead = self.ahead(measure, size);
        let behind =
            |entry: &&Entry| entry.category != Category::LowerBound && !ahead.contains(entry);
        measure.best(self.at(size).filter(behind))
    }

    /// Those who are ahead at a size, by this measure: the best, and whoever cannot be told from it,
    /// see [`Measure::level`].
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
    /// The entry with the best median, of those that have one.
    fn best<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Option<&'a Entry> {
        let medians = entries.filter_map(|entry| Some((entry, entry.spread(self)?.median)));
        let best = medians.min_by(|(_, a), (_, b)| match self.better {
            Better::Less => a.total_cmp(b),
            Better::More => b.total_cmp(a),
        });
        best.map(|(entry, _)| entry)
    }

    /// Whether somebody with these ratios to the best cannot be told from it: in a quarter of the
    /// rounds or more it was no worse, or by the median it is worse by less than a twentieth.
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

    /// The measure with its unit: `time, s`.
    pub fn heading(&self) -> String {
        let Self { name, unit, .. } = self;
        if unit.is_empty() { name.clone() } else { format!("{name}, {unit}") }
    }

    /// A value with its unit, in three digits: `1.62 s`, `437 MiB`, `12,300 jobs/s`.
    pub fn show(&self, value: f64) -> String {
        format!("{} {}", digits(value), self.unit).trim_end().to_owned()
    }
}

impl Entry {
    /// The figures of a measure, round by round; empty if it was not measured.
    pub fn rounds(&self, measure: &Measure) -> &[f64] {
        self.figures.get(&measure.name).map_or(&[], Vec::as_slice)
    }

    /// What the rounds gave.
    pub fn spread(&self, measure: &Measure) -> Option<Spread> {
        Spread::of(self.rounds(measure).iter().copied())
    }

    /// How many times the other's figure this one is, from the pairs of the same round.
    pub fn ratio(&self, other: &Self, measure: &Measure) -> Option<Spread> {
        Spread::of(self.ratios(other, measure))
    }

    fn ratios(&self, other: &Self, measure: &Measure) -> impl Iterator<Item = f64> {
        let pairs = self.rounds(measure).iter().zip(other.rounds(measure));
        // Two zeros are the same, too.
        pairs.map(|(this, other)| if this == other { 1.0 } else { this / other })
    }
}

/// What a page says of figures, so that it can be checked: `{{#measured waiting, 100000: tokio tasks
/// <= 0.5 asyncio.gather}}`. After the benchmark may stand a size, and then a measure, if it is not
/// the first one. On the right stands a number, with or without its unit, an implementation, or a number of
/// times an implementation.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    benchmark: &'a str,
    size: Option<u64>,
    measure: Option<&'a str>,
    left: &'a str,
    at_most: bool,
    factor: f64,
    right: Option<&'a str>,
}

impl<'a> Statement<'a> {
    /// Reads what stands after `measured`.
    ///
    /// # Errors
    ///
    /// When it is no statement.
    pub fn parse(text: &'a str) -> Result<Self> {
        let (place, claim) = text.split_once(": ").context("it has no colon")?;
        let (benchmark, mut rest) = place.split_once(", ").unwrap_or((place, ""));
        let (first, others) = rest.split_once(", ").unwrap_or((rest, ""));
        let size = first.parse().ok();
        if size.is_some() {
            rest = others;
        }
        let measure = Some(rest).filter(|measure| !measure.is_empty());

        let (left, at_most, right) = match (claim.split_once(" <= "), claim.split_once(" >= ")) {
            (Some((left, right)), None) => (left, true, right),
            (None, Some((left, right))) => (left, false, right),
            _ => bail!("it has neither <= nor >="),
        };
        let (first, rest) = right.split_once(' ').unwrap_or((right, ""));
        let (factor, right) = match first.parse() {
            Ok(factor) => (factor, Some(rest).filter(|rest| !rest.is_empty())),
            Err(_) => (1.0, Some(right)),
        };
        Ok(Self { benchmark, size, measure, left, at_most, factor, right })
    }

    /// The benchmark that it is about.
    pub fn benchmark(&self) -> &'a str {
        self.benchmark
    }

    /// Whether the results bear it out, by the medians. If they do not: what they say.
    ///
    /// # Errors
    ///
    /// When the benchmark, the size, the measure or an implementation is not in the results.
    pub fn contradiction(&self, results: &Results) -> Result<Option<String>> {
        let benchmark = results.benchmark(self.benchmark)?;
        let measure = match self.measure {
            None => benchmark.measures.first().context("it has no measure")?,
            Some(name) => benchmark.measure(name)?,
        };
        let entry = |name: &str| {
            let mut entries = benchmark.at(self.size);
            entries.find(|entry| entry.implementation == name).with_context(|| match self.size {
                Some(size) => format!("{} has no {name} at {}", self.benchmark, thousands(size)),
                None => format!("{} has no {name}", self.benchmark),
            })
        };
        let right = self.right.filter(|right| *right != measure.unit);
        let (left, right) = (entry(self.left)?, right.map(entry).transpose()?);
        let measured = match right {
            None => left.spread(measure),
            Some(right) => left.ratio(right, measure),
        };
        let median = measured.with_context(|| format!("{} was not measured", measure.name))?.median;
        let holds = if self.at_most { median <= self.factor } else { median >= self.factor };
        let sign = if self.at_most { "most" } else { "least" };
        let said = format!(
            "{}, {}: {} is {} {}, not at {sign} {}",
            self.benchmark,
            measure.name,
            self.left,
            digits(median),
            right.map_or(measure.unit.clone(), |right| format!("times {}", right.implementation)),
            self.factor
        );
        Ok((!holds).then_some(said))
    }
}

/// What stands between the braces of a page's line that is a directive: `{{#benchmark waiting}}`.
pub fn directive(line: &str) -> Option<&str> {
    line.trim().strip_prefix("{{#")?.strip_suffix("}}")
}

/// The benchmark that a directive shows, and the measures that it names: `{{#benchmark waiting: time;
/// memory}}`.
pub fn shown(directive: &str) -> Option<(&str, Vec<&str>)> {
    let benchmark = directive.strip_prefix("benchmark ")?;
    let (name, measures) = benchmark.split_once(": ").unwrap_or((benchmark, ""));
    Some((name, measures.split("; ").filter(|measure| !measure.is_empty()).collect()))
}

/// A number in three digits or all those before the point, with commas between thousands.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    match text.parse() {
        Ok(whole) => thousands(whole), // not negative, and nothing after the point
        Err(_) => text,
    }
}

/// A whole number, with commas between thousands.
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
    fn spread_is_least_median_and_most() {
        let spread = Spread::of([3.0, 1.0, 2.5]).unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 2.5, 3.0));
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

    #[test]
    fn a_statement_names_benchmark_size_and_measure() {
        let parse = |text| Statement::parse(text).unwrap();
        let statement = parse("waiting, 1000, memory: tokio tasks <= 0.5 asyncio.gather");
        assert_eq!(statement.benchmark, "waiting");
        assert_eq!((statement.size, statement.measure), (Some(1000), Some("memory")));
        assert_eq!((statement.left, statement.at_most), ("tokio tasks", true));
        assert_eq!((statement.factor, statement.right), (0.5, Some("asyncio.gather")));
        assert_eq!(
            parse("start, round trip, one core: a <= b").measure,
            Some("round trip, one core")
        );
        let statement = parse("start: thread >= 10");
        assert_eq!((statement.size, statement.measure, statement.right), (None, None, None));
        assert_eq!(parse("start: a <= b c").right, Some("b c"));
        for nonsense in ["", "start", "start: a", "start: a < b", "start, 1, a <= b"] {
            assert!(Statement::parse(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_statement_is_checked_against_the_medians() {
        let benchmark = benchmark(vec![
            entry("a", Category::Rust, [1.0, 2.0, 3.0]),
            entry("b", Category::Rust, [2.0, 4.0, 3.0]),
        ]);
        let results = Results {
            version: VERSION,
            machine: Machine::this(),
            languages: Vec::new(),
            benchmarks: vec![benchmark],
        };
        let check = |text| {
            let statement = Statement::parse(text).unwrap();
            statement.contradiction(&results).map_err(|error| error.to_string())
        };
        let contradicts = |said: &str| Ok(Some(said.to_owned()));
        assert_eq!(check("x: a <= 0.5 b"), Ok(None));
        assert_eq!(check("x: a <= b"), Ok(None));
        assert_eq!(check("x: b >= 3"), Ok(None));
        assert_eq!(check("x: b <= 3 s"), Ok(None));
        assert_eq!(check("x: a >= b"), contradicts("x, time: a is 0.500 times b, not at least 1"));
        assert_eq!(check("x: a <= 1.5"), contradicts("x, time: a is 2.00 s, not at most 1.5"));
        assert!(check("y: a <= b").unwrap_err().contains("there are x"));
        assert!(check("x, 5: a <= b").is_err());
        assert!(check("x, width: a <= b").is_err());
        assert!(check("x: c <= b").is_err());
    }

    /// A benchmark for the least time.
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
    fn whoever_cannot_be_told_from_the_best_is_ahead_too() {
        let benchmark = benchmark(vec![
            entry("floor", Category::LowerBound, [0.1; 3]),
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
        // The other way round nobody is worse in each round.
        assert_eq!(ahead(Better::More).len(), 4);
        let next =
            benchmark.next(&benchmark.measures[0], None).map(|entry| entry.implementation.as_str());
        assert_eq!(next, Some("worse"));
    }
}
