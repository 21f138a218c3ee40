//! The rules: a pure function from a measurement to a verdict.

use std::fmt;
use std::time::Duration;

use process_tree::MAX_THREADS;
use serde::Serialize;

use crate::machine::{LIMIT_PART, MEMORY_PART, Machine, THREAD_BYTES};
use crate::measure::{Measurement, TOO_SHORT};

/// The wishes of the user, which no measurement shows.
///
/// Fields may be added. Write `..Wishes::default()` at the end.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Wishes {
    /// A crash, a kill or a memory limit must affect nothing but the work.
    pub isolate: bool,
    /// The number of waits that there will be at once. Default: as many as
    /// were seen.
    pub at_once: Option<u64>,
}

/// The kind of program that a rule finds, one for each rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// It must be isolated.
    Isolated,
    /// It ended too soon to say anything.
    TooShort,
    /// This system does not report how much it computed.
    NotMeasured,
    /// Its threads do little but hand over to each other.
    HandsOver,
    /// It computes, on one core.
    OneCore,
    /// It computes, on several cores.
    ManyCores,
    /// It computes and waits, for more at once than threads are good for.
    MixedManyWaits,
    /// It computes and waits, for a few at once.
    MixedFewWaits,
    /// It waits, for more at once than threads are good for.
    ManyWaits,
    /// It waits, for a few at once.
    FewWaits,
}

/// A condition. A figure that is not known meets no condition except
/// `NotMeasured`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum If {
    /// The user wants it isolated.
    Isolate,
    /// It ended sooner.
    ShorterThan(Duration),
    /// It is not known how much it computed.
    NotMeasured,
    /// It computed for this part of the time or more.
    ComputesAtLeast {
        /// Of the time that it would take with the machine for itself.
        percent: u32,
    },
    /// It had several threads, one of which was nearly always runnable, and
    /// they waited so often that each piece of computing was hardly longer
    /// than the switch to the next.
    HandsOver {
        /// At least one thread was runnable in this part of the time or
        /// more.
        percent: u32,
        /// So many waits or more per second of CPU time.
        waits: u32,
    },
    /// While it computed it wanted fewer cores.
    FewerCoresThan(f64),
    /// More waits at once than threads are good for.
    ManyWaits,
    /// Holds always.
    Otherwise,
}

impl If {
    fn holds(
        self,
        facts: &Measurement,
        wishes: &Wishes,
        on: &Machine,
    ) -> bool {
        match self {
            If::Isolate => wishes.isolate,
            If::ShorterThan(time) => {
                facts.wall_seconds < time.as_secs_f64()
            }
            If::NotMeasured => facts.computing_share.is_none(),
            If::ComputesAtLeast { percent } => facts
                .computing_share
                .is_some_and(|share| share * 100.0 >= percent.into()),
            If::HandsOver { percent, waits } => {
                let (runnable, each) =
                    (facts.runnable_share, facts.waits_per_cpu_second());
                facts.max_threads.is_some_and(|threads| threads > 1)
                    && runnable
                        .is_some_and(|it| it * 100.0 >= percent.into())
                    && each.is_some_and(|each| each >= waits.into())
            }
            If::FewerCoresThan(max) => {
                facts.cores_wanted.is_some_and(|cores| cores < max)
            }
            If::ManyWaits => wishes
                .waits_at_once(facts)
                .zip(on.few_waits())
                .is_some_and(|(waits, few)| waits > few),
            If::Otherwise => true,
        }
    }
}

impl fmt::Display for If {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            If::Isolate => write!(f, "--isolate is given"),
            If::ShorterThan(time) => {
                write!(f, "it took less than {time:?}")
            }
            If::NotMeasured => {
                write!(
                    f,
                    "this system does not report how much it computed"
                )
            }
            If::ComputesAtLeast { percent } => {
                write!(f, "it computed {percent} % of the time or more")
            }
            If::HandsOver { percent, waits } => write!(
                f,
                "one of its threads was runnable {percent} % of the time or \
                 more and they waited {waits} times or more per second of CPU \
                 time"
            ),
            If::FewerCoresThan(cores) => {
                write!(f, "wanted fewer than {cores} cores for it")
            }
            If::ManyWaits => write!(f, "it waits for many at once"),
            If::Otherwise => write!(f, "none of these"),
        }
    }
}

/// A line of the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// All of these must hold.
    pub when: &'static [If],
    /// The kind of program that this is.
    pub kind: Kind,
    /// The kind in words.
    pub is: &'static str,
    /// The model that suits it.
    pub take: &'static str,
    /// The page to read: a file in this repository.
    pub page: &'static str,
    /// The example to start from: a folder in this repository.
    pub example: &'static str,
}

