//! What the picture of a run shows, as facts that are derived from the run alone. The table of words
//! turns each into a sentence.
//!
//! States are known to about one sampling interval, and within an interval their order is not known.
//! So the facts are derived from the share of each state in short stretches of time: a thread
//! computes in a stretch if it was on a core, or wanted to be, for most of it.
use process_tree::activity::{Activity, Cores, State};

use crate::lanes::Lane;
use crate::threads::{Name, names};

/// Something that a picture shows. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<'a> {
    /// Bars that the output names.
    Bars {
        /// What the output calls one: `worker`. None if it calls them differently.
        kind: Option<String>,
        /// The number of lanes with bars.
        lanes: u64,
        /// The most bars at the same time.
        at_once: u64,
        /// Whether so many were there nearly all of the time.
        throughout: bool,
        /// The first start.
        from: f64,
        /// The last end.
        to: f64,
        /// The bars that have no end.
        unfinished: u64,
    },
    /// No thread computed for long. The time that all of them together used a core.
    Idle(f64),
    /// A thread computed while no other did.
    Alone {
        /// The thread. None for several threads, one at a time.
        name: Option<Name<'a>>,
        /// For how long.
        time: f64,
        /// What the main thread did in this time, if it was not that thread and did one thing.
        main: Option<(Name<'a>, State)>,
    },
    /// Several threads computed at the same time, each on a core.
    Together {
        /// How many.
        threads: u64,
        /// For how long.
        time: f64,
        /// What the main thread did in this time, if it did not compute and did one thing.
        main: Option<(Name<'a>, State)>,
    },
    /// More threads wanted to compute than the cores could run.
    Contention {
        /// How many threads.
        threads: u64,
        /// For how long.
        time: f64,
        /// How long all threads together were on a core in this time.
        computed: f64,
    },
    /// Threads that computed in turns, with waits for a lock or another thread in between.
    Turns {
        /// How many threads.
        threads: u64,
        /// For how long.
        time: f64,
        /// The cores that they used on average.
        cores: f64,
        /// How often one of them changed between computing and waiting.
        changes: u64,
    },
    /// Threads that did hardly anything else than to wait in this way.
    Waited {
        /// The threads, of which there is at least one.
        names: Vec<Name<'a>>,
        /// How they waited.
        state: State,
    },
    /// Threads that waited for a lock or another thread until the end.
    UntilEnd {
        /// The threads, of which there is at least one.
        names: Vec<Name<'a>>,
        /// Since when all of them did.
        from: f64,
        /// Whether there was no other thread at the end.
        all: bool,
    },
}

/// A thread computes in a stretch if it did, or was ready to, for this part of it.
const MOST: f64 = 0.7;
/// A thread takes part in turns if it computed for this part of a stretch.
const SOME: f64 = 0.1;
/// A turn that takes whole stretches has shorter ones at most so many seconds before and after it.
const NEAR: f64 = 0.15;
/// With fewer changes than this, threads follow each other and don't take turns.
const TURNS: u64 = 10;
/// What takes a smaller part of the run is not worth a sentence.
const MOMENT: f64 = 0.03;
/// As many threads that computed alone have a sentence each.
const FEW: usize = 3;
/// What a thread did for this part of the time is what it did.
const NEARLY_ALL: f64 = 0.85;

/// What a run showed up to `wall` seconds: first what its output names, then what its threads did, in
/// the order of time, then who waited.
/// `ended` says whether that was its end.
pub fn facts<'a, 'b>(
    lanes: impl Iterator<Item = &'b Lane<'b>>,
    activity: Option<&'a Activity>,
    wall: f64,
    ended: bool,
) -> Vec<Fact<'a>> {
    let mut facts: Vec<_> = bars(lanes, wall, ended).into_iter().collect();
    let Some(activity) =
        activity.filter(|activity| !activity.threads.is_empty())
    else {
        return facts;
    };
    let stretches = Stretches::new(activity, wall);
    facts.extend(stretches.computing());
    // That the main thread waited while others computed is said once.
    let said = facts.iter().find_map(|fact| match fact {
        Fact::Alone { main, .. } | Fact::Together { main, .. } => main.clone(),
        _ => None,
    });
    facts.extend(waits(activity, wall, ended).into_iter().filter(
        |fact| match (fact, &said) {
            (Fact::Waited { names, state }, Some(said)) => {
                names.len() > 1 || (&names[0], *state) != (&said.0, said.1)
            }
            _ => true,
        },
    ));
    facts
}

