//! A benchmark and its implementations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use harness::kept::results::{Better, Category};
use serde::{Deserialize, Serialize};

/// A question, and the implementations that answer it.
#[derive(Debug, Default)]
pub struct Benchmark {
    /// The name for `--only`.
    pub name: &'static str,
    /// The question, shown above the chart.
    pub question: &'static str,
    /// A description of the work and of the measurement, in a few sentences.
    pub method: &'static str,
    /// The unit of the sizes, such as `waits`. Default: none, because there is only one size.
    pub sizes: Option<&'static str>,
    /// The largest size that `--quick` measures. Default: 0.
    pub quick_max: u64,
    /// The packages of this workspace that implementations start. They are built first. Default:
    /// none.
    pub programs: &'static [&'static str],
    /// True if an implementation needs Python packages besides the standard library. Default: false.
    pub python_packages: bool,
    /// The measures: name, unit, and the better direction. The first one decides which
    /// implementation is best.
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
    /// The source of its figures.
    pub source: Source,
}

/// The source of an implementation's figures.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// This function, called in a process of its own.
    Function(fn(&Turn) -> Result<Figures>),
    /// A script in the folder `bench/python`. Its arguments are its variant, the size and the time
    /// in milliseconds. It prints its figures as one line of JSON.
    Script {
        /// The file.
        file: &'static str,
        /// Its first argument.
        variant: &'static str,
    },
    /// The figures of another implementation in the same round, divided by the number of cores.
    PerCore(&'static str),
    /// Constants.
    Constants(&'static [(&'static str, f64)]),
}

/// One measurement of an implementation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Turn {
    /// The size, or 0 if the benchmark has none.
    pub size: u64,
    /// The rough duration of the measurement, if the implementation can choose.
    pub time: Duration,
    /// A folder for temporary files. It is deleted at the end, also if an implementation is killed.
    pub scratch: PathBuf,
    /// The Python interpreter, if there is one.
    pub python: Option<PathBuf>,
}

impl Turn {
    /// Returns the Python interpreter.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn python(&self) -> Result<&Path> {
        self.python.as_deref().context("there is no Python 3.11 or newer")
    }
}

/// The figures of an implementation by the name of the measure.
pub type Figures = BTreeMap<String, f64>;

/// Returns figures from names and numbers.
pub fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
    figures.map(|(name, figure)| (name.to_owned(), figure)).into()
}

impl Implementation {
    /// Returns an implementation in Rust.
    pub fn rust(
        name: &'static str,
        sizes: &'static [u64],
        function: fn(&Turn) -> Result<Figures>,
    ) -> Self {
        Self { name, category: Category::Rust, sizes, source: Source::Function(function) }
    }

    /// Returns an implementation in Python that measures itself.
    pub fn python(
        name: &'static str,
        sizes: &'static [u64],
        file: &'static str,
        variant: &'static str,
    ) -> Self {
        let source = Source::Script { file, variant };
        Self { name, category: Category::Python, sizes, source }
    }

    /// Returns an implementation in Python that a Rust function starts and measures.
    pub fn python_measured_by(
        name: &'static str,
        sizes: &'static [u64],
        function: fn(&Turn) -> Result<Figures>,
    ) -> Self {
        Self { name, category: Category::Python, sizes, source: Source::Function(function) }
    }

    /// Returns a lower bound, which no implementation can beat.
    pub fn lower_bound(name: &'static str, sizes: &'static [u64], source: Source) -> Self {
        Self { name, category: Category::LowerBound, sizes, source }
    }
}
