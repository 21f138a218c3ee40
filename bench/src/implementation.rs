//! What a benchmark is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use harness::kept::results::{Better, Category};

/// A question, and the implementations that answer it.
#[derive(Debug)]
pub struct Benchmark {
    /// The name for `--only`.
    pub name: &'static str,
    /// The question, shown above the chart.
    pub question: &'static str,
    /// What the implementations do and how it is measured, in a few sentences.
    pub method: &'static str,
    /// What the sizes count. None if there is only one.
    pub sizes: Option<&'static str>,
    /// The largest size that `--quick` measures.
    pub quick_most: u64,
    /// The packages of this workspace that implementations start. They are built first.
    pub programs: &'static [&'static str],
    /// Whether an implementation needs Python packages besides the standard library.
    pub python_packages: bool,
    /// The measures: name, unit, and whether more or less is better. The first one decides which
    /// implementation is ahead.
    pub measures: &'static [(&'static str, &'static str, Better)],
    /// The implementations, in the order in which they are shown.
    pub implementations: Vec<Implementation>,
}

/// One implementation of the work.
#[derive(Debug)]
pub struct Implementation {
    /// Its name, unique within the benchmark.
    pub name: &'static str,
    /// The language, or [`Category::LowerBound`] if no implementation can do better.
    pub category: Category,
    /// The sizes that it is measured at: those of the benchmark that it can handle in reasonable
    /// time, or `[0]` if the benchmark has none.
    pub sizes: &'static [u64],
    /// Where its figures come from.
    pub way: Way,
}

/// Where the figures of an implementation come from.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// From this function, run in a process of its own.
    Here(fn(&Turn) -> Result<Figures>),
    /// From a script in the folder `bench/python`. Its arguments are the name of the way, the size
    /// and the time in milliseconds. It prints its figures as one line of JSON.
    Python {
        /// The file.
        script: &'static str,
        /// Its first argument.
        way: &'static str,
    },
    /// The figures of another implementation in the same round, divided by the number of cores.
    PerCore(&'static str),
    /// Constants.
    Known(&'static [(&'static str, f64)]),
}

/// What an implementation is to measure.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The size, or 0 if the benchmark has none.
    pub size: u64,
    /// Roughly how long to measure, if the implementation can choose.
    pub time: Duration,
    /// A folder for temporary files. It is deleted at the end, also if an implementation is killed.
    pub scratch: PathBuf,
    /// The Python interpreter, if there is one.
    pub python: Option<PathBuf>,
}

/// The figures of an implementation by the name of the measure.
pub type Figures = BTreeMap<String, f64>;

/// Returns figures from names and numbers.
pub fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
    figures.map(|(name, figure)| (name.to_owned(), figure)).into()
}

impl Implementation {
    /// An implementation in Rust.
    pub fn rust(
        name: &'static str,
        sizes: &'static [u64],
        way: fn(&Turn) -> Result<Figures>,
    ) -> Self {
        Self { name, category: Category::Rust, sizes, way: Way::Here(way) }
    }

    /// An implementation in Python.
    pub fn python(
        name: &'static str,
        sizes: &'static [u64],
        script: &'static str,
        way: &'static str,
    ) -> Self {
        Self { name, category: Category::Python, sizes, way: Way::Python { script, way } }
    }

    /// A lower bound, which no implementation can beat.
    pub fn lower_bound(name: &'static str, sizes: &'static [u64], way: Way) -> Self {
        Self { name, category: Category::LowerBound, sizes, way }
    }
}