fn bars<'a, 'b>(
    lanes: impl Iterator<Item = &'b Lane<'b>>,
    wall: f64,
    ended: bool,
) -> Option<Fact<'a>> {
    let lanes: Vec<_> = lanes.filter(|lane| !lane.bars.is_empty()).collect();
    let kind = |lane: &&Lane<'_>| {
        lane.name.split(' ').next().unwrap_or_default().to_lowercase()
    };
    let first = kind(lanes.first()?);
    let kind = lanes.iter().all(|lane| kind(lane) == first).then_some(first);
    let bars: Vec<_> = lanes.iter().flat_map(|lane| &lane.bars).collect();
    let end = |bar: &(f64, Option<f64>)| bar.1.unwrap_or(wall);
    let open_at = |at: f64| {
        bars.iter().filter(|bar| bar.0 <= at && at < end(bar)).count() as u64
    };
    let at_once =
        bars.iter().map(|bar| open_at(bar.0)).max().unwrap_or(0).max(1);
    let from = bars.iter().map(|bar| bar.0).fold(f64::INFINITY, f64::min);
    let to = bars.iter().map(|bar| end(bar)).fold(0.0, f64::max);
    let mut changes: Vec<_> =
        bars.iter().flat_map(|bar| [bar.0, end(bar)]).collect();
    changes.sort_by(f64::total_cmp);
    let full = changes.windows(2).filter(|pair| open_at(pair[0]) == at_once);
    let full: f64 = full.map(|pair| pair[1] - pair[0]).sum();
    Some(Fact::Bars {
        kind,
        lanes: lanes.len() as u64,
        at_once,
        throughout: full >= NEARLY_ALL * (to - from),
        from,
        to,
        unfinished: bars.iter().filter(|bar| ended && bar.1.is_none()).count()
            as u64,
    })
}

/// The share of each state of each thread in stretches of the same length.
struct Stretches<'a> {
    activity: &'a Activity,
    /// The length of a stretch in seconds.
    length: f64,
    /// By stretch and thread, in the order of [`State::ALL`].
    shares: Vec<Vec<[f64; State::ALL.len()]>>,
}

fn index(state: State) -> usize {
    State::ALL.iter().position(|other| *other == state).unwrap_or(0)
}

impl<'a> Stretches<'a> {
    fn new(activity: &'a Activity, wall: f64) -> Self {
        let length = (wall / 100.0).clamp(0.01, 0.05);
        // A run has a few hundred stretches.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let stretch = |at: f64| (at / length) as usize;
        let none = vec![[0.0; State::ALL.len()]; activity.threads.len()];
        let mut shares = vec![none; stretch(wall) + 1];
        for (number, thread) in activity.threads.iter().enumerate() {
            let mut at = thread.from;
            for span in &thread.spans.0 {
                let to = (at + span.ms / 1000.0).min(wall);
                for part in stretch(at)..=stretch(to) {
                    let from = part as f64 * length;
                    let time = (to.min(from + length) - at.max(from)).max(0.0);
                    if let Some(threads) = shares.get_mut(part) {
                        threads[number][index(span.state)] += time / length;
                    }
                }
                at = to.max(at);
            }
        }
        Self { activity, length, shares }
    }

    /// The time of so many stretches.
    fn time(&self, stretches: usize) -> f64 {
        stretches as f64 * self.length
    }

