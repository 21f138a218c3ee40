//! What a benchmark is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use harness::results::{Better, Category};

/// A question, and those who answer it.
#[derive(Debug)]
pub struct Benchmark {
    /// How `--only` calls it.
    pub name: &'static str,
    /// The question, as it stands above the picture.
    pub question: &'static str,
    /// What the implementations do, and how that is measured, in a sentence or two.
    pub method: &'static str,
    /// What the sizes count, where there are several.
    pub sizes: Option<&'static str>,
    /// The largest size that `--quick` takes.
    pub quick_most: u64,
    /// The packages of this workspace that implementations are, or start; they are built before.
    pub programs: &'static [&'static str],
    /// Whether implementations need more of Python than its standard library.
    pub python_packages: bool,
    /// What is measured: name, unit, and which end of the scale is the good one. The first decides
    /// who is ahead.
    pub measures: &'static [(&'static str, &'static str, Better)],
    /// In the order in which they are shown.
    pub implementations: Vec<Implementation>,
}

/// One way to do the work.
#[derive(Debug)]
pub struct Implementation {
    /// What it is called, unique in the benchmark.
    pub name: &'static str,
    /// What it is written in; [`Category::LowerBound`] if it is what nobody can pass.
    pub category: Category,
    /// The sizes that it takes part in: those of the benchmark, as long as it can keep up; `[0]`
    /// where the benchmark has none.
    pub sizes: &'static [u64],
    /// How its figures are had.
    pub way: Way,
}

/// How the figures of an implementation are had.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// By this function, in a process of its own.
    Here(fn(&Turn) -> Result<Figures>),
    /// By a script of the folder `bench/python`, which is started with the name of the way, the
    /// size and the time in milliseconds, and prints its figures as one line of JSON.
    Python {
        /// The file.
        script: &'static str,
        /// Its first argument.
        way: &'static str,
    },
    /// They are those of another implementation of the same round, divided by the number of cores.
    PerCore(&'static str),
    /// They are known.
    Known(&'static [(&'static str, f64)]),
}

/// What an implementation is asked for.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The size; 0 where the benchmark has none.
    pub size: u64,
    /// How long it should measure, about, if that is for it to choose.
    pub time: Duration,
    /// Python's interpreter, where there is one.
    pub python: Option<PathBuf>,
}

/// What an implementation gives: a figure for each measure that it knows, by the measure's name.
pub type Figures = BTreeMap<String, f64>;

/// Figures, from names and numbers.
pub fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
    figures.map(|(name, figure)| (name.to_owned(), figure)).into()
}

impl Implementation {
    /// One in Rust.
    pub fn rust(
        name: &'static str,
        sizes: &'static [u64],
        way: fn(&Turn) -> Result<Figures>,
    ) -> Self {
        Self { name, category: Category::Rust, sizes, way: Way::Here(way) }
    }

    /// One in Python.
    pub fn python(
        name: &'static str,
        sizes: &'static [u64],
        script: &'static str,
        way: &'static str,
    ) -> Self {
        Self { name, category: Category::Python, sizes, way: Way::Python { script, way } }
    }

    /// What nobody can pass.
    pub fn floor(name: &'static str, sizes: &'static [u64], way: Way) -> Self {
        Self { name, category: Category::LowerBound, sizes, way }
    }
}
