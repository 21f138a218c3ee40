//! Builds an example as its command does: `cargo run` is `cargo build` followed by starting the
//! executable. Here these are two steps, so that only the program itself is measured.
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};

use crate::examples::{Example, Workspace};
use crate::run::{End, Limits, Program, Running, Stream};

/// The default time limit of a build.
pub const BUILD_LIMIT: Duration = Duration::from_secs(600);

/// The result of building an example.
#[derive(Debug, Clone)]
pub enum Build {
    /// It can be started.
    Done(Program),
    /// The compiler rejected the source.
    Refused,
}

/// Builds an example within [`BUILD_LIMIT`]. Each line that cargo and the compiler write for people
/// goes to `on_line`.
///
/// # Errors
///
/// Those of [`Building::start`] and [`Building::end`].
pub async fn build(
    workspace: &Workspace,
    example: &Example,
    mut on_line: impl FnMut(String),
) -> Result<Build> {
    let mut building = Building::start(workspace, example, BUILD_LIMIT)?;
    while let Some(line) = building.line().await {
        on_line(line);
    }
    building.end().await
}

/// A build that runs. Dropping it kills cargo with everything that it has started.
#[derive(Debug)]
pub struct Building {
    cargo: Running,
    limit: Duration,
    /// The example's program without its executable.
    program: Program,
    report: Report,
}

impl Building {
    /// Starts building an example. After the time limit, cargo is killed.
    ///
    /// # Errors
    ///
    /// When cargo cannot be started.
    pub fn start(workspace: &Workspace, example: &Example, limit: Duration) -> Result<Self> {
        let mut arguments: Vec<OsString> = vec!["build".into()];
        let options = example.command.iter().skip(2).take_while(|word| *word != "--");
        arguments.extend(options.map(OsString::from));
        arguments.push("--message-format=json".into());
        let cargo = Program {
            // Set by cargo when this program is run by cargo: then it is the same one.
            executable: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            arguments,
            folder: workspace.root.clone(),
        };
        let output = 64 << 20; // also in one line, because a message is one line
        let limits = Limits { time: limit, line: output, output, lines: usize::MAX };
        Ok(Self {
            cargo: Running::start_unwatched(&cargo, limits)?,
            limit,
            program: Program {
                executable: PathBuf::new(),
                arguments: example.arguments().iter().map(OsString::from).collect(),
                folder: workspace.root.clone(),
            },
            report: Report { name: example.program.clone(), ..Report::default() },
        })
    }

    /// The id of cargo's process, which is also the id of its process group.
    pub fn id(&self) -> u32 {
        self.cargo.id()
    }

    /// Waits until no process of the build runs any more, also if this handle has been dropped.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        self.cargo.ended()
    }

    /// Returns the next line that cargo or the compiler writes for people, or None at the end. Cancel
    /// safe.
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.report.lines.pop_front() {
                return Some(line);
            }
            let line = self.cargo.line().await?;
            match line.stream {
                Stream::Stdout => self.report.read_message(&line.text),
                Stream::Stderr => self.report.read_line(line.text),
            }
        }
    }

    /// Waits for the end of the build.
    ///
    /// # Errors
    ///
    /// When cargo reaches the time limit, fails for another reason than an error in the source, or
    /// built no executable.
    pub async fn end(mut self) -> Result<Build> {
        while self.line().await.is_some() {}
        let Self { cargo, limit, program, report } = self;
        let status = match cargo.end().await?.0 {
            End::Exited(status) => status,
            End::PastLimit => bail!("the build was stopped at its time limit of {limit:?}"),
        };
        if !status.success() {
            if report.has_error_in_source {
                return Ok(Build::Refused);
            }
            bail!("cargo could not build it ({status}): {}", report.reason.join(" "));
        }
        let executable = report.executable;
        let executable =
            executable.with_context(|| format!("cargo built no program {}", report.name))?;
        // Paths below the workspace's root have been made relative to it.
        let executable = program.folder.join(executable);
        Ok(Build::Done(Program { executable, ..program }))
    }
}

/// The output of cargo: lines for people on stderr, and on stdout messages, some of which contain
/// the lines of the compiler.
#[derive(Debug, Default)]
struct Report {
    /// The name of the program that is built.
    name: String,
    executable: Option<Utf8PathBuf>,
    /// True if an error of the compiler points at a part of the source. Cargo's exit status is the
    /// same for such an error and for a full disk.
    has_error_in_source: bool,
    /// The first lines for people, beginning with the first error.
    reason: Vec<String>,
    /// The lines for people that have not been returned yet.
    lines: VecDeque<String>,
}

impl Report {
    fn read_message(&mut self, json: &str) {
        match serde_json::from_str(json) {
            Ok(Message::CompilerMessage(message)) => {
                let Diagnostic { message, level, spans, rendered, .. } = message.message;
                self.has_error_in_source |= level == DiagnosticLevel::Error && !spans.is_empty();
                rendered
                    .unwrap_or(message)
                    .lines()
                    .for_each(|line| self.read_line(line.to_owned()));
            }
            Ok(Message::CompilerArtifact(artifact)) if artifact.target.name == self.name => {
                self.executable = artifact.executable.or_else(|| self.executable.take());
            }
            _ => {}
        }
    }

    fn read_line(&mut self, line: String) {
        const MAX_LINES: usize = 12;
        let is_reason = line.starts_with("error") || !self.reason.is_empty();
        if is_reason && self.reason.len() < MAX_LINES && !line.trim().is_empty() {
            self.reason.push(line.trim().to_owned());
        }
        self.lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The report after a message of the compiler that points at this many parts of the source.
    fn after(level: &str, spans: usize, rendered: &str) -> Report {
        let span = json!({
            "file_name": "src/main.rs", "byte_start": 0, "byte_end": 1, "line_start": 1,
            "line_end": 1, "column_start": 1, "column_end": 2, "is_primary": true, "text": [],
            "label": null, "suggested_replacement": null, "expansion": null,
        });
        let message = json!({
            "reason": "compiler-message",
            "package_id": "path+file:///x/one#0.1.0",
            "target": {
                "kind": ["bin"], "crate_types": ["bin"], "name": "one",
                "src_path": "/x/one/src/main.rs", "edition": "2024",
            },
            "message": {
                "message": "", "code": null, "level": level, "spans": vec![span; spans],
                "children": [], "rendered": rendered,
            },
        });
        let mut report = Report::default();
        report.read_message(&message.to_string());
        report.read_line("error: could not compile `one` (bin \"one\")".to_owned());
        report
    }

    #[test]
    fn only_an_error_that_points_at_the_source_is_the_compilers() {
        let warning = after("warning", 1, "warning: unused variable\n --> src/main.rs:1:1\n\n");
        assert!(!warning.has_error_in_source);
        assert_eq!(warning.lines.len(), 4, "{:?}", warning.lines);
        assert!(after("error", 1, "error[E0499]: no\n --> src/main.rs:1:1\n").has_error_in_source);
        let full = after("error", 0, "error: failed to write /x: No space left on device\n\n");
        assert!(!full.has_error_in_source);
        assert!(full.reason[0].contains("No space left"), "{:?}", full.reason);
        assert_eq!(full.reason.len(), 2, "{:?}", full.reason);
    }
}
