//! The words of a picture, in one table per language.
use process_tree::activity::State;

use crate::facts::{Bars, Fact, Wait};
use crate::threads::{Name, Role};

/// The words of one language. A table has all of them, so a new word breaks
/// every table on purpose.
#[derive(Debug)]
pub struct Words {
    /// The language, as in HTML: `en`.
    pub language: &'static str,
    /// The title of a picture.
    pub timeline: &'static str,
    /// The lane of the output that names no worker.
    pub output: &'static str,
    /// The lane of the lines on stderr.
    pub stderr: &'static str,
    /// A bar: its start and its end, if it ended.
    pub from_to: fn(&str, Option<&str>) -> String,
    /// The name of a thread's lane.
    pub thread: fn(&Name<'_>) -> String,
    /// The heading of the lanes of threads.
    pub os_threads: &'static str,
    /// A number of further threads, below the last lane.
    pub more_threads: fn(u64) -> String,
    /// The name of the strip that shows the cores in use.
    pub cores_in_use: &'static str,
    /// The cores of the machine, at a line of that strip.
    pub cores: fn(u64) -> String,
    /// The state of a thread.
    pub state: fn(State) -> &'static str,
    /// A bar, in the legend.
    pub bar: &'static str,
    /// A line of output, in the legend.
    pub mark: &'static str,
    /// Several states in turn, in the legend.
    pub mix: &'static str,
    /// A sentence about what a picture shows.
    pub fact: fn(&Fact<'_>) -> String,
    /// The summary of the table of lines.
    pub lines_and_times: &'static str,
    /// A mark of a line on stderr, in that table.
    pub on_stderr: &'static str,
    /// The words of the replay.
    pub replay: Replay,
}

/// The words of the replay of a run. Its script fills in the names in braces.
#[derive(Debug)]
pub struct Replay {
    /// The controls for a screen reader, with `{example}`.
    pub label: &'static str,
    /// The button that starts it.
    pub play: &'static str,
    /// The button that pauses it.
    pub pause: &'static str,
    /// The slider for a screen reader.
    pub position: &'static str,
    /// The slider's value, with `{at}` and `{end}`.
    pub at: &'static str,
    /// The button that goes to the line of output before.
    pub previous: &'static str,
    /// The button that goes to the next line of output.
    pub next: &'static str,
    /// The choice of the speed.
    pub speed: &'static str,
    /// The speed of the run itself.
    pub real: &'static str,
    /// A slower speed, with `{factor}`.
    pub slower: &'static str,
    /// The heading of the output, with `{language}`.
    pub output: &'static str,
    /// A text in place of the output before its first line.
    pub no_output: &'static str,
}

/// English.
pub const ENGLISH: Words = Words {
    language: "en",
    timeline: "Timeline",
    output: "output",
    stderr: "stderr",
    from_to: |from, to| match to {
        Some(to) => format!("from {from} to {to}"),
        None => format!("from {from}, never finished"),
    },
    thread: |Name { process, role }| {
        let process = process
            .map(|(number, name)| format!("process {number} ({name})"));
        let role = role.as_ref().map(|role| match role {
            Role::Main => "main thread".to_owned(),
            Role::Numbered(number) => format!("thread {number}"),
            Role::Named(name, None) => (*name).to_owned(),
            Role::Named(name, Some(number)) => format!("{name} {number}"),
        });
        [process, role].into_iter().flatten().collect::<Vec<_>>().join(", ")
    },
    os_threads: "OS threads:",
    more_threads: |threads| {
        format!("and {}", count(threads, "more thread"))
    },
    cores_in_use: "cores in use",
    cores: |cores| count(cores, "core"),
    state: |state| match state {
        State::Computing => "computing",
        State::Ready => "ready, but no core is free",
        State::Lock => "waiting for a lock or another thread",
        State::Sleeping => "sleeping",
        State::Io => "waiting for I/O or events",
        State::Child => "waiting for a child process",
        State::Waiting => "waiting",
        State::Stopped => "stopped",
    },
    bar: "from “starting” to “finished” in the output",
    mark: "a line of output",
    mix: "states that change quickly: the height is a state's share of the time",
    fact,
    lines_and_times: "Each line with its time",
    on_stderr: "on stderr",
    replay: Replay {
        label: "Replay of {example}",
        play: "Play",
        pause: "Pause",
        position: "Position in the run",
        at: "{at} of {end}",
        previous: "Previous line",
        next: "Next line",
        speed: "Speed",
        real: "real",
        slower: "{factor} times slower",
        output: "Output up to this position, {language}",
        no_output: "no output yet",
    },
};

/// A state as a verb, in English.
fn did(state: State) -> &'static str {
    match state {
        State::Computing => "computed",
        State::Ready => "stayed ready without a core",
        State::Lock => "waited for a lock or another thread",
        State::Sleeping => "slept",
        State::Io => "waited for I/O or events",
        State::Child => "waited for a child process",
        State::Waiting => "waited",
        State::Stopped => "stayed stopped",
    }
}

/// Threads in an English sentence: up to two by name, more as a number.
fn threads(names: &[Name<'_>]) -> String {
    let name = |Name { process, role }: &Name<'_>| {
        let role = role.as_ref().map(|role| match role {
            Role::Main => "the main thread".to_owned(),
            Role::Numbered(number) => format!("thread {number}"),
            Role::Named(name, None) => format!("the thread {name}"),
            Role::Named(name, Some(number)) => {
                format!("the thread {name} {number}")
            }
        });
        match (role, process.map(|(number, _)| format!("process {number}")))
        {
            (Some(role), Some(process)) => format!("{role} of {process}"),
            (role, process) => role.or(process).unwrap_or_default(),
        }
    };
    match names {
        [one] => name(one),
        [one, other] => format!("{} and {}", name(one), name(other)),
        more => format!("{} threads", more.len()),
    }
}

/// A fact in English.
fn fact(fact: &Fact<'_>) -> String {
    let wait = |wait: &Wait<'_>| {
        format!("{} {}", threads(&wait.names), did(wait.state))
    };
    let meanwhile = |main: &Option<Wait<'_>>| match main {
        Some(main) => format!(", while {}", wait(main)),
        None => String::new(),
    };
    let text = match fact {
        Fact::Bars(facts) => bars(facts),
        Fact::Alone { name, time, main } => {
            let text = match name {
                Some(name) => {
                    let name = threads(std::slice::from_ref(name));
                    format!("{name} computed alone for about {time:.2} s")
                }
                None => format!(
                    "one thread at a time computed, for about {time:.2} s"
                ),
            };
            text + &meanwhile(main)
        }
        Fact::Together { threads, time, main } => format!(
            "{threads} threads computed at the same time for about \
             {time:.2} s{}",
            meanwhile(main)
        ),
        Fact::Contention { threads, time, computed } => format!(
            "{threads} threads wanted to compute at the same time for about \
             {time:.2} s, but there were not enough free cores: together they \
             got {computed:.2} s on a core"
        ),
        Fact::Turns { threads, time, cores } => format!(
            "{threads} threads took turns for about {time:.2} s: together \
             they used {cores:.1} cores"
        ),
        Fact::Waited(waited) => {
            format!("{} most of the time", wait(waited))
        }
        Fact::UntilEnd { names, from, all } => {
            let from = match from {
                ..0.005 => "from the start".to_owned(),
                from => format!("from {from:.2} s"),
            };
            let is_all = *all && names.len() > 2;
            let (names, did) = (threads(names), did(State::Lock));
            match is_all {
                true => format!("{from} until the end, all {names} {did}"),
                false => format!("{names} {did} {from} until the end"),
            }
        }
    };
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).chain(['.']).collect()
}

