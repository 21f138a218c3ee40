//! Has contenders take turns: each round asks every contender once, at every size, and begins with
//! another one, so that a machine that is slow for a while is slow for all of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guide::contest::{self, Entry, LeftOut, Measure};
use guide::recording;
use guide::run::{End, Limits, Program, Running, Stream};

use crate::contender::{Contender, Contest, Figures, Way};

/// How long one turn may last; then its processes are killed, and the contender is left out.
const LIMIT: Duration = Duration::from_secs(180);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often each contender has its turn.
    pub rounds: usize,
    /// How long a turn is, about, where a contender can choose.
    pub time: Duration,
    /// Whether only the smaller sizes are taken.
    pub quick: bool,
}

/// Where the contenders are.
#[derive(Debug)]
pub struct Arena {
    /// This program, which is also each contender that is written in Rust.
    pub executable: PathBuf,
    /// Python's interpreter, where there is one.
    pub python: Option<PathBuf>,
    /// The workspace's root, where contenders are started.
    pub root: PathBuf,
}

impl Arena {
    /// Holds a contest. `progress` is told of each turn before it begins: its number from 1, how
    /// many there are, and a few words on it.
    ///
    /// A contender that fails is left out from then on at that size and the larger ones, and the
    /// result says why.
    pub async fn hold(
        &self,
        contest: &Contest,
        effort: Effort,
        mut progress: impl FnMut(usize, usize, &str),
    ) -> contest::Contest {
        let measures: Vec<_> = contest
            .measures
            .iter()
            .map(|&(name, unit, better)| Measure {
                name: name.to_owned(),
                unit: unit.to_owned(),
                better,
            })
            .collect();
        let size_of = |size| contest.sizes.map(|_| size);
        let mut turns: Vec<_> = contest
            .contenders
            .iter()
            .flat_map(|contender| contender.sizes.iter().map(move |&size| (size, contender)))
            .filter(|(size, _)| !effort.quick || *size <= contest.quick_most)
            .collect();
        turns.sort_by_key(|(size, _)| *size); // stable: contenders stay in order

        let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); turns.len()];
        let mut left_out: Vec<LeftOut> = Vec::new();
        let all = effort.rounds * turns.len();
        for round in 0..effort.rounds {
            for number in 0..turns.len() {
                let at = rotate(&turns, number, round);
                let (size, contender) = turns[at];
                let out =
                    |out: &LeftOut| out.contender == contender.name && out.size <= size_of(size);
                if left_out.iter().any(out) {
                    continue;
                }
                let words = match contest.sizes {
                    Some(sizes) => format!("{}, {size} {sizes}", contender.name),
                    None => contender.name.to_owned(),
                };
                progress(round * turns.len() + number + 1, all, &words);
                match self.turn(contest, contender, size, effort.time).await {
                    Ok(figures) => rounds[at].push(figures),
                    Err(error) => {
                        rounds[at].clear();
                        left_out.push(LeftOut {
                            contender: contender.name.to_owned(),
                            size: size_of(size),
                            why: format!("{error:#}"),
                        });
                    }
                }
            }
        }
        derive(&turns, &mut rounds);

        let entries = turns.iter().zip(rounds).filter(|(_, rounds)| !rounds.is_empty());
        let entries = entries.map(|(&(size, contender), rounds)| Entry {
            contender: contender.name.to_owned(),
            language: contender.language,
            size: size_of(size),
            figures: by_measure(rounds),
        });
        contest::Contest {
            name: contest.name.to_owned(),
            measured: recording::now(),
            quick: effort.quick,
            question: contest.question.to_owned(),
            method: contest.method.to_owned(),
            sizes: contest.sizes.map(str::to_owned),
            measures,
            entries: entries.collect(),
            left_out,
        }
    }

    /// One turn of one contender.
    async fn turn(
        &self,
        contest: &Contest,
        contender: &Contender,
        size: u64,
        time: Duration,
    ) -> Result<Figures> {
        let mut arguments: Vec<String> = Vec::new();
        let executable = match contender.way {
            Way::Known(figures) => {
                return Ok(figures
                    .iter()
                    .map(|&(name, figure)| (name.to_owned(), figure))
                    .collect());
            }
            Way::PerCore(_) => return Ok(Figures::new()), // made from the other's, see `derive`
            Way::Here(_) => {
                arguments.extend(["contender", contest.name, contender.name].map(str::to_owned));
                self.executable.clone()
            }
            Way::Python { script, way } => {
                arguments.extend([format!("bench/python/{script}"), way.to_owned()]);
                self.python.clone().context("there is no Python 3.10 or newer")?
            }
        };
        arguments.extend([size.to_string(), time.as_millis().to_string()]);
        let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        if let (Way::Here(_), Some(python)) = (contender.way, &self.python) {
            arguments.push(python.into());
        }
        let program = Program { executable, arguments, folder: self.root.clone() };

        let limits = Limits { time: LIMIT, ..Limits::default() };
        let mut running = Running::start_unwatched(&program, limits)?;
        let (mut figures, mut complaint) = (None, String::new());
        while let Some(line) = running.line().await {
            match line.stream {
                Stream::Stdout => figures = Some(line.text),
                // The last line of a traceback, the first of what Rust says, tell the most.
                Stream::Stderr if contender.way.is_python() => complaint = line.text,
                Stream::Stderr if complaint.is_empty() => complaint = line.text,
                Stream::Stderr => {}
            }
        }
        match running.end().await?.0 {
            End::PastLimit => bail!("it took more than {} s", LIMIT.as_secs()),
            End::Exited(status) if !status.success() => bail!("{complaint} ({status})"),
            End::Exited(_) => {}
        }
        let figures = figures.context("it printed no figures")?;
        serde_json::from_str(&figures).with_context(|| format!("its figures: {figures}"))
    }
}

impl Way {
    fn is_python(self) -> bool {
        matches!(self, Self::Python { .. })
    }
}

/// The place of the turn that is taken as the `number`th of a round: sizes in order, and at each
/// size another contender first in each round.
fn rotate(turns: &[(u64, &Contender)], number: usize, round: usize) -> usize {
    let size = turns[number].0;
    let first = turns.partition_point(|turn| turn.0 < size);
    let many = turns.partition_point(|turn| turn.0 <= size) - first;
    first + (number - first + round) % many
}

/// Fills in the figures of those that are made from another's.
fn derive(turns: &[(u64, &Contender)], rounds: &mut [Vec<Figures>]) {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get()) as f64;
    for at in 0..turns.len() {
        let (size, contender) = turns[at];
        let Way::PerCore(other) = contender.way else { continue };
        let other = turns.iter().position(|turn| turn.0 == size && turn.1.name == other);
        let per_core = |figures: &Figures| {
            figures.iter().map(|(name, figure)| (name.clone(), figure / cores)).collect()
        };
        rounds[at] =
            other.map_or_else(Vec::new, |other| rounds[other].iter().map(per_core).collect());
    }
}

/// From the figures of each round to the rounds of each figure.
fn by_measure(rounds: Vec<Figures>) -> BTreeMap<String, Vec<f64>> {
    let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for round in rounds {
        for (name, figure) in round {
            figures.entry(name).or_default().push(figure);
        }
    }
    figures
}
