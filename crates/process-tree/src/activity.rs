//! The threads of a run over time: a timeline of states for each OS thread,
//! and the cores in use.
//!
//! Both are sampled from outside the program, so they are correct to about
//! one sampling interval, which is 5 ms for a few threads, about 60 ms for
//! 100 and 140 ms for 5,000. A thread that starts and ends between two
//! snapshots is not seen, but its CPU time is among the cores in use. Only
//! Linux shows them.
//!
//! The types can be serialized. They are the format of files that are kept,
//! so a new field is a new format.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The threads of a run, over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The threads, in the order in which they appeared. The first is the
    /// program's main thread.
    pub threads: Vec<Thread>,
    /// The number of further threads, as far as snapshots saw them.
    pub more: u64,
    /// The cores in use by all processes of the run together.
    pub cores: Cores,
}

/// One OS thread over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// The number of its process, from 0, in the order in which the
    /// processes appeared.
    pub process: usize,
    /// Its name, as the kernel knows it: at most 15 bytes. A main thread
    /// has the name of its process, and a thread without a name has that of
    /// the thread that started it.
    pub name: String,
    /// The time at which it was first seen, minus the time that it had
    /// already computed and queued by then, in seconds since the start of
    /// the program.
    pub from: f64,
    /// Its states from then on, without a gap.
    pub spans: Spans,
    /// True if it still existed in the last snapshot of the run.
    pub at_end: bool,
}

/// The cores in use over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cores {
    /// The length of a step in seconds. 0 if there are no steps.
    pub step: f64,
    /// The CPU time of all threads in each step from the start of the
    /// program, divided by the length of the step. The last step ends with
    /// the last snapshot, so it can be shorter. In a recording they are a text
    /// such as `0.19 0 1.5`.
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
            Ok(number) if f64::is_finite(number) && number >= 0.0 => {
                Ok(number)
            }
            _ => Err(D::Error::custom(format!(
                "{word}: not a number of cores"
            ))),
        };
        String::deserialize(deserializer)?
            .split_whitespace()
            .map(number)
            .collect()
    }
}

/// The activity of a thread at one time: computing, or a reason to wait.
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
    /// It waits for input, output or events: `epoll_wait`, `poll`, `read`,
    /// `recv`, `accept` …
    Io,
    /// It waits for a child process: `wait4`, `waitid`.
    Child,
    /// It waits for an unknown reason.
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

    /// Returns the letter that stands for the state in a [`Spans`] text.
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

/// The states of a thread, one after the other. Serialized, they are a text
/// such as `c12.5 l300`: a letter for each state, and its length in
/// milliseconds.
///
/// ```
/// use process_tree::activity::{Spans, State};
///
/// let mut spans: Spans = "c12.5 l300".parse().unwrap();
/// assert_eq!(spans.0[1].state, State::Lock);
/// spans.push(State::Lock, 20.0);
/// assert_eq!(spans.to_string(), "c12.5 l320");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Spans(pub Vec<Span>);

/// A state, and its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The state.
    pub state: State,
    /// Its length in milliseconds.
    pub ms: f64,
}

impl Spans {
    /// Adds a state at the end. If the last state is the same, its span
    /// becomes longer.
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
            // To 0.1 ms, as in `seconds`.
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
        text.split_whitespace()
            .map(span)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// An error for a word that is not the letter of a state, followed by a
/// length in milliseconds.
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

/// Converts a time to seconds, rounded to 0.1 ms. Smaller differences are
/// noise, and would make files longer.
///
/// ```
/// let time = std::time::Duration::from_micros(1_234_567);
/// assert_eq!(process_tree::activity::seconds(time), 1.2346);
/// ```
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
