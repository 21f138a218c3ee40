//! Statements: sentences about figures, in a form that can be checked against the figures.
use anyhow::{Context, Result, bail};

use harness::kept::results::{BenchmarkResult, Entry, Results, digits, thousands};

/// A sentence about figures: `waiting, 100000, memory: tokio tasks <= 0.5 asyncio.gather`.
///
/// The benchmark comes first, then the size if the benchmark has sizes, then the measure unless it
/// is the benchmark's first one. The right-hand side is a number, with or without the measure's
/// unit, an implementation, or a multiple of an implementation.
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

/// The result of checking a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The medians support it.
    Holds,
    /// The medians contradict it. They say this instead.
    Contradicted(String),
    /// The results lack a figure, for example because there was no Python. The text names it.
    NotMeasured(String),
}

impl<'a> Statement<'a> {
    /// Parses a statement.
    ///
    /// # Errors
    ///
    /// When the text is not a statement.
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

    /// Returns the name of the benchmark.
    pub fn benchmark(&self) -> &str {
        self.benchmark
    }

    /// Returns what the results say instead, if their medians contradict the statement.
    ///
    /// # Errors
    ///
    /// When the benchmark, the size, the measure or an implementation is not in the results.
    pub fn contradiction(&self, results: &Results) -> Result<Option<String>> {
        match self.check(results)? {
            Verdict::Holds => Ok(None),
            Verdict::Contradicted(text) => Ok(Some(text)),
            Verdict::NotMeasured(figure) => bail!("{figure} was not measured"),
        }
    }

    /// Checks the statement against the medians of the results.
    ///
    /// # Errors
    ///
    /// When the statement names a benchmark, a size, a measure or an implementation that does not
    /// exist.
    pub fn check(&self, results: &Results) -> Result<Verdict> {
        let benchmark = results.benchmark(self.benchmark)?;
        let measure = match self.measure {
            None => benchmark.measures.first().context("it has no measure")?,
            Some(name) => benchmark.measure(name)?,
        };
        let right = self.right.filter(|right| *right != measure.unit);
        let left = self.entry(benchmark, self.left)?;
        let right = right.map(|right| anyhow::Ok((right, self.entry(benchmark, right)?)));
        let right = right.transpose()?;

        let Some(left) = left else { return Ok(Verdict::NotMeasured(self.left.to_owned())) };
        let (median, unit) = match right {
            None => (left.spread(measure), measure.unit.clone()),
            Some((name, None)) => return Ok(Verdict::NotMeasured(name.to_owned())),
            Some((name, Some(right))) => (left.ratio(right, measure), format!("times {name}")),
        };
        let Some(median) = median.map(|spread| spread.median) else {
            return Ok(Verdict::NotMeasured(measure.name.clone()));
        };
        if self.at_most && median <= self.factor || !self.at_most && median >= self.factor {
            return Ok(Verdict::Holds);
        }
        Ok(Verdict::Contradicted(format!(
            "{}, {}: {} is {} {unit}, not at {} {}",
            self.benchmark,
            measure.name,
            self.left,
            digits(median),
            if self.at_most { "most" } else { "least" },
            self.factor
        )))
    }

    /// Returns the figures of an implementation, or None if it was left out. A quick run leaves out
    /// the larger sizes of all implementations.
    fn entry<'r>(&self, benchmark: &'r BenchmarkResult, name: &str) -> Result<Option<&'r Entry>> {
        let entry = benchmark.at(self.size).find(|entry| entry.implementation == name);
        let is_left_out = benchmark.left_out.iter().any(|out| {
            let from = out.size;
            out.implementation == name && from.is_some() == self.size.is_some() && from <= self.size
        });
        let is_known = benchmark.entries.iter().any(|entry| entry.implementation == name);
        let is_large = benchmark.sizes().into_iter().all(|size| size.is_some() && size < self.size);
        if entry.is_some() || is_left_out || benchmark.quick && is_known && is_large {
            return Ok(entry);
        }
        match self.size {
            Some(size) => bail!("{} has no {name} at {}", self.benchmark, thousands(size)),
            None => bail!("{} has no {name}", self.benchmark),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use harness::kept::results::{Better, Category, LeftOut, Measure, VERSION};
    use harness::run::machine::Machine;

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

    /// Two implementations and the time that they took.
    fn results() -> Results {
        let entry = |implementation: &str, rounds: [f64; 3]| Entry {
            implementation: implementation.to_owned(),
            category: Category::Rust,
            size: None,
            figures: BTreeMap::from([("time".to_owned(), rounds.to_vec())]),
        };
        let benchmark = BenchmarkResult {
            name: "x".to_owned(),
            measured: String::new(),
            quick: false,
            question: String::new(),
            method: String::new(),
            sizes: None,
            measures: vec![Measure { name: "time".into(), unit: "s".into(), better: Better::Less }],
            entries: vec![entry("a", [1.0, 2.0, 3.0]), entry("b", [2.0, 4.0, 3.0])],
            left_out: Vec::new(),
        };
        Results {
            version: VERSION,
            machine: Machine::this(),
            languages: Vec::new(),
            benchmarks: vec![benchmark],
        }
    }

    #[test]
    fn a_statement_is_checked_against_the_medians() {
        let results = results();
        let check = |text| {
            let statement = Statement::parse(text).unwrap();
            statement.contradiction(&results).map_err(|error| error.to_string())
        };
        let contradicts = |text: &str| Ok(Some(text.to_owned()));
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

    #[test]
    fn a_figure_that_was_not_measured_differs_from_an_unknown_name() {
        let mut results = results();
        let out = |implementation: &str, size| LeftOut {
            implementation: implementation.to_owned(),
            size,
            why: "there is no Python".to_owned(),
        };
        let benchmark = &mut results.benchmarks[0];
        benchmark.left_out = vec![out("c", None)];
        let memory = Measure { name: "memory".into(), unit: "MiB".into(), better: Better::Less };
        benchmark.measures.push(memory);
        let check = |text, results: &Results| Statement::parse(text).unwrap().check(results);
        let lacks = |text, results: &Results| match check(text, results) {
            Ok(Verdict::NotMeasured(figure)) => figure,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(lacks("x: a <= c", &results), "c");
        assert_eq!(lacks("x: c <= 1 s", &results), "c");
        assert_eq!(lacks("x, memory: a <= b", &results), "memory");
        for unknown in ["x: d <= c", "x: c <= d", "y: a <= c", "x, width: a <= c", "x, 5: a <= b"] {
            assert!(check(unknown, &results).is_err(), "{unknown}");
        }

        // With sizes: left out from a size on, or not measured by a quick run.
        let benchmark = &mut results.benchmarks[0];
        benchmark.entries.iter_mut().for_each(|entry| entry.size = Some(10));
        benchmark.left_out = vec![out("b", Some(100))];
        assert_eq!(lacks("x, 100: b <= 1 s", &results), "b");
        assert!(check("x, 5: b <= 1 s", &results).is_err());
        assert!(check("x, 100: a <= 1 s", &results).is_err());
        results.benchmarks[0].quick = true;
        assert_eq!(lacks("x, 100: a <= 1 s", &results), "a");
        for unknown in ["x, 5: a <= 1 s", "x, 100: d <= 1 s", "x: a <= 1 s"] {
            assert!(check(unknown, &results).is_err(), "{unknown}");
        }
    }
}
