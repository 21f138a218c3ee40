//! Facts about a run that are worth a sentence, derived from the run alone.
//! The table of words turns each into a sentence.
//!
//! A state is known to about one sampling interval, and within an interval
//! the order of states is not known. So the facts are derived from the share
//! of each state in short stretches of time: a thread computes in a stretch
//! if it was on a core, or wanted to be, for most of it.
use process_tree::activity::{Activity, Cores, State, Thread};

use crate::lanes::{Bar, Lane};
use crate::threads::{Name, names};
use crate::track::Track;

/// Something that a picture shows. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<'a> {
    /// The output names bars.
    Bars(Bars),
    /// A thread computed while no other did.
    Alone {
        /// The thread. None for several threads, one at a time.
        name: Option<Name<'a>>,
        /// The time.
        time: f64,
        /// The main thread in this time, if it waited in one way.
        main: Option<Wait<'a>>,
    },
    /// Several threads computed at the same time, each on a core.
    Together {
        /// The number of threads.
        threads: u64,
        /// The time.
        time: f64,
        /// The main thread in this time, if it waited in one way.
        main: Option<Wait<'a>>,
    },
    /// More threads wanted to compute than the cores could run.
    Contention {
        /// The number of threads.
        threads: u64,
        /// The time.
        time: f64,
        /// The time that these threads together were on a core.
        computed: f64,
    },
    /// Threads computed in turns, because they waited for each other.
    Turns {
        /// The number of threads.
        threads: u64,
        /// The time.
        time: f64,
        /// The cores that they used on average.
        cores: f64,
    },
    /// Threads waited in one way for most of the run.
    Waited(Wait<'a>),
    /// Threads waited for a lock or another thread until the end.
    UntilEnd {
        /// The threads, of which there is at least one.
        names: Vec<Name<'a>>,
        /// The start of the last of these waits.
        from: f64,
        /// True if no other thread was there at the end.
        all: bool,
    },
}

/// The bars of a run. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// The output's word for one lane: `worker`. None if it has several.
    pub kind: Option<String>,
    /// The number of lanes with bars.
    pub lanes: u64,
    /// The maximum number of bars at the same time.
    pub at_once: u64,
    /// True if this maximum lasted for nearly all of the time.
    pub throughout: bool,
    /// The first start.
    pub from: f64,
    /// The last end.
    pub to: f64,
    /// The number of bars without an end.
    pub unfinished: u64,
}

/// Threads that waited in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait<'a> {
    /// The threads, of which there is at least one.
    pub names: Vec<Name<'a>>,
    /// Their state.
    pub state: State,
}

/// A thread computes in a stretch if it did, or was ready to, for this share
/// of it. One core is in use from the same share on.
const BUSY: f64 = 0.7;
/// A thread that computed for a smaller share of a stretch had no part in it.
const PART: f64 = 0.1;
/// Something that takes a smaller share of the run is not worth a sentence.
const MOMENT: f64 = 0.05;
/// Up to this number, threads that computed alone get a sentence each.
const FEW: usize = 3;
/// A thread waits in one way if it does so for this share of the time.
const NEARLY_ALL: f64 = 0.85;
/// A wait until the end is worth a sentence from this share of the run on,
/// and the other waits of a thread that was there for this share of it.
const LONG: f64 = 0.6;

/// The facts of a run with these lanes: first the bars, then the threads that
/// computed, in the order of time, then the waits.
pub(crate) fn facts<'a>(
    track: &Track<'a>,
    lanes: &[&Lane<'_>],
) -> Vec<Fact<'a>> {
    let bars = bars(track, lanes);
    let mut facts: Vec<_> = bars.map(Fact::Bars).into_iter().collect();
    if let Some(activity) = track.threads() {
        let computed = Stretches::new(activity, track.wall).computing();
        let is_new = |wait: &Wait<'a>| {
            !computed.iter().any(|fact| match fact {
                Fact::Alone { main, .. } | Fact::Together { main, .. } => {
                    main.as_ref() == Some(wait)
                }
                _ => false,
            })
        };
        let (until_end, mut waits) = waits(activity, track);
        waits.retain(is_new);
        facts.extend(computed);
        facts.extend(until_end);
        facts.extend(waits.into_iter().map(Fact::Waited));
    }
    facts
}

