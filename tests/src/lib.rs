//! The harness: runs an example as its page says, and compares what it prints with the snapshot
//! that the book shows.

pub mod browser;
pub mod fixture;
pub mod http;
pub mod pool;
#[cfg(unix)]
pub mod processes;

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use harness::costs::Costs;
use harness::examples::{Example, Workspace};
use harness::run::{self, Build, End, Limits, Line, Program, Running, Stream};
use harness::transcript::{Group, Order, Transcript};
use regex::Regex;

/// The longest that any child process may take before it is killed and its test fails.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The workspace under test.
pub static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Workspace::find(here).expect("cargo reads the workspace")
});

/// What a run printed, how it ended and what it cost.
#[derive(Debug)]
pub struct Output {
    /// The lines of both streams, as they came.
    pub lines: Vec<Line>,
    /// How it ended.
    pub end: End,
    /// What it cost.
    pub costs: Costs,
}

impl Output {
    /// The lines of one stream.
    pub fn of(&self, stream: Stream) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |line| line.stream == stream).map(|line| line.text.as_str())
    }

    /// The numbers that the first group of a pattern finds in the lines of stdout.
    pub fn numbers(&self, pattern: &str) -> Vec<u32> {
        let pattern = Regex::new(pattern).expect("the pattern is sound");
        self.of(Stream::Stdout).filter_map(|line| pattern.captures(line)?[1].parse().ok()).collect()
    }

    /// The program's exit code; none if a signal ended it. Fails if the time limit did.
    pub fn code(&self) -> Option<i32> {
        match self.end {
            End::Exited(status) => status.code(),
            End::PastLimit => panic!("killed at the time limit, having printed {:#?}", self.lines),
        }
    }
}

/// Builds an example as its command does, and gives the program to start.
pub fn build(name: &str) -> Program {
    match try_build(name) {
        (Build::Done(program), _) => program,
        (Build::Refused, lines) => panic!("{name} does not compile:\n{}", lines.join("\n")),
    }
}

/// Builds an example, and gives what the compiler printed beside what came of it.
pub fn try_build(name: &str) -> (Build, Vec<String>) {
    let mut lines = Vec::new();
    let build =
        runtime().block_on(run::build(&WORKSPACE, example(name), |line| lines.push(line.text)));
    (build.expect("cargo builds or refuses it"), lines)
}

/// Checks that the compiler refuses a broken twin with this one error, and that it says what the
/// snapshot says.
///
/// The snapshot leaves out what differs from machine to machine: where cargo keeps the sources of
/// other crates, and where rustc's own were built.
pub fn refused(name: &str, error: &str) {
    let elsewhere = Regex::new(r"--> /(?:\S*/)?(?:rustc/[0-9a-f]+|registry/src/[^/]+)/")
        .expect("the pattern is sound");
    let (build, lines) = try_build(name);
    assert!(matches!(build, Build::Refused), "{name} compiles");
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("error") && !line.starts_with("error: could not compile"))
        .collect();
    assert_eq!(errors, [error], "{lines:#?}");
    let message: Vec<_> = lines
        .iter()
        .skip_while(|line| !line.starts_with("error"))
        .take_while(|line| !line.starts_with("error: could not compile"))
        .flat_map(|line| line.lines())
        .map(|line| elsewhere.replace(line, "--> "))
        .collect();
    let text = message.join("\n  ");
    assert_snapshot(name, &format!("on stderr:\n  {}\n", text.trim_end()));
}

/// Builds a package of this workspace that is no example, and gives its program with these
/// arguments.
pub fn package(name: &str, arguments: &[&str]) -> Program {
    /// As long as an example may take to build.
    const BUILD: Duration = Duration::from_secs(600);

    let cargo = Program {
        executable: env!("CARGO").into(),
        arguments: ["build", "-p", name].map(Into::into).to_vec(),
        folder: WORKSPACE.root.clone(),
    };
    let built = run_within(&cargo, BUILD);
    assert_eq!(built.code(), Some(0), "{name} builds: {:#?}", built.lines);
    Program {
        executable: WORKSPACE.target.join("debug").join(name),
        arguments: arguments.iter().map(Into::into).collect(),
        folder: std::env::temp_dir(), // it finds its workspace from anywhere
    }
}

/// Runs a program to its end, or to [`LIMIT`].
pub fn run(program: &Program) -> Output {
    run_within(program, LIMIT)
}

fn run_within(program: &Program, time: Duration) -> Output {
    runtime().block_on(async {
        let limits = Limits { time, ..Limits::default() };
        let mut running = Running::start(program, limits).expect("the program starts");
        let mut lines = Vec::new();
        while let Some(line) = running.line().await {
            lines.push(line);
        }
        let (end, costs) = running.end().await.expect("the program ends");
        Output { lines, end, costs }
    })
}