    /// What was computed, in the order of time.
    fn computing(&self) -> Vec<Fact<'a>> {
        let [c, r, l] =
            [State::Computing, State::Ready, State::Lock].map(index);
        let wants = |share: &[f64; 8]| share[c] + share[r] >= MOST;
        let parts = 0..self.shares.len();
        let mut shared: Vec<_> =
            parts.filter_map(|at| Some((at, self.shared_core(at)?))).collect();
        if shared.iter().map(|(at, it)| self.changes(*at, it)).sum::<u64>()
            < TURNS
        {
            shared.clear();
        }
        let mut alone = Vec::new();
        let mut several = Vec::new();
        let mut turns = Vec::new();
        for (at, threads) in self.shares.iter().enumerate() {
            let all = threads.iter().enumerate();
            let wanting: Vec<_> = all
                .clone()
                .filter(|(_, it)| wants(it))
                .map(|(n, _)| n)
                .collect();
            let some: Vec<_> = all
                .filter(|(_, it)| it[c] >= SOME && !wants(it))
                .map(|(n, _)| n)
                .collect();
            let sum: f64 = some.iter().map(|n| threads[*n][c]).sum();
            let locked: f64 = some.iter().map(|n| threads[*n][l]).sum();
            if let Some(turn) = shared.iter().find(|(other, _)| *other == at) {
                turns.push(turn.clone());
                continue;
            }
            match wanting.len() {
                0 if some.len() > 1 && sum >= MOST && locked >= SOME => {
                    turns.push((at, some))
                }
                0 => {}
                1 if sum < 2.0 * SOME => alone.push((at, wanting)),
                1 => {}
                _ => several.push((at, wanting)),
            }
        }

        // A thread that has a longer turn is still one of them.
        let taking: Vec<_> = turns.clone();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let reach = (NEAR / self.length) as usize;
        let is_turn = |(at, it): &(usize, Vec<usize>)| {
            let near = |from: usize, to: usize| {
                taking.iter().any(|(other, who)| {
                    (from..to).contains(other) && who.contains(&it[0])
                })
            };
            near(at.saturating_sub(reach), *at) && near(at + 1, at + 1 + reach)
        };
        turns.extend(alone.extract_if(.., |stretch| is_turn(stretch)));
        turns.sort_by_key(|(at, _)| *at);

        let mut facts: Vec<(usize, Fact<'a>)> = Vec::new();
        facts.extend(self.alone(&alone));
        facts.extend(self.several(&several));
        facts.extend(self.turns(&turns));
        if facts.is_empty() {
            let Activity { threads, cores, .. } = self.activity;
            let by_core: f64 = cores.used.iter().sum::<f64>() * cores.step;
            let spans = threads.iter().flat_map(|thread| &thread.spans.0);
            let computed = spans.filter(|span| span.state == State::Computing);
            let by_thread = computed.map(|span| span.ms / 1000.0).sum::<f64>();
            facts.push((0, Fact::Idle(by_core.max(by_thread))));
        }
        facts.sort_by_key(|(at, _)| *at);
        facts.into_iter().map(|(_, fact)| fact).collect()
    }

    /// The threads that shared what is about one core in a stretch, because they waited for each other.
    /// They may seem to compute at the same time, because a turn is as short as a sampling interval.
    fn shared_core(&self, at: usize) -> Option<Vec<usize>> {
        let [c, r, l] =
            [State::Computing, State::Ready, State::Lock].map(index);
        let threads = &self.shares[at];
        let some: Vec<_> =
            (0..threads.len()).filter(|n| threads[*n][c] >= SOME).collect();
        let sum = |state: usize| -> f64 {
            some.iter().map(|n| threads[*n][state]).sum()
        };
        let cores = self.computed_in(&[(at, some.clone())]) / self.length;
        let is_one = (MOST..=1.0 + 2.0 * SOME).contains(&cores);
        (some.len() > 1 && is_one && sum(l) >= SOME && sum(r) < sum(l))
            .then_some(some)
    }

