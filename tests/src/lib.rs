//! What the tests share: running an example as its page says, and comparing its output with the
//! snapshot that the book shows.

pub mod browser;
pub mod fixture;

use std::collections::BTreeMap;
use std::env::consts::EXE_SUFFIX;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, Weak};
use std::time::Duration;

use guide::book::{self, For};
use harness::examples::{Example, Kind, Workspace};
use harness::kept::recording::Recording;
use harness::kept::transcript::{Group, Order, Transcript};
use harness::run::costs::Costs;
use harness::run::machine;
use harness::run::{self, Build, End, Limits, Line, Program, Running, Stream};
use regex::Regex;
use tempfile::TempDir;
#[cfg(unix)]
pub use testbed::processes;
pub use testbed::{LIMIT, has, http, is_there, skip};

/// The workspace under test.
pub static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| {
    #[cfg(target_os = "linux")]
    testbed::processes::stop_ignoring_signals();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Workspace::find(here).expect("cargo reads the workspace")
});

/// The book for every reader. Tests that run at the same time share one folder. The last of them
/// removes it.
pub fn book() -> Arc<TempDir> {
    static BOOK: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());

    let mut book = BOOK.lock().unwrap();
    book.upgrade().unwrap_or_else(|| {
        let folder = Arc::new(tempfile::tempdir().expect("a folder can be made"));
        book::build(&WORKSPACE, folder.path(), For::Everyone, None).expect("the book can be built");
        *book = Arc::downgrade(&folder);
        folder
    })
}

/// What a run printed, how it ended and what it cost.
#[derive(Debug)]
pub struct Output {
    /// The lines of both streams, in the order in which they were printed.
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

    /// The numbers that the first group of a pattern matches in the lines of stdout.
    pub fn numbers(&self, pattern: &str) -> Vec<u32> {
        let pattern = Regex::new(pattern).expect("the pattern is valid");
        self.of(Stream::Stdout).filter_map(|line| pattern.captures(line)?[1].parse().ok()).collect()
    }

    /// The program's exit code. None if a signal ended the program. Panics if it was killed at its
    /// time limit.
    pub fn code(&self) -> Option<i32> {
        match self.end {
            End::Exited(status) => status.code(),
            End::PastLimit => panic!("killed at the time limit; it printed {:#?}", self.lines),
        }
    }
}

/// Builds an example, and returns the program. It is the one that the example's command runs, except that
/// programs in `crates` are built as by [`package`].
pub fn build(name: &str) -> Program {
    match try_build(name) {
        (Build::Done(program), _) => program,
        (Build::Refused, lines) => panic!("{name} does not compile:\n{}", lines.join("\n")),
    }
}

/// From now on, examples with the same dependencies are built by one command although only some of the
/// tests run. For a test that runs every example.
pub fn build_together() {
    TOGETHER.store(true, Ordering::Relaxed);
}

static TOGETHER: AtomicBool = AtomicBool::new(false);

/// Builds an example, and returns the result and the lines that cargo and the compiler printed.
pub fn try_build(name: &str) -> (Build, Vec<String>) {
    static BUILT: Once<(Build, Vec<String>)> = Once::new();

    BUILT.get_or_init(name, || {
        let example = example(name);
        if example.folder.starts_with("crates/") {
            // Also if its command says --release: almost all of its dependencies are compiled already,
            // but not for release.
            let program = package(&example.program, &[]);
            let arguments = example.arguments().iter().map(Into::into).collect();
            let folder = WORKSPACE.root.clone();
            return (Build::Done(Program { arguments, folder, ..program }), Vec::new());
        }
        if let Some(program) = build_with_its_likes(example) {
            return (Build::Done(program), Vec::new());
        }
        let mut lines = Vec::new();
        let build = runtime().block_on(run::build(&WORKSPACE, example, |line| lines.push(line)));
        (build.expect("cargo accepts or rejects it"), lines)
    })
}

/// Builds an example by one command together with all others that have the same dependencies, and
/// returns the program. Cargo selects the same features for them as for each of them alone, so the
/// programs are the same, too. But 26 commands take less time than 110.
///
/// None if only some of the tests run and none of them needs every example, if no other example is like
/// it, or if one of them does not compile. Then it has to be built on its own.
fn build_with_its_likes(example: &Example) -> Option<Program> {
    static BUILT: Once<bool> = Once::new();

    let some_tests = std::env::args().skip(1).any(|argument| !argument.starts_with('-'));
    let alone = some_tests && !TOGETHER.load(Ordering::Relaxed);
    if alone || example.is_extension || example.kind == Kind::Broken {
        return None;
    }
    let likes = WORKSPACE.examples.values().filter(|other| is_like(other, example));
    let packages: Vec<_> = likes.map(|like| like.package.as_str()).collect();
    if packages.len() < 2 {
        return None;
    }
    let release = example.command[2] == "--release";
    let built = BUILT.get_or_init(packages[0], || {
        let mut arguments = vec!["build"];
        arguments.extend(release.then_some("--release"));
        arguments.extend(packages.iter().flat_map(|package| ["-p", *package]));
        cargo(&arguments).code() == Some(0)
    });
    let folder = WORKSPACE.target.join(if release { "release" } else { "debug" });
    built.then(|| Program {
        executable: folder.join(format!("{}{EXE_SUFFIX}", example.program)),
        arguments: example.arguments().iter().map(Into::into).collect(),
        folder: WORKSPACE.root.clone(),
    })
}

