//! Statements: what a page says about figures, in a form that can be checked against them.
use anyhow::{Context, Result, bail};

use harness::kept::results::{Results, digits, thousands};

/// What a page says about figures: `waiting, 100000, memory: tokio tasks <= 0.5 asyncio.gather`.
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

    /// What the results say instead, if their medians contradict the statement.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use harness::kept::results::{BenchmarkResult, Better, Category, Entry, Measure, VERSION};
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
}