    /// A fact for each of a few threads, or one for all of many.
    fn alone(&self, alone: &[(usize, Vec<usize>)]) -> Vec<(usize, Fact<'a>)> {
        let of = |thread| -> Vec<_> {
            alone.iter().filter(|(_, it)| it[0] == thread).cloned().collect()
        };
        let fact = |stretches: &[(usize, Vec<usize>)], name| {
            let first = self.worth(stretches)?;
            // Without the time in which it was ready and had no core.
            let time =
                self.computed_in(stretches).min(self.time(stretches.len()));
            let is_long = time >= MOMENT * self.time(self.shares.len());
            is_long.then(|| {
                (
                    first,
                    Fact::Alone { name, time, main: self.main_in(stretches) },
                )
            })
        };
        let names = names(self.activity).into_iter().enumerate();
        let each: Vec<_> = names
            .filter_map(|(thread, name)| fact(&of(thread), Some(name)))
            .collect();
        if each.len() <= FEW {
            each
        } else {
            fact(alone, None).into_iter().collect()
        }
    }

    fn several(
        &self,
        several: &[(usize, Vec<usize>)],
    ) -> Option<(usize, Fact<'a>)> {
        self.worth(several)?;
        // As many at once as for a good part of the time, and not for a moment only.
        let at_least = |threads: usize| -> Vec<_> {
            several
                .iter()
                .filter(|(_, it)| it.len() >= threads)
                .cloned()
                .collect()
        };
        let most = several.iter().map(|(_, it)| it.len()).max()?;
        let threads = (2..=most)
            .rev()
            .find(|threads| at_least(*threads).len() * 3 >= several.len())?;
        self.worth(&at_least(threads))?;
        let stretches = at_least(threads);
        let first = stretches.first()?.0;
        let time = self.time(stretches.len());
        let share = |state: usize| -> f64 {
            let of = |(at, it): &(usize, Vec<usize>)| -> f64 {
                it.iter().map(|n| self.shares[*at][*n][state]).sum()
            };
            stretches.iter().map(of).sum::<f64>() / stretches.len() as f64
        };
        let waiting = share(index(State::Ready));
        let threads = threads as u64;
        let fact = if waiting > 0.2 * threads as f64 {
            Fact::Contention {
                threads,
                time,
                computed: self.computed_in(&stretches),
            }
        } else {
            Fact::Together { threads, time, main: self.main_in(&stretches) }
        };
        Some((first, fact))
    }

    fn turns(
        &self,
        turns: &[(usize, Vec<usize>)],
    ) -> Option<(usize, Fact<'a>)> {
        let first = self.worth(turns)?;
        let threads = turns.iter().map(|(_, it)| it.len()).max()? as u64;
        let cores = self.computed_in(turns) / self.time(turns.len());
        let changes = turns.iter().map(|(at, it)| self.changes(*at, it)).sum();
        Some((
            first,
            Fact::Turns {
                threads,
                time: self.time(turns.len()),
                cores,
                changes,
            },
        ))
    }

    /// How long all threads together were on a core in some stretches. The cores in use are more exact
    /// than the states, which leave out what is very short.
    fn computed_in(&self, stretches: &[(usize, Vec<usize>)]) -> f64 {
        let Cores { step, used } = &self.activity.cores;
        let in_stretch = |(at, it): &(usize, Vec<usize>)| -> f64 {
            if *step == 0.0 {
                let shares = it
                    .iter()
                    .map(|n| self.shares[*at][*n][index(State::Computing)]);
                return shares.sum::<f64>() * self.length;
            }
            let (from, to) = (self.time(*at), self.time(at + 1));
            let steps = used.iter().enumerate().map(|(number, used)| {
                let begin = number as f64 * step;
                used * (to.min(begin + step) - from.max(begin)).max(0.0)
            });
            steps.sum()
        };
        stretches.iter().map(in_stretch).sum()
    }