/// The Python counterpart of an example, where it has one and the machine has Python.
pub fn python(name: &str) -> Option<Program> {
    let example = example(name);
    let program = runtime().block_on(run::python(&WORKSPACE, example));
    if example.python.is_some() && program.is_none() {
        skip("Python 3");
    }
    program
}

/// The example of this name.
pub fn example(name: &str) -> &'static Example {
    WORKSPACE.example(name).expect("the example exists")
}

/// A runtime for one run.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Whether a tool that some tests need is there. Where it is not, the test is skipped aloud on a
/// reader's machine, and fails in CI.
pub fn has(tool: &Path) -> bool {
    let found = is_there(tool);
    if !found {
        skip(&tool.display().to_string());
    }
    found
}

/// Whether a tool can be run.
pub fn is_there(tool: &Path) -> bool {
    std::process::Command::new(tool)
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Says aloud that the test is skipped for want of a tool; fails in CI.
pub fn skip(tool: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI must have {tool}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    // Not eprintln!, which the test runner keeps to itself when a test passes.
    writeln!(std::io::stderr(), "SKIPPED, no {tool}: {test}").ok();
}

/// The check of an example's output against its snapshot, and of its Python counterpart's.
///
/// By default all lines are on stdout and in a fixed order.
#[must_use = "only `check` runs the example"]
pub struct Check {
    name: &'static str,
    phases: Vec<(Order, Regex)>,
    masks: Vec<(Regex, &'static str)>,
    python_differs: bool,
}

/// Begins the check of the example of this name.
pub fn check(name: &'static str) -> Check {
    Check { name, phases: Vec::new(), masks: Vec::new(), python_differs: false }
}

impl Check {
    /// The next lines that match stand in any order. A line that matches but comes too early or
    /// too late does not belong to them.
    pub fn any_order(self, pattern: &str) -> Self {
        self.phase(Order::Free, pattern)
    }

    /// The next lines that match are one line, printed any number of times.
    pub fn repeated(self, pattern: &str) -> Self {
        self.phase(Order::Repeated, pattern)
    }

    /// The next lines that match stand in this order. Lines that no phase matches do too.
    pub fn in_order(self, pattern: &str) -> Self {
        self.phase(Order::Fixed, pattern)
    }

    fn phase(mut self, order: Order, pattern: &str) -> Self {
        self.phases.push((order, Regex::new(pattern).expect("the pattern is sound")));
        self
    }

    /// What matches differs from run to run, and is shown as this text.
    pub fn mask(mut self, pattern: &str, name: &'static str) -> Self {
        self.masks.push((Regex::new(pattern).expect("the pattern is sound"), name));
        self
    }

    /// The Python counterpart prints something else, and has a snapshot of its own.
    pub fn python_differs(mut self) -> Self {
        self.python_differs = true;
        self
    }

    /// Runs the example and its counterpart, compares both, and gives what the example printed.
    pub fn check(self) -> Output {
        let python = python(self.name).map(|program| std::thread::spawn(move || run(&program)));

        let output = run(&build(self.name));
        assert_eq!(output.code(), Some(0), "{}: {:#?}", self.name, output.lines);
        let transcript = self.transcript(&output).to_string();
        assert_snapshot(self.name, &transcript);

        if let Some(python) = python {
            let python = python.join().expect("Python runs");
            assert_eq!(python.code(), Some(0), "{}.py: {:#?}", self.name, python.lines);
            let theirs = self.transcript(&python).to_string();
            if self.python_differs {
                assert_snapshot(&format!("{}.py", self.name), &theirs);
            } else {
                assert_eq!(theirs, transcript, "{}.py prints something else", self.name);
            }
        }
        output
    }

    fn transcript(&self, output: &Output) -> Transcript {
        let masked = |stream| {
            output.of(stream).map(|line| {
                let mask = |text: String, (pattern, name): &(Regex, &str)| {
                    pattern.replace_all(&text, *name).into_owned()
                };
                self.masks.iter().fold(line.to_owned(), mask)
            })
        };

        let mut groups: Vec<Group> = Vec::new();
        let mut lines = masked(Stream::Stdout).peekable();
        for (order, pattern) in &self.phases {
            let mut phase: Vec<_> =
                std::iter::from_fn(|| lines.next_if(|line| pattern.is_match(line))).collect();
            match order {
                Order::Free => phase.sort(),
                Order::Repeated => phase.dedup(),
                Order::Fixed | Order::Stderr => {}
            }
            groups.push(Group { order: *order, lines: phase });
        }
        groups.push(Group { order: Order::Fixed, lines: lines.collect() });
        groups.push(Group { order: Order::Stderr, lines: masked(Stream::Stderr).collect() });
        groups.retain(|group| !group.lines.is_empty());
        Transcript { groups }
    }
}

/// Compares a text with `tests/snapshots/NAME.snap`.
pub fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
