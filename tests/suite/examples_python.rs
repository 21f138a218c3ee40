//! The examples of `examples-python/`: what they print, and what they prove. All of them need Python.
//!
//! `PYTHONS` lists further interpreters, separated as in PATH. Tests that depend on the version of
//! Python run on each of them. Default: only `python3`.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use harness::kept::recording::Recording;
use harness::run::{self, Program, Stream};
use tests::{
    Output, WORKSPACE, build, has, has_python, is_there, run_within, runtime, skip, transcript_of,
};

/// Rust prints the lines of the threads at the start and at the end of its work. While the
/// GIL is held, one thread finishes before the next one starts, and no heartbeat is heard at all.
/// Detached, both start before either finishes, and at least one heartbeat is heard.
#[test]
fn release_gil() {
    if !has_python() {
        return;
    }
    transcript_of("release-gil")
        .mask(r"Thread \d", "Thread <id>")
        .mask(r"\d+\.\d\d times", "<gain> times")
        .mask(r"[1-9]\d* heartbeats", "<n> heartbeats")
        .mask(r"gap \d+ ms", "gap <time> ms")
        .check();
}

/// The callback is still stuck at its time limit while the GIL is held. Detached, it ends.
#[test]
fn rayon_in_python() {
    if !has_python() {
        return;
    }
    let output = transcript_of("rayon-in-python").mask(r"by \d+ threads", "by <n> threads").check();
    let cores = available_parallelism().unwrap().get() as u32;
    let threads = output.numbers(r"by (\d+) threads")[0];
    assert!(cores.min(2) <= threads && threads <= cores, "{threads} threads on {cores} cores");
}

/// The children that were forked after the threads are still stuck at their time limit.
#[cfg(unix)]
#[test]
fn fork_after_threads() {
    if !has_python() {
        return;
    }
    transcript_of("fork-after-threads").check();
}

/// Python 3.12 and later warn of a fork in a process with several threads, also if they are Rust's.
/// Since 3.14, fork is no longer the default on Linux.
#[cfg(target_os = "linux")]
#[test]
fn a_fork_after_threads_is_warned_of_since_python_3_12() {
    let program = "import multiprocessing, os, sys, warnings, fork_after_threads\n\
        fork_after_threads.sum_on_rayon()\n\
        with warnings.catch_warnings(record=True) as caught:\n    \
            warnings.simplefilter('always')\n    \
            if os.fork() == 0:\n        os._exit(0)\n    \
            os.wait()\n\
        assert [w.category for w in caught] == [DeprecationWarning] * (sys.version_info >= (3, 12))\n\
        default = 'forkserver' if sys.version_info >= (3, 14) else 'fork'\n\
        assert multiprocessing.get_start_method() == default";
    for_each_python("fork-after-threads", |module, python, _| {
        let output = module.run(python, program);
        assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    });
}

/// All three overlap: each starts before any finishes. Canceled by asyncio, the Rust future is dropped.
#[test]
fn asyncio_and_tokio() {
    if !has_python() {
        return;
    }
    transcript_of("asyncio-and-tokio")
        .any_order("^(Rust|Python) [ABC] starting$")
        .any_order("^(Rust|Python) [ABC] finished$")
        .check();
}

/// A thread of tokio hands over the last result. If Python ends meanwhile, it kills the thread in the
/// middle of a Rust function, and the process crashes. Since Python 3.14, such a thread is left hanging
/// instead. Waiting for the results prevents the crash.
///
/// Usually this is a race of microseconds. Here the hand-over lasts until Python is at its end, or a
/// second, and Python's end lasts until the process crashes, or a second.
#[cfg(unix)]
#[test]
fn python_may_crash_if_it_ends_while_tokio_hands_over_a_result() {
    let program = "\
import asyncio, atexit, os, select, sys, time, asyncio_and_tokio as rust

python_ends, end = os.pipe()
hand_over = asyncio.BaseEventLoop.call_soon_threadsafe

def hand_over_slowly(*arguments, **named):
    hand_over(*arguments, **named)
    select.select([python_ends], [], [], 1)

class End:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(end, b'.')
        sleep(1)

async def main():
    await rust.ready()

asyncio.BaseEventLoop.call_soon_threadsafe = hand_over_slowly
sys.end = End()  # dropped when the modules are, after Python has begun to kill threads
";
    let broken = format!("{program}asyncio.run(main())");
    let fixed = format!("{program}atexit.register(rust.wait_for_results)\nasyncio.run(main())");
    for_each_python("asyncio-and-tokio", |module, python, version| {
        let ends_well = |program: &str| module.run(python, program).code() == Some(0);
        assert_eq!(ends_well(&broken), version >= (3, 14), "{version:?}");
        assert!(ends_well(&fixed), "{version:?}: it waits and still crashes");
    });
}