fn bars(track: &Track<'_>, lanes: &[&Lane<'_>]) -> Option<Bars> {
    let lanes = || lanes.iter().filter(|lane| !lane.bars.is_empty());
    let bars: Vec<_> = lanes().flat_map(|lane| &lane.bars).collect();
    let end = |bar: &Bar| bar.to.unwrap_or(track.wall);
    let bars_at = |at: f64| {
        bars.iter().filter(|bar| bar.from <= at && at < end(bar)).count()
    };
    let mut changes: Vec<_> =
        bars.iter().flat_map(|bar| [bar.from, end(bar)]).collect();
    changes.sort_by(f64::total_cmp);
    let (&from, &to) = (changes.first()?, changes.last()?);
    let at_once = changes.iter().map(|at| bars_at(*at)).max()?.max(1);
    let full: f64 = changes
        .windows(2)
        .filter(|pair| bars_at(pair[0]) == at_once)
        .map(|pair| pair[1] - pair[0])
        .sum();
    let first = lanes().next()?.kind();
    let open = bars.iter().filter(|bar| track.ended && bar.to.is_none());
    Some(Bars {
        lanes: lanes().count() as u64,
        at_once: at_once as u64,
        throughout: full >= NEARLY_ALL * (to - from),
        from,
        to,
        unfinished: open.count() as u64,
        kind: lanes().all(|lane| lane.kind() == first).then_some(first),
    })
}

/// A stretch of the run, and the threads that computed in it.
#[derive(Debug, Clone)]
struct Stretch {
    /// Its number, from 0.
    at: usize,
    threads: Vec<usize>,
}

/// The share of each state of each thread in stretches of the same length.
struct Stretches<'a> {
    activity: &'a Activity,
    names: Vec<Name<'a>>,
    /// The length of a stretch in seconds.
    length: f64,
    /// By stretch, thread and state.
    shares: Vec<Vec<[f64; State::ALL.len()]>>,
}

impl<'a> Stretches<'a> {
    fn new(activity: &'a Activity, wall: f64) -> Self {
        let length = (wall / 100.0).clamp(0.01, 0.05);
        let stretch = |at: f64| (at / length) as usize;
        let none = vec![[0.0; State::ALL.len()]; activity.threads.len()];
        let mut shares = vec![none; stretch(wall) + 1];
        for (number, thread) in activity.threads.iter().enumerate() {
            let mut at = thread.from;
            for span in &thread.spans.0 {
                let to = (at + span.ms / 1000.0).min(wall);
                for part in stretch(at)..=stretch(to) {
                    let from = part as f64 * length;
                    let time = to.min(from + length) - at.max(from);
                    if let Some(shares) = shares.get_mut(part) {
                        let share = time.max(0.0) / length;
                        shares[number][span.state as usize] += share;
                    }
                }
                at = to.max(at);
            }
        }
        Self { activity, names: names(activity), length, shares }
    }