/// The first rule that holds decides.
pub const RULES: [Rule; 10] = [
    Rule {
        when: &[If::Isolate],
        kind: Kind::Isolated,
        is: "must be isolated",
        take: "processes",
        page: "guide/en/crash-isolation.md",
        example: "examples-processes/worker-pool",
    },
    Rule {
        when: &[If::ShorterThan(TOO_SHORT)],
        kind: Kind::TooShort,
        is: "too short to tell",
        take: "the simplest model, or give it more to do and measure again",
        page: "guide/en/which.md",
        example: "examples-threads/create-thread",
    },
    Rule {
        when: &[If::NotMeasured],
        kind: Kind::NotMeasured,
        is: "not known",
        take: "the four questions of the page",
        page: "guide/en/which.md",
        example: "examples-threads/create-thread",
    },
    Rule {
        when: &[If::HandsOver { percent: 80, waits: 30_000 }],
        kind: Kind::HandsOver,
        is: "busy with handing over from thread to thread",
        take: "one thread, or larger pieces of work for each",
        page: "guide/en/cpu-work-in-async.md",
        example: "examples-threads/cpu-bound",
    },
    Rule {
        when: &[
            If::ComputesAtLeast { percent: 80 },
            If::FewerCoresThan(1.5),
        ],
        kind: Kind::OneCore,
        is: "CPU-bound, on one core",
        take: "threads, with rayon",
        page: "guide/en/cpu-bound.md",
        example: "examples-threads/cpu-bound",
    },
    Rule {
        when: &[If::ComputesAtLeast { percent: 80 }],
        kind: Kind::ManyCores,
        is: "CPU-bound, already on several cores",
        take: "threads, with rayon",
        page: "guide/en/cpu-bound.md",
        example: "examples-threads/cpu-bound",
    },
    Rule {
        when: &[If::ComputesAtLeast { percent: 20 }, If::ManyWaits],
        kind: Kind::MixedManyWaits,
        is: "mixed, it computes and waits for many at once",
        take: "async, and rayon for the computing",
        page: "guide/en/cpu-work-in-async.md",
        example: "examples-async/to-thread",
    },
    Rule {
        when: &[If::ComputesAtLeast { percent: 20 }],
        kind: Kind::MixedFewWaits,
        is: "mixed, it computes and waits for a few at once",
        take: "threads",
        page: "guide/en/worker-threads.md",
        example: "examples-threads/worker-threads",
    },
    Rule {
        when: &[If::ManyWaits],
        kind: Kind::ManyWaits,
        is: "waiting, for many at once",
        take: "async",
        page: "guide/en/many-waits.md",
        example: "examples-async/many-waits",
    },
    Rule {
        when: &[If::Otherwise],
        kind: Kind::FewWaits,
        is: "waiting, for a few at once",
        take: "threads",
        page: "guide/en/worker-threads.md",
        example: "examples-threads/worker-threads",
    },
];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when: Vec<_> = self.when.iter().map(If::to_string).collect();
        write!(f, "{}: {} → {}", when.join(" and "), self.is, self.take)
    }
}

/// The terms in rules and reports, each with its meaning.
pub fn terms() -> [(&'static str, String); 5] {
    [
        (
            "computed",
            "at least one thread was running. The share is of the time that \
             the command would take with the machine for itself: the time that \
             it lost because other programs had the cores does not count."
                .to_owned(),
        ),
        (
            "wanted cores",
            "how many threads were runnable, on average while at least one \
             was, but no more than there are cores. A runnable thread is \
             running, or would be if a core were free."
                .to_owned(),
        ),
        (
            "waits",
            "how often a thread gave up its core to wait (voluntary context \
             switches). The average wait is the time in which threads were not \
             runnable, added up, divided by that number. A thread that waits \
             for another thread counts too."
                .to_owned(),
        ),
        (
            "many at once",
            format!(
                "more than 1/{LIMIT_PART} of the threads that the system \
                 allows, or than fit into 1/{MEMORY_PART} of the available \
                 memory at {} KiB each. It counts the threads that were seen \
                 waiting at the same time. An event loop waits for many things \
                 on one thread, which cannot be seen from outside: say how \
                 many with --at-once N.",
                THREAD_BYTES >> 10
            ),
        ),
        (
            "seen",
            format!(
                "in one of the samples of /proc, which are taken every \
                 millisecond at first, then every 5 to 15 ms, and less often \
                 if there are hundreds of threads. A sample reads no more than \
                 {MAX_THREADS} threads of a process one by one. Memory and \
                 the largest numbers at once are from samples. Wall time, CPU \
                 time and the number of waits are counted by the system, for \
                 the command and all processes that it waited for."
            ),
        ),
    ]
}

/// The model that suits a program, and why.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The kind of program.
    pub kind: Kind,
    /// The kind in words.
    pub is: &'static str,
    /// The model that suits it.
    pub take: &'static str,
    /// The reason, in a few sentences.
    pub reason: String,
    /// The page to read: a file in this repository.
    pub page: &'static str,
    /// The example to start from: a folder in this repository.
    pub example: &'static str,
}

