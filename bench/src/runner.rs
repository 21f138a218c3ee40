//! Runs the implementations of a benchmark in rounds. A round runs every implementation once at every
//! size, and each round starts with a different implementation. So if the machine is slow for a
//! while, it is slow for all of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use harness::kept::results::{BenchmarkResult, Entry, LeftOut, Measure};
use harness::run::machine;
use harness::run::{End, Limits, Program, Running, Stream};

use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn};
use crate::parts::PART;
use crate::parts::python::SCRIPTS;
use crate::work::cores;

/// The time limit of one turn. After that its processes are killed and the implementation is left
/// out.
const LIMIT: Duration = Duration::from_secs(180);

/// The amount of measuring.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// The number of rounds.
    pub rounds: usize,
    /// The rough duration of a measurement, if the implementation can choose.
    pub time: Duration,
    /// True if only the smaller sizes are measured.
    pub quick: bool,
}

/// Runs benchmarks in the processes of their implementations.
#[derive(Debug)]
pub struct Runner {
    /// This program. It contains every implementation that is written in Rust.
    pub executable: PathBuf,
    /// The Python interpreter, if there is one.
    pub python: Option<PathBuf>,
    /// The workspace's root, the working directory of the implementations.
    pub root: PathBuf,
    /// A folder for the implementations' temporary files.
    pub scratch: PathBuf,
}

impl Runner {
    /// Runs a benchmark. Calls `progress` before each turn with its number, starting at 1, the
    /// number of all turns, and a short description.
    ///
    /// An implementation that fails is left out from then on, at that size and the larger ones. The
    /// result says why.
    pub async fn run(
        &self,
        benchmark: &Benchmark,
        effort: Effort,
        mut progress: impl FnMut(usize, usize, &str),
    ) -> BenchmarkResult {
        let measures: Vec<_> = benchmark
            .measures
            .iter()
            .map(|&(name, unit, better)| Measure {
                name: name.to_owned(),
                unit: unit.to_owned(),
                better,
            })
            .collect();
        let size_of = |size| benchmark.sizes.map(|_| size);
        let mut turns: Vec<_> = benchmark
            .implementations
            .iter()
            .flat_map(|implementation| {
                implementation.sizes.iter().map(move |&size| (size, implementation))
            })
            .filter(|(size, _)| !effort.quick || *size <= benchmark.quick_max)
            .collect();
        turns.sort_by_key(|(size, _)| *size); // stable: implementations keep their order

        let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); turns.len()];
        let mut left_out: Vec<LeftOut> = Vec::new();
        let all = effort.rounds * turns.len();
        for round in 0..effort.rounds {
            for number in 0..turns.len() {
                let at = rotate(&turns, number, round);
                let (size, implementation) = turns[at];
                if !implementation.source.is_run() {
                    continue;
                }
                let out = |out: &LeftOut| {
                    out.implementation == implementation.name && out.size <= size_of(size)
                };
                if left_out.iter().any(out) {
                    continue;
                }
                let words = match benchmark.sizes {
                    Some(sizes) => format!("{}, {size} {sizes}", implementation.name),
                    None => implementation.name.to_owned(),
                };
                progress(round * turns.len() + number + 1, all, &words);
                match self.turn(benchmark, implementation, size, effort.time).await {
                    Ok(figures) => rounds[at].push(figures),
                    Err(error) => {
                        leave_out(implementation, size, &turns, &mut rounds);
                        left_out.push(LeftOut {
                            implementation: implementation.name.to_owned(),
                            size: size_of(size),
                            why: format!("{error:#}"),
                        });
                    }
                }
            }
        }
        fill_in(&turns, &mut rounds, effort.rounds);

        let entries = turns.iter().zip(rounds).filter(|(_, rounds)| !rounds.is_empty());
        let entries = entries.map(|(&(size, implementation), rounds)| Entry {
            implementation: implementation.name.to_owned(),
            category: implementation.category,
            size: size_of(size),
            figures: by_measure(rounds),
        });
        BenchmarkResult {
            name: benchmark.name.to_owned(),
            measured: machine::now(),
            quick: effort.quick,
            question: benchmark.question.to_owned(),
            method: benchmark.method.to_owned(),
            sizes: benchmark.sizes.map(str::to_owned),
            measures,
            entries: entries.collect(),
            left_out,
        }
    }

    /// Runs one implementation once.
    async fn turn(
        &self,
        benchmark: &Benchmark,
        implementation: &Implementation,
        size: u64,
        time: Duration,
    ) -> Result<Figures> {
        let (scratch, python) = (self.scratch.clone(), self.python.clone());
        let turn = Turn { size, time, scratch, python };
        let (executable, arguments) = match implementation.source {
            Source::Function(_) => {
                let turn = serde_json::to_string(&turn)?;
                let part = [PART, "implementation", benchmark.name, implementation.name, &turn];
                (self.executable.clone(), part.map(OsString::from).to_vec())
            }
            Source::Script { file, variant } => {
                let script = format!("{SCRIPTS}/{file}");
                let (size, time) = (size.to_string(), time.as_millis().to_string());
                (
                    turn.python()?.to_owned(),
                    [&script, variant, &size, &time].map(OsString::from).to_vec(),
                )
            }
            Source::PerCore(_) | Source::Constants(_) => bail!("its figures are not measured"),
        };
        let program = Program { executable, arguments, folder: self.root.clone() };

        let limits = Limits { time: LIMIT, ..Limits::default() };
        let mut running = Running::start_unwatched(&program, limits)?;
        let (mut figures, mut complaint) = (None, String::new());
        while let Some(line) = running.line().await {
            match line.stream {
                Stream::Stdout => figures = Some(line.text),
                // The last line of a Python traceback and the first line of a Rust error say most.
                Stream::Stderr if implementation.source.is_script() => complaint = line.text,
                Stream::Stderr if complaint.is_empty() => complaint = line.text,
                Stream::Stderr => {}
            }
        }
        match running.end().await?.0 {
            End::PastLimit => bail!("it took more than {} s", LIMIT.as_secs()),
            End::Exited(status) if !status.success() => bail!("{complaint} ({status})"),
            End::Exited(_) => {}
        }
        let printed = figures.context("it printed no figures")?;
        let figures: Figures =
            serde_json::from_str(&printed).with_context(|| format!("its figures: {printed}"))?;
        let unknown = figures.keys().find(|name| {
            benchmark.measures.iter().all(|&(measure, _, _)| measure != name.as_str())
        });
        ensure!(
            unknown.is_none(),
            "the benchmark has no measure {}",
            unknown.map_or("", String::as_str)
        );
        Ok(figures)
    }
}

