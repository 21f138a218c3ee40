//! The rules: a pure function from what was measured to a verdict.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::machine::{LIMIT_PART, MEMORY_PART, Machine, THREAD_BYTES};
use crate::measure::{Measured, TOO_SHORT};

/// What the user wants, and no measurement can tell.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Wishes {
    /// A crash, a kill or a memory limit must concern the work alone.
    pub isolate: bool,
    /// How many waits there are to be at once, if not as many as were seen.
    pub at_once: Option<u64>,
}

/// What a rule says, one kind for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is to be isolated.
    Isolated,
    /// It ended too soon to say anything.
    TooShort,
    /// This system does not tell how much it computed.
    NotMeasured,
    /// It computes, on one core.
    OneCore,
    /// It computes, on more.
    ManyCores,
    /// It computes and waits.
    Mixed,
    /// It waits, for more at once than threads are good for.
    ManyWaits,
    /// It waits, for a few at once.
    FewWaits,
}

/// What a rule asks. What is not known fulfils nothing but `NotMeasured`.
#[derive(Debug, Clone, Copy)]
pub enum If {
    /// The user wants it isolated.
    Isolate,
    /// It ended sooner than that.
    ShorterThan(Duration),
    /// It is not known how much it computed.
    NotMeasured,
    /// It computed in this part of the time or more.
    ComputesAtLeast {
        /// Of the time that it would take alone on the machine.
        percent: u32,
    },
    /// While it computed it wanted fewer cores.
    FewerCoresThan(f64),
    /// More waits at once than threads are good for.
    ManyWaits,
    /// Holds always.
    Otherwise,
}