    /// How often these threads went from computing to waiting or back within a stretch.
    fn changes(&self, at: usize, threads: &[usize]) -> u64 {
        let (from, to) = (self.time(at), self.time(at + 1));
        let busy = |state| matches!(state, State::Computing | State::Ready);
        let of = |number: &usize| {
            let thread = &self.activity.threads[*number];
            let mut now = thread.from;
            let mut changes = 0;
            for pair in thread.spans.0.windows(2) {
                now += pair[0].ms / 1000.0;
                let changed = busy(pair[0].state) != busy(pair[1].state);
                changes += u64::from(changed && (from..to).contains(&now));
            }
            changes
        };
        threads.iter().map(of).sum()
    }

    /// The first of some stretches, if they are worth a sentence: more than a moment of the run.
    fn worth(&self, stretches: &[(usize, Vec<usize>)]) -> Option<usize> {
        let share = stretches.len() as f64 / self.shares.len() as f64;
        let enough = stretches.len() >= 2 && share >= MOMENT;
        stretches.first().filter(|_| enough).map(|(at, _)| *at)
    }

    /// What the main thread did in some stretches, if it did not compute and did one thing.
    fn main_in(
        &self,
        stretches: &[(usize, Vec<usize>)],
    ) -> Option<(Name<'a>, State)> {
        let share = |state| -> f64 {
            stretches
                .iter()
                .map(|(at, _)| self.shares[*at][0][index(state)])
                .sum()
        };
        let state = State::ALL.into_iter().find(|state| {
            share(*state) >= stretches.len() as f64 * NEARLY_ALL
        })?;
        let waits = !matches!(state, State::Computing | State::Ready);
        waits.then(|| (names(self.activity).swap_remove(0), state))
    }
}

/// Who waited, and how.
fn waits(activity: &Activity, wall: f64, ended: bool) -> Vec<Fact<'_>> {
    let names = names(activity);
    let mut facts = Vec::new();
    let stuck: Vec<_> = activity
        .threads
        .iter()
        .map(|thread| {
            let length: f64 =
                thread.spans.0.iter().map(|span| span.ms / 1000.0).sum();
            let last = thread
                .spans
                .0
                .last()
                .filter(|span| span.state == State::Lock)?;
            let since = thread.from + length - last.ms / 1000.0;
            (ended && thread.at_end && wall - since >= 0.6 * wall)
                .then_some(since)
        })
        .collect();
    let at_end = activity.threads.iter().filter(|thread| thread.at_end).count();
    let count = stuck.iter().flatten().count();
    if count > 0 {
        facts.push(Fact::UntilEnd {
            names: names
                .iter()
                .zip(&stuck)
                .filter(|(_, it)| it.is_some())
                .map(first)
                .collect(),
            from: stuck.iter().flatten().copied().fold(0.0, f64::max),
            all: count == at_end && activity.more == 0,
        });
    }

    for state in State::ALL {
        if matches!(state, State::Computing | State::Ready) {
            continue;
        }
        let did = |(number, _): &(usize, &Name<'_>)| {
            let spans = &activity.threads[*number].spans.0;
            let all: f64 = spans.iter().map(|span| span.ms).sum();
            let here = spans
                .iter()
                .filter(|span| span.state == state)
                .map(|span| span.ms);
            let long = all >= wall * 600.0;
            stuck[*number].is_none()
                && long
                && here.sum::<f64>() >= all * NEARLY_ALL
        };
        let names: Vec<_> = names
            .iter()
            .enumerate()
            .filter(did)
            .map(|(_, name)| name.clone())
            .collect();
        if !names.is_empty() {
            facts.push(Fact::Waited { names, state });
        }
    }
    facts
}

fn first<'a>((name, _): (&Name<'a>, &Option<f64>)) -> Name<'a> {
    name.clone()
}

#[cfg(test)]
mod tests {
    use process_tree::activity::Thread;

    use super::*;
    use crate::threads::Role;