/// Whether cargo builds two programs with the same options and the same dependencies.
fn is_like(one: &Example, other: &Example) -> bool {
    let options = |example: &Example| -> Vec<String> {
        let words = example.command.iter().skip(2).take_while(|word| *word != "--");
        words.map(|word| word.replace(&example.package, "NAME")).collect()
    };
    let crates = |example: &Example| -> Vec<Vec<String>> {
        example.own_crates.iter().map(|own| own.dependencies.clone()).collect()
    };
    options(one) == options(other) && crates(one) == crates(other)
}

/// Runs cargo in the workspace.
fn cargo(arguments: &[&str]) -> Output {
    /// The time limit of an example's build, too.
    const BUILD: Duration = Duration::from_secs(600);

    let cargo = Program {
        executable: env!("CARGO").into(),
        arguments: arguments.iter().map(Into::into).collect(),
        folder: WORKSPACE.root.clone(),
    };
    run_within(&cargo, BUILD)
}

/// Results that many tests need, each made once: asking cargo whether a program is up to date takes
/// longer than most of them run.
struct Once<T>(Mutex<BTreeMap<String, Arc<OnceLock<T>>>>);

impl<T: Clone> Once<T> {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn get_or_init(&self, name: &str, make: impl FnOnce() -> T) -> T {
        let entry = Arc::clone(self.0.lock().unwrap().entry(name.to_owned()).or_default());
        entry.get_or_init(make).clone()
    }
}

/// Builds a program of one of the workspace's default members, and returns it with these arguments.
///
/// It is built without `-p`, so that cargo selects the features of all default members, as it does for
/// `cargo test`. With `-p`, many of the dependencies would be compiled a second time.
pub fn package(name: &str, arguments: &[&str]) -> Program {
    static BUILT: Once<()> = Once::new();

    BUILT.get_or_init(name, || {
        let built = cargo(&["build", "--bin", name]);
        assert_eq!(built.code(), Some(0), "{name} builds: {:#?}", built.lines);
    });
    Program {
        executable: WORKSPACE.target.join("debug").join(name),
        arguments: arguments.iter().map(Into::into).collect(),
        folder: std::env::temp_dir(), // it finds its workspace from anywhere
    }
}

/// Runs a program until it ends, for at most [`LIMIT`].
pub fn run(program: &Program) -> Output {
    run_within(program, LIMIT)
}

/// Runs a program until it ends, for at most [`LIMIT`], and samples its memory, its threads, its
/// processes and what its threads do. Without sampling these costs are None.
pub fn run_sampled(program: &Program) -> Output {
    run_by(Running::start, program, LIMIT)
}

/// Runs a program until it ends, for at most this time.
pub fn run_within(program: &Program, time: Duration) -> Output {
    run_by(Running::start_unwatched, program, time)
}

fn run_by(
    start: fn(&Program, Limits) -> anyhow::Result<Running>,
    program: &Program,
    time: Duration,
) -> Output {
    runtime().block_on(async {
        let limits = Limits { time, ..Limits::default() };
        let mut running = start(program, limits).expect("the program starts");
        let mut lines = Vec::new();
        while let Some(line) = running.line().await {
            lines.push(line);
        }
        let (end, costs) = running.end().await.expect("the program ends");
        Output { lines, end, costs }
    })
}

/// The Python counterpart of an example, if it has one and the machine has Python.
pub fn python(name: &str) -> Option<Program> {
    let example = example(name);
    let program = runtime().block_on(run::python(&WORKSPACE, example));
    if example.python_command().is_some() && program.is_none() {
        skip("Python 3");
    }
    program
}

/// Whether the machine has Python. If it has not, the test is reported as skipped on a reader's
/// machine, and fails in CI.
pub fn has_python() -> bool {
    let found = runtime().block_on(run::interpreter()).is_some();
    if !found {
        skip("Python 3");
    }
    found
}