impl If {
    fn holds(self, facts: &Measured, wishes: &Wishes, on: &Machine) -> bool {
        match self {
            If::Isolate => wishes.isolate,
            If::ShorterThan(time) => facts.wall_seconds < time.as_secs_f64(),
            If::NotMeasured => facts.computing_share.is_none(),
            If::ComputesAtLeast { percent } => facts
                .computing_share
                .is_some_and(|share| share * 100.0 >= percent.into()),
            If::FewerCoresThan(most) => {
                facts.cores_wanted.is_some_and(|cores| cores < most)
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
            If::ShorterThan(time) => write!(f, "it took less than {time:?}"),
            If::NotMeasured => {
                write!(f, "this system does not tell how much it computed")
            }
            If::ComputesAtLeast { percent } => {
                write!(f, "it computed {percent} % of the time or more")
            }
            If::FewerCoresThan(cores) => {
                write!(f, "wanted fewer than {cores} cores for it")
            }
            If::ManyWaits => write!(f, "it waits for many at once"),
            If::Otherwise => write!(f, "none of these"),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Rule {
    /// All of these must hold.
    pub when: &'static [If],
    /// What the program is then.
    pub kind: Kind,
    /// The same in words.
    pub is: &'static str,
    /// The model that suits it.
    pub take: &'static str,
    /// The page to read, a file in this repository.
    pub page: &'static str,
    /// The example to start from, a folder in this repository.
    pub example: &'static str,
}

/// The first rule that holds decides.
pub const RULES: [Rule; 8] = [
    Rule {
        when: &[If::Isolate],
        kind: Kind::Isolated,
        is: "to be isolated",
        take: "processes",
        page: "guide/en/crash-isolation.md",
        example: "examples-processes/worker-pool",
    },
    Rule {
        when: &[If::ShorterThan(TOO_SHORT)],
        kind: Kind::TooShort,
        is: "too short to tell",
        take: "whatever is simplest, or give it more to do and ask again",
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
        when: &[If::ComputesAtLeast { percent: 80 }, If::FewerCoresThan(1.5)],
        kind: Kind::OneCore,
        is: "CPU-bound, on one core",
        take: "threads, with rayon",
        page: "guide/en/cpu-bound.md",
        example: "examples-threads/cpu-bound",
    },
    Rule {
        when: &[If::ComputesAtLeast { percent: 80 }],
        kind: Kind::ManyCores,
        is: "CPU-bound, on many cores already",
        take: "threads, with rayon",
        page: "guide/en/cpu-bound.md",
        example: "examples-threads/cpu-bound",
    },
    Rule {
        when: &[If::ComputesAtLeast { percent: 20 }],
        kind: Kind::Mixed,
        is: "mixed, it computes and it waits",
        take: "async, with the computing offloaded",
        page: "guide/en/cpu-work-in-async.md",
        example: "examples-async/to-thread",
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

/// What the words in rules and reports mean.
pub fn terms() -> [(&'static str, String); 5] {
    [
        (
            "computed",
            "at least one of its threads ran, or would have if it had had a \
             core. The share is of the time that it would take alone on the \
             machine."
                .to_owned(),
        ),
        (
            "wanted cores",
            "threads that ran or would have, but no more than there are \
             cores, on average while it computed."
                .to_owned(),
        ),
        (
            "waits",
            "how often a thread gave up its core to wait (voluntary context \
             switches). The average wait is the time of all its threads in \
             which they neither ran nor would have, divided by that. A thread \
             that waits for another one counts too."
                .to_owned(),
        ),
        (
            "many at once",
            format!(
                "more than 1/{LIMIT_PART} of the threads that the system \
                 allows, or than fit into 1/{MEMORY_PART} of the memory that \
                 is available, at {} KiB for each. Counted are the threads \
                 that were seen waiting at once. What one thread waits for, \
                 as an event loop does, cannot be seen from outside, and \
                 --at-once N says it.",
                THREAD_BYTES >> 10
            ),
        ),
        (
            "seen",
            "by a look at /proc each millisecond at first, then every 5 to 15. \
             Memory and the most of anything are what looks saw. Wall time, \
             CPU time and the number of waits are counted by the system, for \
             the command and all processes that it waited for."
                .to_owned(),
        ),
    ]
}

/// What suits a program, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Which rule it was.
    pub kind: Kind,
    /// What the program is.
    pub is: &'static str,
    /// The model that suits it.
    pub take: &'static str,
    /// Why, in a sentence or two.
    pub reason: String,
    /// The page to read, a file in this repository.
    pub page: &'static str,
    /// The example to start from, a folder in this repository.
    pub example: &'static str,
}

/// What suits a program that was measured so.
pub fn verdict(facts: &Measured, wishes: &Wishes, on: &Machine) -> Verdict {
    let rule = RULES
        .iter()
        .find(|rule| rule.when.iter().all(|it| it.holds(facts, wishes, on)))
        .expect("the last rule holds always");
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
    /// How many waits at once the verdict is about.
    fn waits_at_once(&self, facts: &Measured) -> Option<u64> {
        self.at_once.or(facts.most_waits_at_once)
    }
}

fn reason(
    kind: Kind,
    facts: &Measured,
    wishes: &Wishes,
    on: &Machine,
) -> String {
    let share = facts.computing_share.unwrap_or_default();
    let computed = format!("It computed {:.0} % of the time", share * 100.0);
    let wanted = facts.cores_wanted.unwrap_or_default();
    // If all of it can be divided, and nothing is lost by that.
    let gain = (f64::from(on.cores) / wanted.max(1.0)).max(1.0);
    let mut at_best = format!(
        "On all cores of this machine ({}) the computing would be at best \
         {gain:.1} times as fast.",
        on.cores
    );
    if wishes.at_once.is_some() {
        at_best += " It is the cores that count, not how many jobs there are.";
    }
    match kind {
        Kind::Isolated => "You gave --isolate. Only a process can crash, be \
            killed or be limited without the rest."
            .to_owned(),
        Kind::TooShort => {
            "Most of so short a run is the program's own start.".to_owned()
        }
        Kind::NotMeasured => "Of its computing nothing is known.".to_owned(),
        Kind::OneCore => format!("{computed}, on one core. {at_best}"),
        Kind::ManyCores => {
            format!("{computed}, then on {wanted:.1} cores. {at_best}")
        }
        Kind::Mixed => format!(
            "{computed}, and waited for the rest. Tasks wait at little cost, \
             while other threads compute."
        ),
        Kind::ManyWaits | Kind::FewWaits => {
            let waited = (1.0 - share) * 100.0;
            let waits = match (wishes.at_once, facts.most_waits_at_once) {
                (Some(n), _) => format!("Waits wanted at once, {n}."),
                (_, Some(n)) => format!("Waits seen at once, at most {n}."),
                _ => "How many waits at once is not known.".to_owned(),
            };
            let few = match on.few_waits() {
                Some(few) => format!(
                    "Threads are good for {few} here, {}.",
                    on.why_few()
                ),
                None => "How many threads are too many is not known here."
                    .to_owned(),
            };
            format!("It waited {waited:.0} % of the time. {waits} {few}")
        }
    }
}