/// When Rust stops waiting, the Python task runs to its end, unless Rust cancels it.
#[test]
fn await_python() {
    if !has_python() {
        return;
    }
    transcript_of("await-python")
        .in_order("A starting$|^asyncio|A finished$|B starting$")
        // The timeout is reported at the same time as the cancellation.
        .any_order("^Python B canceled$|^asyncio: Rust has stopped waiting$")
        .check();
}

#[test]
fn two_interpreters() {
    if !has_python() {
        return;
    }
    transcript_of("two-interpreters")
        .mask("^Subinterpreter: .*", "Subinterpreter: <result>")
        .check();
}

/// The page says which Python made the recorded run, since others print something else.
#[test]
fn the_recorded_run_in_a_subinterpreter_names_the_python_that_made_it() {
    let example = WORKSPACE.example("two-interpreters").unwrap();
    let run = Recording::read(&WORKSPACE, example).unwrap().unwrap().rust;
    assert!(run.language.contains("Python 3.13."), "{}", run.language);
    assert!(run.lines.iter().any(|line| line.text.ends_with("loading in subinterpreters")));
}

/// Up to Python 3.11 the import works, because all interpreters of a process share one GIL.
#[test]
fn an_extension_module_is_refused_in_a_subinterpreter_since_python_3_12() {
    let file = WORKSPACE.root.join("examples-python/two-interpreters/two-interpreters.py");
    let program = fs::read_to_string(file).unwrap();
    for_each_python("two-interpreters", |module, python, version| {
        let output = module.run(python, &program);
        assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
        let refused = "module two_interpreters does not support loading in subinterpreters";
        let result = if version >= (3, 12) { refused } else { "42" };
        let lines: Vec<_> = output.of(Stream::Stdout).collect();
        assert_eq!(lines, ["Main interpreter: 42", &format!("Subinterpreter: {result}")]);
    });
}

#[test]
fn python_boundary() {
    if !has_python() {
        return;
    }
    let output = transcript_of("python-boundary")
        .mask(r"'<unnamed>'( \(\d+\))? panicked", "'<unnamed>'<id> panicked")
        .check();
    // The process outlives the panic, which is reported on stderr, too.
    let panic = "index out of bounds: the len is 2 but the index is 2";
    assert!(output.of(Stream::Stderr).any(|line| line == panic), "{:#?}", output.lines);
}

#[test]
fn fast_function() {
    if !has_python() {
        return;
    }
    transcript_of("fast-function")
        .mask(r"in \d+\.\d+ s", "in <time> s")
        .mask(r"\d+ times as fast", "<gain> times as fast")
        .check();
}

/// What the page says before anything is moved to Rust. The samples come from /proc.
#[cfg(target_os = "linux")]
#[test]
fn choose_finds_that_the_function_computes_on_one_core() {
    if !has_python() {
        return;
    }
    let python = runtime().block_on(run::interpreter()).unwrap();
    let file = WORKSPACE.root.join("examples-python/fast-function/fast-function.py");
    let output = run_within(
        &tests::package("choose", &["--", path(&python), path(&file), "before"]),
        tests::LIMIT,
    );
    assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
    let verdict = "  verdict     CPU-bound, on one core → threads, with rayon";
    assert!(output.of(Stream::Stderr).any(|line| line == verdict), "{:#?}", output.lines);
}

/// The steps of the page: a virtual environment, `maturin develop`, the program. Then the wheel, whose
/// name says that it is for Python 3.10 and all later versions.
#[test]
#[ignore = "sweep: installing a module with maturin, and its wheel"]
fn sweep_of_the_steps_with_maturin() {
    let Some(maturin) = maturin() else { return };
    if !has_python() {
        return;
    }
    let python = runtime().block_on(run::interpreter()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let venv = folder.path().join("venv");
    // maturin needs pip. If the interpreter has it, the environment uses that: to install pip takes longer
    // than all other steps.
    let has_pip = with_variables(&python, &["-m", "pip", "--version"], &[]).code() == Some(0);
    let pip: &[&str] = if has_pip { &["--without-pip", "--system-site-packages"] } else { &[] };
    succeed(&python, &[&["-m", "venv"], pip, &[path(&venv)]].concat(), &[]);
    let in_venv = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });

    let manifest = WORKSPACE.root.join("examples-python/fast-function/Cargo.toml");
    // Not the workspace's: maturin chooses the interpreter, and everything would be compiled again.
    let target = WORKSPACE.target.join("maturin");
    let own = [("VIRTUAL_ENV", path(&venv)), ("CARGO_TARGET_DIR", path(&target))];
    succeed(&maturin, &["develop", "--quiet", "-m", path(&manifest)], &own);
    let program = WORKSPACE.root.join("examples-python/fast-function/fast-function.py");
    let output = succeed(&in_venv, &[path(&program)], &[]);
    let found = output.of(Stream::Stdout).filter(|line| line.contains("230631 takes 442 steps"));
    assert_eq!(found.count(), 4, "{:#?}", output.lines);

    let wheels = folder.path().join("wheels");
    let build = ["build", "--quiet", "-m", path(&manifest), "--out", path(&wheels)];
    succeed(&maturin, &build, &own);
    let wheel = fs::read_dir(&wheels).unwrap().next().unwrap().unwrap().path();
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("fast_function-0.1.0-cp310-abi3-"), "{name}");
    let unpacked = folder.path().join("unpacked");
    succeed(&python, &["-m", "zipfile", "-e", path(&wheel), path(&unpacked)], &[]);
    for python in pythons() {
        let program = "import fast_function; assert fast_function.longest(10) == (19, 9)";
        succeed(&python, &["-c", program], &[("PYTHONPATH", path(&unpacked))]);
    }
}