/// The example of this name.
pub fn example(name: &str) -> &'static Example {
    WORKSPACE.example(name).expect("the example exists")
}

/// A runtime for one run.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Checks that the compiler rejects a broken twin with this one error, and that its whole message is
/// what the snapshot `NAME.snap` holds.
///
/// The wording of a message belongs to a version of the compiler. With another version than the
/// one of the recordings, only the error is compared, and the test says so.
pub fn refused(name: &str, error: &str) {
    let (build, lines) = try_build(name);
    assert!(matches!(build, Build::Refused), "{name} compiles");
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("error") && !line.starts_with("error: could not compile"))
        .collect();
    assert!(errors.len() == 1 && errors[0].starts_with(error), "{lines:#?}");

    let recording = Recording::read(&WORKSPACE, example("create-thread"));
    let recording = recording.expect("it can be read").expect("it is there");
    let rustc = runtime().block_on(machine::version_of("rustc", &WORKSPACE.root));
    if rustc.expect("cargo comes with rustc") != recording.rust.language {
        testbed::say(&format!("COMPARED IN PART, not {}", recording.rust.language));
        return;
    }
    // Places outside of this workspace are masked: they differ from machine to machine.
    let message = lines.iter().skip_while(|line| !line.starts_with("error")).cloned();
    let message = mask_places(message.take_while(|line| !line.is_empty()));
    assert_snapshot(name, &format!("on stderr:\n  {}\n", message.join("\n  ")));
}

/// Masks the folders of the standard library and of other crates, and what the compiler quotes from
/// the standard library: it does so only if its sources are installed.
fn mask_places(message: impl Iterator<Item = String>) -> Vec<String> {
    let std = Regex::new(r"--> .*(/library/.*\.rs):\d+:\d+$").expect("the pattern is valid");
    let registry = Regex::new(r"--> .*/registry/src/[^/]*/").expect("the pattern is valid");
    let mut masked = Vec::new();
    let mut quotes_std = false;
    for line in message {
        let line = line.replace('\\', "/");
        if line.trim_start().starts_with("--> ") {
            quotes_std = std.is_match(&line);
            let line = std.replace(&line, "--> <rust>$1");
            masked.push(registry.replace(&line, "--> <registry>/").into_owned());
        } else {
            quotes_std &= line.starts_with([' ', '|', '.']) || line.starts_with(char::is_numeric);
            if !quotes_std {
                masked.push(line);
            }
        }
    }
    masked
}

/// The comparison of an example's output with its snapshot, and of its Python counterpart's.
///
/// By default, all lines have a fixed order.
#[must_use = "only `check` runs the example"]
pub struct TranscriptOf {
    name: &'static str,
    phases: Vec<(Order, Regex)>,
    masks: Vec<(Regex, &'static str)>,
    python_differs: bool,
    is_sampled: bool,
}

/// Begins the comparison for the example of this name.
pub fn transcript_of(name: &'static str) -> TranscriptOf {
    TranscriptOf {
        name,
        phases: Vec::new(),
        masks: Vec::new(),
        python_differs: false,
        is_sampled: false,
    }
}

impl TranscriptOf {
    /// The next lines that match may come in any order. A line that matches but comes too early or
    /// too late does not belong to them.
    pub fn any_order(self, pattern: &str) -> Self {
        self.phase(Order::Free, pattern)
    }

    /// The next lines that match are one line, printed one or more times.
    pub fn repeated(self, pattern: &str) -> Self {
        self.phase(Order::Repeated, pattern)
    }

    /// The next lines that match come in this order. So do lines that no phase matches.
    pub fn in_order(self, pattern: &str) -> Self {
        self.phase(Order::Fixed, pattern)
    }

    fn phase(mut self, order: Order, pattern: &str) -> Self {
        self.phases.push((order, Regex::new(pattern).expect("the pattern is valid")));
        self
    }

    /// Text that matches differs from run to run, and is shown as this name.
    pub fn mask(mut self, pattern: &str, name: &'static str) -> Self {
        self.masks.push((Regex::new(pattern).expect("the pattern is valid"), name));
        self
    }

    /// The Python counterpart prints something else. It has its own snapshot.
    pub fn python_differs(mut self) -> Self {
        self.python_differs = true;
        self
    }

    /// The example is sampled while it runs, as by [`run_sampled`].
    pub fn sampled(mut self) -> Self {
        self.is_sampled = true;
        self
    }

    /// Runs the example and its counterpart, compares both with their snapshots, and returns the
    /// example's output.
    pub fn check(self) -> Output {
        let python = python(self.name).map(|program| std::thread::spawn(move || run(&program)));

        let run_it = if self.is_sampled { run_sampled } else { run };
        let output = run_it(&build(self.name));
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