    /// The facts about computing threads, in the order of time.
    fn computing(&self) -> Vec<Fact<'a>> {
        let (mut alone, mut together, mut turns) =
            (Vec::new(), Vec::new(), Vec::new());
        for (at, shares) in self.shares.iter().enumerate() {
            let share =
                |thread: &usize, state| shares[*thread][state as usize];
            let computed = |thread: &usize| share(thread, State::Computing);
            let is_busy = |thread: &usize| {
                computed(thread) + share(thread, State::Ready) >= BUSY
            };
            let all = || 0..shares.len();
            let threads = all().filter(|it| computed(it) >= PART).collect();
            let taking_part = Stretch { at, threads };
            let busy =
                Stretch { at, threads: all().filter(is_busy).collect() };
            if self.is_turn(&taking_part) {
                turns.push(taking_part);
            } else if busy.threads.len() > 1 {
                together.push(busy);
            } else if busy.threads.len() == 1
                && taking_part.threads.len() < 2
            {
                alone.push(busy);
            }
        }
        let mut facts = self.alone(&alone);
        facts.extend(self.together(&together));
        facts.extend(self.turns(&turns));
        facts.sort_by_key(|(start, _)| *start);
        facts.into_iter().map(|(_, fact)| fact).collect()
    }

    /// Checks whether the threads of a stretch shared about one core, because
    /// they waited for each other. They may seem to compute at the same time,
    /// because a turn is as short as a sampling interval.
    fn is_turn(&self, stretch: &Stretch) -> bool {
        let locked = self.sum(stretch, State::Lock);
        stretch.threads.len() > 1
            && (BUSY..=1.0 + 2.0 * PART).contains(&self.cores(stretch))
            && locked >= PART
            && locked > self.sum(stretch, State::Ready)
    }

    /// A fact for each of a few threads, or one for all of many.
    fn alone(&self, alone: &[Stretch]) -> Vec<(usize, Fact<'a>)> {
        let fact = |stretches: &[Stretch], name| {
            let start = self.start(stretches)?;
            // Without the time in which it was ready and had no core.
            let time =
                self.on_core(stretches).min(self.time(stretches.len()));
            let main = self.main_in(stretches);
            let is_long = time >= MOMENT * self.time(self.shares.len());
            is_long.then_some((start, Fact::Alone { name, time, main }))
        };
        let by_thread =
            self.names.iter().enumerate().filter_map(|(at, name)| {
                let own = alone.iter().filter(|it| it.threads == [at]);
                fact(&own.cloned().collect::<Vec<_>>(), Some(name.clone()))
            });
        let by_thread: Vec<_> = by_thread.collect();
        match by_thread.len() {
            0..=FEW => by_thread,
            _ => fact(alone, None).into_iter().collect(),
        }
    }

    /// A fact for the number of threads that computed at once for at least a
    /// third of the time, instead of the maximum of a moment.
    fn together(&self, together: &[Stretch]) -> Option<(usize, Fact<'a>)> {
        let counts = together.iter().map(|it| it.threads.len());
        let mut counts: Vec<_> = counts.collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let threads = counts[counts.len().checked_sub(1)? / 3];
        let enough =
            together.iter().filter(|it| it.threads.len() >= threads);
        let stretches: Vec<_> = enough.cloned().collect();
        let start = self.start(&stretches)?;
        let time = self.time(stretches.len());
        let ready = stretches.iter().map(|it| self.sum(it, State::Ready));
        let ready = ready.sum::<f64>() / stretches.len() as f64;
        let threads = threads as u64;
        let fact = if ready > 0.2 * threads as f64 {
            let computed = self.on_core(&stretches);
            Fact::Contention { threads, time, computed }
        } else {
            Fact::Together { threads, time, main: self.main_in(&stretches) }
        };
        Some((start, fact))
    }

    fn turns(&self, turns: &[Stretch]) -> Option<(usize, Fact<'a>)> {
        let start = self.start(turns)?;
        let threads = turns.iter().map(|it| it.threads.len()).max()? as u64;
        let time = self.time(turns.len());
        let cores = self.on_core(turns) / time;
        Some((start, Fact::Turns { threads, time, cores }))
    }

    /// The time of a number of stretches.
    fn time(&self, stretches: usize) -> f64 {
        stretches as f64 * self.length
    }

    /// The sum of a state's shares of a stretch.
    fn sum(&self, stretch: &Stretch, state: State) -> f64 {
        let shares = &self.shares[stretch.at];
        stretch.threads.iter().map(|it| shares[*it][state as usize]).sum()
    }

    /// The cores that all threads together used in a stretch. The cores in
    /// use are more exact than the states, which leave out very short ones.
    fn cores(&self, stretch: &Stretch) -> f64 {
        let Cores { step, used } = &self.activity.cores;
        if *step == 0.0 {
            return self.sum(stretch, State::Computing);
        }
        let (from, to) = (self.time(stretch.at), self.time(stretch.at + 1));
        let steps = used.iter().enumerate().map(|(number, used)| {
            let start = number as f64 * step;
            used * (to.min(start + step) - from.max(start)).max(0.0)
        });
        steps.sum::<f64>() / self.length
    }

    /// The time of all threads together on a core in some stretches.
    fn on_core(&self, stretches: &[Stretch]) -> f64 {
        let cores = stretches.iter().map(|it| self.cores(it));
        cores.sum::<f64>() * self.length
    }

    /// The first of some stretches, if they are more than a moment of the run.
    fn start(&self, stretches: &[Stretch]) -> Option<usize> {
        let share = stretches.len() as f64 / self.shares.len() as f64;
        let is_moment = stretches.len() < 2 || share < MOMENT;
        Some(stretches.first().filter(|_| !is_moment)?.at)
    }

    /// The main thread in some stretches, if it waited in one way.
    fn main_in(&self, stretches: &[Stretch]) -> Option<Wait<'a>> {
        let enough = NEARLY_ALL * stretches.len() as f64;
        let share = |state: State| -> f64 {
            let shares = stretches.iter().map(|it| &self.shares[it.at][0]);
            shares.map(|shares| shares[state as usize]).sum()
        };
        let state = waiting().find(|state| share(*state) >= enough)?;
        Some(Wait { names: self.names[..1].to_vec(), state })
    }
}