impl Source {
    fn is_script(self) -> bool {
        matches!(self, Self::Script { .. })
    }

    /// Returns true if the figures come from a process that has to be run.
    fn is_run(self) -> bool {
        matches!(self, Self::Function(_) | Self::Script { .. })
    }
}

/// Returns the index of the turn to take as number `number` of a round. The sizes stay in order, and
/// at each size every round starts with a different implementation.
fn rotate(turns: &[(u64, &Implementation)], number: usize, round: usize) -> usize {
    let size = turns[number].0;
    let first = turns.partition_point(|turn| turn.0 < size);
    let many = turns.partition_point(|turn| turn.0 <= size) - first;
    first + (number - first + round) % many
}

/// Removes the figures of an implementation at a size and at the larger ones.
fn leave_out(
    implementation: &Implementation,
    size: u64,
    turns: &[(u64, &Implementation)],
    rounds: &mut [Vec<Figures>],
) {
    for ((its_size, other), rounds) in turns.iter().zip(rounds) {
        if other.name == implementation.name && *its_size >= size {
            rounds.clear();
        }
    }
}

/// Fills in the figures that are not measured.
fn fill_in(turns: &[(u64, &Implementation)], rounds: &mut [Vec<Figures>], count: usize) {
    for (at, (size, implementation)) in turns.iter().enumerate() {
        match implementation.source {
            Source::Constants(known) => {
                let known = known.iter().map(|&(name, figure)| (name.to_owned(), figure)).collect();
                rounds[at] = vec![known; count];
            }
            Source::PerCore(name) => {
                let other = turns.iter().position(|turn| turn.0 == *size && turn.1.name == name);
                let cores = cores() as f64;
                let per_core = |figures: &Figures| {
                    figures.iter().map(|(name, figure)| (name.clone(), figure / cores)).collect()
                };
                let figures = other.map(|other| rounds[other].iter().map(per_core).collect());
                rounds[at] = figures.unwrap_or_default();
            }
            Source::Function(_) | Source::Script { .. } => {}
        }
    }
}

/// Converts figures per round to rounds per figure.
fn by_measure(rounds: Vec<Figures>) -> BTreeMap<String, Vec<f64>> {
    let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for round in rounds {
        for (name, figure) in round {
            figures.entry(name).or_default().push(figure);
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::figures;

    fn implementations() -> [Implementation; 4] {
        let here = |name| Implementation::rust(name, &[], |_| Ok(Figures::new()));
        [
            here("a"),
            here("b"),
            Implementation::lower_bound("half of a", &[], Source::PerCore("a")),
            Implementation::lower_bound("known", &[], Source::Constants(&[("time", 7.0)])),
        ]
    }

    #[test]
    fn each_round_starts_with_a_different_implementation_at_each_size() {
        let [a, b, c, _] = implementations();
        let turns = [(1, &a), (1, &b), (5, &a), (5, &b), (5, &c)];
        let order = |round| (0..5).map(|number| rotate(&turns, number, round)).collect::<Vec<_>>();
        assert_eq!(order(0), [0, 1, 2, 3, 4]);
        assert_eq!(order(1), [1, 0, 3, 4, 2]);
        assert_eq!(order(2), [0, 1, 4, 2, 3]);
    }

    #[test]
    fn an_implementation_that_fails_at_a_size_has_no_figures_at_larger_ones() {
        let [a, b, ..] = implementations();
        let turns = [(1, &a), (1, &b), (5, &a), (5, &b), (9, &a)];
        let mut rounds = vec![vec![Figures::new()]; 5];
        leave_out(&a, 5, &turns, &mut rounds);
        assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0, 1, 0]);
    }

    #[test]
    fn figures_that_are_not_measured_are_filled_in_for_each_round() {
        let [a, b, half, known] = implementations();
        let turns = [(1, &a), (1, &b), (1, &half), (1, &known)];
        let measured = vec![figures([("time", 3.0)]), figures([("time", 5.0)])];
        let mut rounds = vec![measured.clone(), measured.clone(), Vec::new(), Vec::new()];
        fill_in(&turns, &mut rounds, 2);
        let cores = cores() as f64;
        assert_eq!(rounds[1], measured);
        assert_eq!(rounds[2], [figures([("time", 3.0 / cores)]), figures([("time", 5.0 / cores)])]);
        assert_eq!(rounds[3], vec![figures([("time", 7.0)]); 2]);
    }
}