/// Without Python, the command on the page says what is missing.
#[cfg(unix)]
#[test]
fn without_python_an_example_says_what_is_missing() {
    if !has_python() {
        return; // nothing is built without Python
    }
    let program = build("two-interpreters");
    let output = with_variables(&program.executable, &[], &[("PYTHON", "no-such-python")]);
    assert_eq!(output.code(), Some(1));
    let lines: Vec<_> = output.of(Stream::Stderr).collect();
    let start = "error: this example needs Python 3.11 or newer; no-such-python: ";
    assert!(lines.len() == 1 && lines[0].starts_with(start), "{lines:?}");
}

/// maturin, from the environment variable `MATURIN`.
fn maturin() -> Option<PathBuf> {
    let named = std::env::var_os("MATURIN").map(PathBuf::from);
    if named.is_none() {
        skip("MATURIN");
    }
    named.filter(|maturin| has(maturin))
}

/// The interpreters to try.
fn pythons() -> Vec<PathBuf> {
    let further = std::env::var_os("PYTHONS").unwrap_or_default();
    let further: Vec<_> =
        std::env::split_paths(&further).filter(|path| path != Path::new("")).collect();
    for python in &further {
        assert!(is_there(python), "PYTHONS names {}, which can't be run", python.display());
    }
    runtime().block_on(run::interpreter()).into_iter().chain(further).collect()
}

/// The extension module of an example, in a folder where Python finds it.
struct Module(tempfile::TempDir);

impl Module {
    fn of(example: &str) -> Self {
        build(example);
        let module = example.replace('-', "_");
        let library = format!("{DLL_PREFIX}{module}{DLL_SUFFIX}");
        let folder = tempfile::tempdir().unwrap();
        let suffix = if cfg!(windows) { "pyd" } else { "so" };
        let copy = folder.path().join(format!("{module}.{suffix}"));
        fs::copy(WORKSPACE.target.join("debug").join(library), copy).unwrap();
        Self(folder)
    }

    /// Runs a program that imports the module.
    fn run(&self, python: &Path, program: &str) -> Output {
        with_variables(python, &["-c", program], &[("PYTHONPATH", path(self.0.path()))])
    }
}

/// Checks the module of an example with each interpreter, whose version is given, too.
fn for_each_python(example: &str, check: impl Fn(&Module, &Path, (u32, u32))) {
    if !has_python() {
        return;
    }
    let module = Module::of(example);
    for python in pythons() {
        let version = "import sys; print(*sys.version_info[:2])";
        let version = succeed(&python, &["-c", version], &[]);
        let numbers = version.of(Stream::Stdout).flat_map(str::split_whitespace);
        let numbers: Vec<u32> = numbers.map(|number| number.parse().unwrap()).collect();
        check(&module, &python, (numbers[0], numbers[1]));
    }
}

/// Runs a program that has to succeed.
fn succeed(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = with_variables(program, arguments, variables);
    assert_eq!(output.code(), Some(0), "{program:?} {arguments:?}: {:#?}", output.lines);
    output
}

/// Runs a program with these environment variables.
fn with_variables(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    /// maturin compiles all dependencies.
    const LIMIT: Duration = Duration::from_secs(600);

    let variables = variables.iter().map(|(name, value)| format!("{name}={value}"));
    let arguments = arguments.iter().map(|argument| (*argument).to_owned());
    let program = Program {
        executable: "/usr/bin/env".into(),
        arguments: variables
            .chain([path(program).to_owned()])
            .chain(arguments)
            .map(Into::into)
            .collect(),
        folder: WORKSPACE.root.clone(),
    };
    run_within(&program, LIMIT)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