/// The states of a thread that waits.
fn waiting() -> impl Iterator<Item = State> {
    let busy = [State::Computing, State::Ready];
    State::ALL.into_iter().filter(move |state| !busy.contains(state))
}

/// The threads that waited for a lock until the end, and the waits of the
/// other ones.
fn waits<'a>(
    activity: &'a Activity,
    track: &Track<'_>,
) -> (Option<Fact<'a>>, Vec<Wait<'a>>) {
    let enough = LONG * track.wall;
    let stuck_since = |thread: &Thread| {
        let spans = &thread.spans.0;
        let last = spans.last().filter(|span| span.state == State::Lock)?;
        let before =
            spans.iter().map(|span| span.ms).sum::<f64>() - last.ms;
        let since = thread.from + before / 1000.0;
        let is_long = track.wall - since >= enough;
        (track.ended && thread.at_end && is_long).then_some(since)
    };
    let long_wait = |thread: &Thread| {
        let time = |state: Option<State>| -> f64 {
            let spans = thread.spans.0.iter();
            let spans =
                spans.filter(|it| state.is_none_or(|s| s == it.state));
            spans.map(|span| span.ms / 1000.0).sum()
        };
        let all = time(None);
        let is_most =
            |state: &State| time(Some(*state)) >= NEARLY_ALL * all;
        waiting().find(is_most).filter(|_| all >= enough)
    };

    let mut stuck = Vec::new();
    let mut from = 0.0_f64;
    let mut waits: Vec<Wait<'_>> = Vec::new();
    for (thread, name) in activity.threads.iter().zip(names(activity)) {
        if let Some(since) = stuck_since(thread) {
            from = from.max(since);
            stuck.push(name);
        } else if let Some(state) = long_wait(thread) {
            match waits.iter_mut().find(|wait| wait.state == state) {
                Some(wait) => wait.names.push(name),
                None => waits.push(Wait { names: vec![name], state }),
            }
        }
    }
    waits.sort_by_key(|wait| wait.state);
    let at_end = activity.threads.iter().filter(|thread| thread.at_end);
    let all = activity.more == 0 && stuck.len() == at_end.count();
    let until_end = (!stuck.is_empty()).then_some(Fact::UntilEnd {
        names: stuck,
        from,
        all,
    });
    (until_end, waits)
}