    fn run(threads: &[&str]) -> Activity {
        let thread = |(number, spans): (usize, &&str)| Thread {
            process: 0,
            name: if number == 0 {
                "main".to_owned()
            } else {
                format!("t{number}")
            },
            from: 0.0,
            spans: spans.parse().unwrap(),
            at_end: true,
        };
        let threads = threads.iter().enumerate().map(thread).collect();
        Activity { threads, more: 0, cores: Cores::default() }
    }

    fn named(name: &str) -> Name<'_> {
        let role =
            if name == "main" { Role::Main } else { Role::Named(name, None) };
        Name { process: None, role: Some(role) }
    }

    fn round(time: f64) -> f64 {
        (time * 10.0).round() / 10.0
    }

    #[test]
    fn threads_that_compute_at_the_same_time_are_told_from_one_alone() {
        let activity = run(&["c500 l500", "s500 c500", "s500 c500"]);
        let facts = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let [
            Fact::Alone { name, time, main: None },
            Fact::Together { threads: 2, time: both, main },
        ] = facts.as_slice()
        else {
            panic!("{facts:?}")
        };
        assert_eq!(
            (name, round(*time), round(*both)),
            (&Some(named("main")), 0.5, 0.5)
        );
        assert_eq!(*main, Some((named("main"), State::Lock)));
    }

    #[test]
    fn a_thread_that_computes_for_the_main_thread_is_named() {
        let activity = run(&["i1000", "c1000"]);
        let facts = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let [Fact::Alone { name, main, .. }] = facts.as_slice() else {
            panic!("{facts:?}")
        };
        assert_eq!(
            (name, main),
            (&Some(named("t1")), &Some((named("main"), State::Io)))
        );
    }

    #[test]
    fn many_threads_that_compute_one_after_the_other_share_a_sentence() {
        let activity = run(&["c300 l700", "l300 c300 l400", "l600 c400"]);
        let three = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let names: Vec<_> = three
            .iter()
            .filter_map(|fact| match fact {
                Fact::Alone { name, .. } => name.clone(),
                _ => None,
            })
            .collect();
        assert_eq!(names, [named("main"), named("t1"), named("t2")]);
        let activity = run(&[
            "c250 l750",
            "l250 c250 l500",
            "l500 c250 l250",
            "l750 c250",
        ]);
        let four = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let alone = |fact: &&Fact<'_>| matches!(fact, Fact::Alone { .. });
        let alone: Vec<_> = four.iter().filter(alone).collect();
        let [Fact::Alone { name: None, time, .. }] = alone.as_slice() else {
            panic!("{four:?}")
        };
        assert_eq!(round(*time), 1.0);
    }

    #[test]
    fn threads_that_share_too_few_cores_contend() {
        let turns = "c10 r10 ".repeat(50);
        let activity = run(&["l1000", &turns, &turns, &turns, &turns]);
        let facts = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let Fact::Contention { threads: 4, computed, .. } = facts[0] else {
            panic!("{facts:?}")
        };
        assert_eq!(round(computed), 2.0);
        // The cores in use are known better.
        let cores = Cores { step: 0.25, used: vec![1.0; 4] };
        let activity = Activity { cores, ..activity };
        let facts = self::facts(std::iter::empty(), Some(&activity), 1.0, true);
        let Fact::Contention { computed, .. } = facts[0] else {
            panic!("{facts:?}")
        };
        assert_eq!(round(computed), 1.0);
    }

    #[test]
    fn threads_that_alternate_with_a_lock_take_turns() {
        // As the sampler sees the GIL: it doesn't know the order within an interval.
        let turns = "c2.5 l2.5 ".repeat(200);
        let activity = run(&["l1000", &turns, &turns]);
        let facts = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let Fact::Turns { threads: 2, time, cores, changes } = facts[0] else {
            panic!("{facts:?}")
        };
        assert_eq!((round(time), round(cores)), (1.0, 1.0));
        assert!((700..=800).contains(&changes), "{changes}");
    }

    #[test]
    fn turns_of_different_lengths_are_turns() {
        // One thread has most of each stretch, or all of it; and a thread is seen to compute a moment
        // before the other one stops.
        let long = format!("c8 l7 {} c8 l7", "c45 l12 c80 l13 ".repeat(10));
        let short = format!("l7 c8 {} l7 c8", "l40 c20 l80 c10 ".repeat(10));
        let cores = Cores { step: 0.25, used: vec![1.0; 7] };
        let activity = Activity { cores, ..run(&["l1530", &long, &short]) };
        let facts = facts(std::iter::empty(), Some(&activity), 1.53, true);
        let Fact::Turns { threads: 2, time, .. } = facts[0] else {
            panic!("{facts:?}")
        };
        assert!(time > 1.2, "{facts:?}");
        let others = |fact: &Fact<'_>| {
            matches!(fact, Fact::Alone { .. } | Fact::Together { .. })
        };
        assert!(!facts.iter().any(others), "{facts:?}");

        // One thread that goes on where another one ends is not a turn.
        let cores = Cores { step: 0.25, used: vec![1.0; 4] };
        let activity =
            Activity { cores, ..run(&["l1000", "c485 l515", "l485 c515"]) };
        let facts = self::facts(std::iter::empty(), Some(&activity), 1.0, true);
        assert!(
            !facts.iter().any(|fact| matches!(fact, Fact::Turns { .. })),
            "{facts:?}"
        );
    }

    #[test]
    fn threads_that_wait_for_a_lock_until_the_end_are_stuck() {
        let activity = run(&["c3 l997", "l1000", "s20 l980"]);
        let facts = facts(std::iter::empty(), Some(&activity), 1.0, true);
        let [Fact::Idle(_), Fact::UntilEnd { names, from, all: true }] =
            facts.as_slice()
        else {
            panic!("{facts:?}")
        };
        assert_eq!((names.len(), round(*from * 10.0)), (3, 0.2));
        // If the main thread goes on, it is not one of them.
        let activity = run(&["s990 c10", "l1000", "l1000"]);
        let facts = self::facts(std::iter::empty(), Some(&activity), 1.0, true);
        let stuck = vec![named("t1"), named("t2")];
        assert!(
            facts.contains(&Fact::UntilEnd {
                names: stuck,
                from: 0.0,
                all: false
            }),
            "{facts:?}"
        );
    }

    #[test]
    fn each_way_to_wait_is_told() {
        for state in State::ALL.into_iter().skip(2) {
            let activity = run(&[&format!("{}900 c10", state.letter())]);
            let facts = facts(std::iter::empty(), Some(&activity), 0.91, true);
            let waited = Fact::Waited { names: vec![named("main")], state };
            assert!(facts.contains(&waited), "{facts:?}");
        }
    }

    #[test]
    fn bars_are_counted() {
        let lane = |name, from, to| Lane {
            name,
            bars: vec![(from, to)],
            marks: Vec::new(),
        };
        let lanes = [lane("Task A", 0.0, Some(1.0)), lane("Task B", 0.5, None)];
        let (kind, throughout, from, to) =
            (Some("task".to_owned()), false, 0.0, 2.0);
        assert_eq!(
            facts(lanes.iter(), None, 2.0, true),
            [Fact::Bars {
                kind,
                lanes: 2,
                at_once: 2,
                throughout,
                from,
                to,
                unfinished: 1
            }]
        );
        let lanes = [lane("Task A", 0.0, Some(1.0)), lane("Task B", 0.1, None)];
        let facts = facts(lanes.iter(), None, 1.0, true);
        assert!(
            matches!(facts[0], Fact::Bars { throughout: true, .. }),
            "{facts:?}"
        );
        let lanes = [lane("Main", 0.0, Some(1.0)), lane("Thread 1", 0.1, None)];
        let facts = self::facts(lanes.iter(), None, 1.0, true);
        assert!(
            matches!(facts[0], Fact::Bars { kind: None, lanes: 2, .. }),
            "{facts:?}"
        );
    }
}
