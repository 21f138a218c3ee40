//! The report that `choose` ends with, for people and for programs.

use std::ffi::OsString;
use std::fmt;
use std::process::ExitStatus;

use serde::Serialize;

use crate::machine::Machine;
use crate::measure::{ENOUGH_SAMPLES, Measurement};
use crate::pass::exit_code;
use crate::rules::{Verdict, Wishes, verdict};

/// The report of one run. `--json` prints its fields, with those of
/// [`Measurement`] among them; a figure that is not known is null.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The exit code of `choose`: see [`exit_code`].
    pub exit_code: u8,
    /// The end of the command, in words. `None` if it succeeded.
    pub failure: Option<String>,
    /// The figures of the run.
    #[serde(flatten)]
    pub measurement: Measurement,
    /// The machine that it was measured on.
    pub machine: &'a Machine,
    /// The user's wishes.
    pub wishes: Wishes,
    /// The model that suits it, and why.
    pub verdict: Verdict,
}

impl<'a> Report<'a> {
    /// Writes the report, with the verdict.
    ///
    /// ```
    /// use choose::machine::Machine;
    /// use choose::measure::Measurement;
    /// use choose::report::Report;
    /// use choose::rules::Wishes;
    ///
    /// let run = Measurement { wall_seconds: 0.01, ..Default::default() };
    /// let (status, wishes) = (Default::default(), Wishes::default());
    /// let machine = Machine::this();
    /// let command = ["true".into()];
    /// let report = Report::new(&command, status, run, wishes, &machine);
    /// assert!(report.to_string().contains("too short to tell"));
    /// ```
    pub fn new(
        command: &[OsString],
        status: ExitStatus,
        measurement: Measurement,
        wishes: Wishes,
        machine: &'a Machine,
    ) -> Self {
        let words =
            command.iter().map(|it| it.to_string_lossy().into_owned());
        Self {
            command: words.collect(),
            exit_code: exit_code(status),
            failure: (!status.success()).then(|| status.to_string()),
            verdict: verdict(&measurement, &wishes, machine),
            measurement,
            machine,
            wishes,
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.measurement;
        let cpu = it.cpu_seconds.zip(it.cores_used).map(|(cpu, used)| {
            let cores = self.machine.cores;
            format!("{}, {used:.2} of {cores} cores on average", time(cpu))
        });
        let computed = it.computing_share.map(|share| {
            let percent = format!("{:.0} % of the time", share * 100.0);
            match it.cores_wanted.filter(|_| share >= 0.01) {
                Some(cores) => {
                    format!("{percent}, then on {cores:.1} cores")
                }
                None => percent,
            }
        });
        let slowed = it.slowed_down_times.map(|n| match n {
            ..1.05 => "not noticeably".to_owned(),
            _ => format!("{n:.1} times, by other programs"),
        });
        let waited = it.waits.map(|waits| match it.average_wait_seconds {
            Some(each) => {
                format!("{}, {} on average", times(waits), time(each))
            }
            None => times(waits),
        });
        let mebibytes = |bytes| bytes as f64 / f64::from(1 << 20);
        let memory = it.peak_memory_bytes.map(mebibytes);
        let max =
            |n: Option<u64>| n.map(|n| format!("at most {n} at once"));
        let rows = [
            ("wall time", Some(time(it.wall_seconds))),
            ("CPU time", cpu),
            ("computed", computed),
            ("slowed down", slowed),
            ("waited", waited),
            ("memory", memory.map(|mib| format!("at most {mib:.1} MiB"))),
            ("threads", max(it.max_threads)),
            ("processes", max(it.max_processes)),
        ];

        let mut row =
            |name: &str, text: &str| writeln!(f, "  {name:<12}{text}");
        row("command", &one_line(&self.command.join(" ")))?;
        if let Some(failure) = &self.failure {
            row("ended with", failure)?;
        }
        for (name, text) in &rows {
            if let Some(text) = text {
                row(name, text)?;
            }
        }
        let unknown = rows.iter().filter(|(_, text)| text.is_none());
        let unknown: Vec<_> = unknown.map(|(name, _)| *name).collect();
        if !unknown.is_empty() {
            row("not known", &unknown.join(", "))?;
        }
        if let Some(n) = it.samples.filter(|n| *n < ENOUGH_SAMPLES) {
            let text =
                format!("only {n}, short-lived threads may be missing");
            row("samples", &text)?;
        }
        if let Some(left) =
            it.left_running.as_ref().filter(|it| !it.is_empty())
        {
            let ids: Vec<_> = left.iter().map(i32::to_string).collect();
            let (n, ids) = (left.len(), ids.join(", "));
            let still = format!(
                "{n} of its processes ({ids}), not counted further"
            );
            row("still run", &still)?;
        }

        let verdict = &self.verdict;
        row("verdict", &format!("{} → {}", verdict.is, verdict.take))?;
        let mut name = "because";
        for sentence in verdict.reason.split_inclusive(". ") {
            row(name, sentence.trim_end())?;
            name = "";
        }
        row("read", verdict.page)?;
        row("start from", verdict.example)
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        0.001.. => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.0} µs", seconds * 1e6),
    }
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

/// Returns the first line of a text, or the beginning of it.
fn one_line(text: &str) -> String {
    const MAX: usize = 60;
    let line: String =
        text.chars().take_while(|c| !c.is_control()).take(MAX).collect();
    if line.len() < text.len() { line + " …" } else { line }
}