/// The bars in English.
fn bars(bars: &Bars) -> String {
    let Bars { kind, lanes, at_once, from, to, unfinished, .. } = bars;
    let many = match kind {
        Some(kind) => count(*lanes, kind),
        None => format!("{lanes} parts of the program"),
    };
    let were = if *lanes == 1 { "was" } else { "were" };
    let how = match at_once {
        _ if *lanes == 1 => String::new(),
        1 => " one after the other".to_owned(),
        _ if at_once < lanes => {
            format!(", at most {at_once} of them at the same time")
        }
        _ if bars.throughout => " at the same time".to_owned(),
        _ => ", some of the time all of them at once".to_owned(),
    };
    let open = match unfinished {
        0 => String::new(),
        open => format!(". {open} of them never finished"),
    };
    format!(
        "{many} {were} in progress{how}, from {from:.2} s to {to:.2} s{open}"
    )
}

/// A number of things in English: `1 process`, `2 processes`.
pub fn count(number: u64, noun: &str) -> String {
    // A task named `Python A` in the output.
    let noun = if noun == "python" { "Python task" } else { noun };
    match number {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{number} {noun}es"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plural_has_its_ending() {
        assert_eq!(count(1, "process"), "1 process");
        assert_eq!(count(2, "process"), "2 processes");
        assert_eq!(count(0, "worker"), "0 workers");
        assert_eq!(count(2, "python"), "2 Python tasks");
    }

    #[test]
    fn a_fact_is_a_sentence() {
        let thread = |role| Name { process: None, role: Some(role) };
        let (main, pool) =
            (thread(Role::Main), thread(Role::Named("pool", Some(2))));
        let process = Name { process: Some((2, "cat")), role: None };
        let bars = |lanes, at_once, unfinished| {
            Fact::Bars(Bars {
                kind: (lanes != 2).then(|| "task".to_owned()),
                lanes,
                at_once,
                throughout: unfinished == 0,
                from: 0.0,
                to: 2.0,
                unfinished,
            })
        };
        let alone = Fact::Alone {
            name: Some(pool.clone()),
            time: 1.2,
            main: Some(Wait {
                names: vec![main.clone()],
                state: State::Io,
            }),
        };
        let end = |names, all| Fact::UntilEnd { names, from: 0.01, all };
        let cases = [
            (
                bars(3, 3, 0),
                "3 tasks were in progress at the same time, from 0.00 s to 2.00 s.",
            ),
            (
                bars(1, 1, 0),
                "1 task was in progress, from 0.00 s to 2.00 s.",
            ),
            (
                bars(2, 2, 1),
                "2 parts of the program were in progress, some of the time all of them at once, from \
                 0.00 s to 2.00 s. 1 of them never finished.",
            ),
            (
                bars(3, 2, 1),
                "3 tasks were in progress, at most 2 of them at the same time, from 0.00 s to 2.00 s. \
                 1 of them never finished.",
            ),
            (
                alone,
                "The thread pool 2 computed alone for about 1.20 s, while the main thread waited for \
                 I/O or events.",
            ),
            (
                Fact::Together { threads: 2, time: 0.34, main: None },
                "2 threads computed at the same time for about 0.34 s.",
            ),
            (
                Fact::Turns { threads: 2, time: 1.4, cores: 1.0 },
                "2 threads took turns for about 1.40 s: together they used 1.0 cores.",
            ),
            (
                Fact::Waited(Wait {
                    names: vec![main.clone(), process],
                    state: State::Child,
                }),
                "The main thread and process 2 waited for a child process most of the time.",
            ),
            (
                end(vec![main.clone(), pool.clone(), pool.clone()], true),
                "From 0.01 s until the end, all 3 threads waited for a lock or another thread.",
            ),
            (
                Fact::UntilEnd {
                    names: vec![main.clone()],
                    from: 0.001,
                    all: false,
                },
                "The main thread waited for a lock or another thread from the start until the end.",
            ),
            (
                end(vec![main], false),
                "The main thread waited for a lock or another thread from 0.01 s until the end.",
            ),
        ];
        for (fact, sentence) in cases {
            assert_eq!((ENGLISH.fact)(&fact), sentence);
        }
    }
}