/// Returns the verdict on a program that was measured.
///
/// ```
/// use choose::machine::Machine;
/// use choose::measure::Measurement;
/// use choose::rules::{Kind, Wishes, verdict};
///
/// let run = Measurement {
///     wall_seconds: 2.0,
///     computing_share: Some(0.95),
///     cores_wanted: Some(1.0),
///     ..Measurement::default()
/// };
/// let verdict = verdict(&run, &Wishes::default(), &Machine::this());
/// assert_eq!(verdict.kind, Kind::OneCore);
/// assert_eq!(verdict.take, "threads, with rayon");
/// ```
pub fn verdict(
    facts: &Measurement,
    wishes: &Wishes,
    on: &Machine,
) -> Verdict {
    let rule = RULES
        .iter()
        .find(|rule| rule.when.iter().all(|it| it.holds(facts, wishes, on)))
        .expect("the last rule always holds");
    Verdict {
        kind: rule.kind,
        is: rule.is,
        take: rule.take,
        reason: reason(rule.kind, facts, wishes, on),
        page: rule.page,
        example: rule.example,
    }
}

impl Wishes {
    /// Returns the number of waits at once that the verdict is based on.
    fn waits_at_once(&self, facts: &Measurement) -> Option<u64> {
        self.at_once.or(facts.max_waits_at_once)
    }
}

fn reason(
    kind: Kind,
    facts: &Measurement,
    wishes: &Wishes,
    on: &Machine,
) -> String {
    let share = facts.computing_share.unwrap_or_default();
    let computed =
        format!("It computed {:.0} % of the time", share * 100.0);
    let wanted = facts.cores_wanted.unwrap_or_default();
    // If all of it can be divided, and dividing it costs nothing.
    let gain = (f64::from(on.cores) / wanted.max(1.0)).max(1.0);
    let mut at_best = format!(
        "On all cores of this machine ({}) the computing would be at best \
         {gain:.1} times as fast.",
        on.cores
    );
    if wishes.at_once.is_some() {
        at_best +=
            " The number of cores is the limit, not the number of jobs.";
    }
    match kind {
        Kind::Isolated => {
            "You gave --isolate. Only a process can crash, be \
            killed or be limited without affecting the rest."
                .to_owned()
        }
        Kind::TooShort => {
            "Most of such a short run is the start of the program."
                .to_owned()
        }
        Kind::NotMeasured => {
            "How much it computed could not be measured.".to_owned()
        }
        Kind::HandsOver => {
            let each = facts.waits_per_cpu_second().unwrap_or_default();
            format!(
                "A thread computed for only {:.0} µs on average before it \
                 waited again. More cores do not help, because the switch to \
                 the next thread takes as long.",
                1e6 / each
            )
        }
        Kind::OneCore => format!("{computed}, on one core. {at_best}"),
        Kind::ManyCores => {
            format!("{computed}, then on {wanted:.1} cores. {at_best}")
        }
        Kind::MixedManyWaits => format!(
            "{computed}. {} Tasks wait at little cost, while other threads \
             compute.",
            waits(facts, wishes, on)
        ),
        Kind::MixedFewWaits => format!(
            "{computed}. {} A thread can wait and compute in turn without \
             keeping other threads from running.",
            waits(facts, wishes, on)
        ),
        Kind::ManyWaits | Kind::FewWaits => format!(
            "It waited {:.0} % of the time. {}",
            (1.0 - share) * 100.0,
            waits(facts, wishes, on)
        ),
    }
}

/// Says how many waits there are at once, and for how many threads are
/// good.
fn waits(facts: &Measurement, wishes: &Wishes, on: &Machine) -> String {
    let waits = match (wishes.at_once, facts.max_waits_at_once) {
        (Some(n), _) => format!("Waits at once, as you said: {n}."),
        (_, Some(n)) => format!("Waits seen at once: at most {n}."),
        _ => "How many waits there were at once is not known.".to_owned(),
    };
    let few = match on.few_waits() {
        Some(few) => {
            format!("Threads are good for {few} here, {}.", on.why_few())
        }
        None => {
            "How many threads are too many here is not known.".to_owned()
        }
    };
    format!("{waits} {few}")
}
