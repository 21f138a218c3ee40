//! What the threads of a run did: a timeline of states for each OS thread, and the cores in use.
//!
//! Both are sampled from outside the program, so they are correct to about one sampling interval,
//! which is 5 ms for a few threads, about 60 ms for 100 and 140 ms for 5,000. A thread that starts and ends between two
//! samples is not seen, but its CPU time is among the cores in use. Only Linux shows them.
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The threads of a run, over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The threads, in the order in which they appeared. The first is the program's main thread.
    pub threads: Vec<Thread>,
    /// How many more threads there were, as far as samples saw them.
    pub more: u64,
    /// The cores in use by all processes of the run together.
    pub cores: Cores,
}

/// One OS thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// The number of its process, from 0, in the order in which the processes appeared.
    pub process: usize,
    /// Its name, as the kernel knows it: at most 15 bytes. A main thread has the name of its
    /// process, and a thread without a name has that of the thread that started it.
    pub name: String,
    /// When it was first seen, in seconds since the start of the program, less the time that it
    /// had already computed and queued by then.
    pub from: f64,
    /// What it did from then on, without a gap.
    pub spans: Spans,
    /// Whether it was still there in the last sample of the run.
    pub at_end: bool,
}

/// The cores in use over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cores {
    /// The length of a step in seconds. 0 if there are no steps.
    pub step: f64,
    /// In each step from the start of the program, the CPU time of all threads, divided by the
    /// length of the step. The last step ends with the last sample, so it can be shorter. In a
    /// recording they are a text such as `0.19 0 1.5`.
    #[serde(with = "numbers")]
    pub used: Vec<f64>,
}

/// Numbers as a text, with spaces between them.
mod numbers {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        numbers: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let words: Vec<_> = numbers.iter().map(f64::to_string).collect();
        serializer.serialize_str(&words.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let number = |word: &str| match word.parse() {
            Ok(number) if f64::is_finite(number) && number >= 0.0 => Ok(number),
            _ => {
                Err(D::Error::custom(format!("{word}: not a number of cores")))
            }
        };
        String::deserialize(deserializer)?
            .split_whitespace()
            .map(number)
            .collect()
    }
}

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It runs on a core.
    Computing,
    /// It could run, but waits for a core.
    Ready,
    /// It waits for a lock or for another thread: blocked in `futex`.
    Lock,
    /// It sleeps: `nanosleep`, `clock_nanosleep`.
    Sleeping,
    /// It waits for input, output or events: `epoll_wait`, `poll`, `read`, `recv`, `accept` …
    Io,
    /// It waits for a child process: `wait4`, `waitid`.
    Child,
    /// It waits, and for what is not known.
    Waiting,
    /// A signal has stopped it.
    Stopped,
}

impl State {
    /// All states, in the order of a legend.
    pub const ALL: [Self; 8] = [
        Self::Computing,
        Self::Ready,
        Self::Lock,
        Self::Sleeping,
        Self::Io,
        Self::Child,
        Self::Waiting,
        Self::Stopped,
    ];

    /// The letter that stands for the state in a recording.
    pub fn letter(self) -> char {
        match self {
            Self::Computing => 'c',
            Self::Ready => 'r',
            Self::Lock => 'l',
            Self::Sleeping => 's',
            Self::Io => 'i',
            Self::Child => 'p',
            Self::Waiting => 'w',
            Self::Stopped => 't',
        }
    }
}

/// The states of a thread, one after the other. In a recording they are a text such as `c12.5 l300`:
/// a letter for the state, and how long it lasted in milliseconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Spans(pub Vec<Span>);

/// A state, and how long it lasted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The state.
    pub state: State,
    /// Its length in milliseconds.
    pub ms: f64,
}

impl Spans {
    /// Adds a state at the end. If the last one is the same, it becomes longer.
    pub fn push(&mut self, state: State, ms: f64) {
        match self.0.last_mut() {
            Some(last) if last.state == state => last.ms += ms,
            _ => self.0.push(Span { state, ms }),
        }
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Span { state, ms }) in self.0.iter().enumerate() {
            let space = if number == 0 { "" } else { " " };
            // To 0.1 ms, as all times of a recording.
            write!(
                f,
                "{space}{}{}",
                state.letter(),
                (ms * 10.0).round() / 10.0
            )?;
        }
        Ok(())
    }
}

impl FromStr for Spans {
    type Err = ParseSpansError;

    fn from_str(text: &str) -> Result<Self, ParseSpansError> {
        let span = |word: &str| {
            let mut letters = word.chars();
            let letter = letters.next();
            let state = State::ALL
                .into_iter()
                .find(|state| Some(state.letter()) == letter);
            let ms = letters
                .as_str()
                .parse()
                .ok()
                .filter(|ms: &f64| ms.is_finite() && *ms >= 0.0);
            match (state, ms) {
                (Some(state), Some(ms)) => Ok(Span { state, ms }),
                _ => Err(ParseSpansError(word.to_owned())),
            }
        };
        text.split_whitespace().map(span).collect::<Result<_, _>>().map(Self)
    }
}

/// A word that is no span: not the letter of a state, followed by a length in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseSpansError(String);

impl fmt::Display for ParseSpansError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: not the letter of a state and a length in milliseconds",
            self.0
        )
    }
}

impl std::error::Error for ParseSpansError {}

impl TryFrom<String> for Spans {
    type Error = ParseSpansError;

    fn try_from(text: String) -> Result<Self, ParseSpansError> {
        text.parse()
    }
}

impl From<Spans> for String {
    fn from(spans: Spans) -> Self {
        spans.to_string()
    }
}

/// Rounded to 0.1 ms: smaller differences are noise, and would make the files longer.
pub fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_short_text() {
        let mut spans = Spans::default();
        spans.push(State::Computing, 5.0);
        spans.push(State::Computing, 7.51);
        spans.push(State::Lock, 300.0);
        assert_eq!(spans.to_string(), "c12.5 l300");
        assert_eq!(
            spans.to_string().parse::<Spans>().unwrap().to_string(),
            "c12.5 l300"
        );
        for wrong in ["x5", "c", "c-1", "cNaN", "5"] {
            wrong.parse::<Spans>().unwrap_err();
        }
    }

    #[test]
    fn cores_in_use_are_a_short_text() {
        let cores = Cores { step: 0.5, used: vec![0.19, 0.0, 1.5] };
        let json = r#"{"step":0.5,"used":"0.19 0 1.5"}"#;
        assert_eq!(serde_json::to_string(&cores).unwrap(), json);
        assert_eq!(serde_json::from_str::<Cores>(json).unwrap(), cores);
        for wrong in ["x", "-1", "NaN", "inf"] {
            let json = json.replace("1.5", wrong);
            serde_json::from_str::<Cores>(&json).unwrap_err();
        }
    }
}
