//! The output of debuggers and other tools about the programs of the example `hung`. Each test points
//! the tool at a program that hangs, and checks the essential line, both in the tool's output now and
//! in the transcript that the book shows.
//!
//! `RECORD_TRANSCRIPTS=1 cargo test -p tests transcripts` writes the transcripts again. It needs gdb,
//! py-spy, tokio-console and tmux (`PY_SPY` and `TOKIO_CONSOLE` are the paths of two of them, if they
//! aren't on the `PATH`). A test whose tool is missing, or may not attach to a process, is skipped.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use guide::figures::transcript::FOLDER;
use harness::run::Program;
use harness::run::machine;
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::{NamedTempFile, TempDir};
use tests::{LIMIT, WORKSPACE, build, example, is_there, python, run, run_within};

#[test]
fn gdb_shows_the_call_that_blocks_the_runtime() {
    let essential = r"(?m)^#\d+ .*hung::wait_for_message.* at examples-async/hung/src/main\.rs:";
    gdb("hung-blocked-gdb", "blocked", essential);
}

#[test]
fn gdb_shows_the_lock() {
    let essential =
        r"(?ms)^#\d+ [^\n]*Mutex::lock.*async_fn#0[^\n]* at examples-async/hung/src/main";
    gdb("hung-lock-gdb", "lock", essential);
}

/// A task that waits has no thread, so its function is in no backtrace.
#[test]
fn gdb_does_not_show_a_lost_wake_up() {
    let text = gdb("hung-wakeup-gdb", "wakeup", r"(?m)^#\d+ .*epoll_wait");
    assert!(!text.contains("wait_for_answer"), "{text}");
}

#[test]
fn py_spy_shows_the_lock() {
    py_spy("hung-lock-py-spy", "lock", r"(?m)^    update \(.*hung\.py:\d+\)$");
}

/// The thread waits in the event loop, and no function of the program is on its stack.
#[test]
fn py_spy_does_not_show_a_lost_wake_up() {
    // The main thread is the only one that is left.
    let essential = r"select \(.*selectors\.py:\d+\)\n(?:    .*\n)*\n*\z";
    let text = py_spy("hung-wakeup-py-spy", "wakeup", essential);
    assert!(!text.contains("wait_for_answer"), "{text}");
}

/// The program has registered faulthandler for SIGUSR1.
#[test]
fn faulthandler_shows_the_blocking_call() {
    let Some(program) = python("hung") else { return };
    let mut hung = Hung::start(&program, &[], "blocked");
    let process = Pid::from_child(&hung.process);
    let essential = r"(?m)^  File .*hung\.py., line \d+ in wait_for_message$";
    let text = hung.look(essential, |stderr| {
        kill_process(process, Signal::USR1).unwrap();
        // One dump for each signal: the last one that is complete.
        stderr.rsplit("Current thread").nth(1).map(|dump| format!("Current thread{dump}"))
    });
    check("hung-blocked-faulthandler", &program.executable, "kill -USR1 PID", &text, essential);
}

/// asyncio's debug mode reports the call from the wrong thread, which does not wake up the loop.
#[test]
fn the_debug_mode_of_asyncio_finds_the_lost_wake_up() {
    const COMMAND: &str = "python3 -X dev examples-async/hung/hung.py wakeup";
    let Some(program) = python("hung") else { return };
    let mut hung = Hung::start(&program, &["-X", "dev"], "wakeup");
    let essential = r"(?m)^RuntimeError: Non-thread-safe operation .*$";
    let text = hung.look(essential, |stderr| Some(stderr.to_owned()));
    check("hung-wakeup-asyncio-debug", &program.executable, COMMAND, &text, essential);
}

/// A callback that blocked the loop is logged when it has ended, with its time.
#[test]
fn the_debug_mode_of_asyncio_reports_a_slow_callback() {
    const COMMAND: &str = "python3 -X dev examples-async/watchdog/watchdog.py";
    let Some(mut program) = python("watchdog") else { return };
    program.arguments.splice(0..0, ["-X".into(), "dev".into()]);
    let lines = run(&program).lines;
    let text: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
    let essential = r"(?m)^Executing <Task .* took \d\.\d+ seconds$";
    assert!(Regex::new(essential).unwrap().is_match(&text), "{text}");
    check("watchdog-asyncio-debug", &program.executable, COMMAND, &text, essential);
}

/// The task of the first hang never comes back to the runtime.
#[test]
fn tokio_console_shows_the_task_that_blocks_the_runtime() {
    console("hung-blocked-console", "blocked", r"(?s)never yielded.*▶");
}

/// tokio-console is the only tool on the page that names the cause.
#[test]
fn tokio_console_shows_the_lost_wake_up() {
    console("hung-wakeup-console", "wakeup", r"(?s)lost (its|their) waker");
}

/// Waits until a program hangs, and returns its backtraces.
fn gdb(name: &str, hang: &str, essential: &str) -> String {
    const COMMAND: &str = "gdb --batch -p PID -ex 'thread apply all backtrace'";
    let tool = Path::new("gdb");
    if !is_there(tool) {
        return skip("gdb");
    }
    let mut hung = Hung::start(&build("hung"), &[], hang);
    let id = hung.process.id().to_string();
    let gdb = || output(tool, &["--batch", "-nx", "-p", &id, "-ex", "thread apply all backtrace"]);
    if !gdb().contains("Thread 1") {
        hung.assert_runs();
        return skip("permission to attach gdb");
    }
    let text = hung.look(essential, |_| Some(shorten(&gdb())));
    check(name, tool, COMMAND, &text, essential);
    text
}

/// Waits until a Python program hangs, and returns its stacks.
fn py_spy(name: &str, hang: &str, essential: &str) -> String {
    let tool = env::var_os("PY_SPY").unwrap_or_else(|| "py-spy".into());
    let tool = Path::new(&tool);
    if !is_there(tool) {
        return skip("py-spy");
    }
    let Some(program) = python("hung") else { return String::new() };
    let mut hung = Hung::start(&program, &[], hang);
    let id = hung.process.id().to_string();
    let dump = || output(tool, &["dump", "--pid", &id]);
    if !dump().contains("MainThread") {
        hung.assert_runs();
        return skip("permission to attach py-spy");
    }
    let text = hung.look(essential, |_| Some(dump().replace(&id, "PID")));
    check(name, tool, "py-spy dump --pid PID", &text, essential);
    text
}

/// Runs tokio-console on a copy of the example in which the function that hangs is a task, and returns
/// its screen.
fn console(name: &str, hang: &str, essential: &str) {
    let tool = env::var_os("TOKIO_CONSOLE").unwrap_or_else(|| "tokio-console".into());
    let tool = Path::new(&tool);
    if !is_there(tool) || output(Path::new("tmux"), &["-V"]).is_empty() {
        skip("tokio-console, or no tmux");
        return;
    }
    // The port was free a moment ago. The console's server cannot tell which port it was given.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bind = format!("TOKIO_CONSOLE_BIND=127.0.0.1:{port}");
    let program = Program {
        executable: "/usr/bin/env".into(),
        arguments: vec![bind.into(), instrumented().into()],
        folder: WORKSPACE.root.clone(),
    };
    let mut hung = Hung::start(&program, &[], hang);
    let screen = Screen::start(tool, &format!("http://127.0.0.1:{port}"));
    let text = hung.look(essential, |_| {
        let text = screen.text();
        Some(text[text.find("╭Warnings")?..].to_owned()) // without the help
    });
    check(name, tool, "tokio-console", &text, essential);
}

/// Builds a copy of the example for the console, and returns the program. It is built only once.
fn instrumented() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let (example, folder) = (example("hung"), WORKSPACE.target.join("tokio-console"));
            let mut source = fs::read_to_string(WORKSPACE.root.join(&example.source)).unwrap();
            for (old, new) in [
                ("async fn main() -> Result<()> {", "$ console_subscriber::init();"),
                ("=> wait_for_message().await", "=> tokio::spawn(wait_for_message()).await?"),
                ("=> wait_for_answer().await", "=> tokio::spawn(wait_for_answer()).await?"),
            ] {
                assert!(source.contains(old), "{old}");
                source = source.replace(old, &new.replace('$', old)); // all lines keep their numbers
            }
            let manifest = "[package]\nname = \"hung\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [dependencies]\nanyhow = \"1\"\nconsole-subscriber = \"0.5\"\n\
             tokio = { version = \"1\", features = [\"full\", \"tracing\"] }\n[workspace]\n";
            fs::create_dir_all(folder.join("src")).unwrap();
            fs::write(folder.join("Cargo.toml"), manifest).unwrap();
            fs::write(folder.join("src/main.rs"), source).unwrap();
            let cargo = Program {
                executable: "/usr/bin/env".into(),
                arguments: [
                    "RUSTFLAGS=--cfg tokio_unstable",
                    "CARGO_TARGET_DIR=target",
                    "cargo",
                    "build",
                ]
                .map(Into::into)
                .to_vec(),
                folder: folder.clone(),
            };
            let built = run_within(&cargo, 10 * LIMIT);
            assert_eq!(built.code(), Some(0), "{:#?}", built.lines);
            folder.join("target/debug/hung")
        })
        .clone()
}

/// A terminal in which a tool draws on the whole screen. It is closed when this is dropped.
struct Screen {
    folder: TempDir,
}

impl Screen {
    fn start(tool: &Path, argument: &str) -> Self {
        let screen = Self { folder: TempDir::new().unwrap() };
        let size = ["new-session", "-d", "-x", "110", "-y", "13"];
        screen.tmux(&[&size[..], &[tool.to_str().unwrap(), argument]].concat());
        screen
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// A server of its own, on a socket in this folder.
    fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.folder.path().join("tmux");
        let arguments = [&["-f", "/dev/null", "-S", socket.to_str().unwrap()], arguments].concat();
        output(Path::new("tmux"), &arguments)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A program that hangs. It is killed when this is dropped.
struct Hung {
    process: Child,
    stderr: NamedTempFile,
}

impl Hung {
    /// Starts it, and returns once it has printed that it starts.
    fn start(program: &Program, options: &[&str], hang: &str) -> Self {
        let stderr = NamedTempFile::new().unwrap();
        let mut command = Command::new(&program.executable);
        command.args(options).args(&program.arguments).arg(hang).current_dir(&WORKSPACE.root);
        command.stdout(Stdio::piped()).stderr(stderr.reopen().unwrap());
        let mut hung = Self { process: command.spawn().unwrap(), stderr };
        let stdout = hung.process.stdout.take().unwrap();
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{hang}: starts")), "{line}");
        hung
    }

    /// Asks a tool again and again until its output has the essential line. It must do so within the
    /// limit, and the program must still run then. `tool` gets the program's output on stderr.
    fn look(&mut self, essential: &str, tool: impl Fn(&str) -> Option<String>) -> String {
        let essential = Regex::new(essential).unwrap();
        let deadline = Instant::now() + LIMIT;
        loop {
            let text = tool(&fs::read_to_string(self.stderr.path()).unwrap()).unwrap_or_default();
            if essential.is_match(&text) {
                self.assert_runs();
                return text;
            }
            assert!(Instant::now() < deadline, "{essential} is not in:\n{text}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn assert_runs(&mut self) {
        assert_eq!(self.process.try_wait().unwrap(), None, "it does not hang");
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Runs a tool, and returns its output. At the time limit it is killed.
fn output(tool: &Path, arguments: &[&str]) -> String {
    let arguments = arguments.iter().map(Into::into).collect();
    let folder = WORKSPACE.root.clone();
    let output = run(&Program { executable: tool.to_owned(), arguments, folder });
    output.lines.iter().map(|line| format!("{}\n", line.text)).collect()
}

/// Removes addresses, hashes and arguments from the backtraces of gdb. Of each thread it keeps the
/// first frames, and those of the example.
fn shorten(text: &str) -> String {
    const FIRST: usize = 4;
    let clean = [
        (r#"^(Thread \d+) .*("\w+").*$"#, "$1 $2:"),
        (r"^(#\d+ +)0x[0-9a-f]+ in ", "$1"),
        (r"::h[0-9a-f]{16}", ""),
        (r" at .*/(library/.*)$", " at $1"),
        (r" \(.*\)( at .*)?$", "$1"),
    ];
    let clean = clean.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name));
    let mut lines = Vec::new();
    let mut gap = 0..0;
    for line in text.lines().skip_while(|line| !line.starts_with("Thread ")) {
        let number = line.strip_prefix('#').and_then(|line| line.split(' ').next()?.parse().ok());
        if let Some(number) = number
            && number >= FIRST
            && !line.contains(" at examples-async/")
        {
            let first = if gap.is_empty() { number } else { gap.start };
            gap = first..number + 1;
            continue;
        }
        if !gap.is_empty() {
            let (first, last) = (gap.start, gap.end - 1);
            let numbers =
                if first == last { format!("#{first}") } else { format!("#{first} to #{last}") };
            lines.push(format!("    … {numbers}: tokio and the standard library"));
            gap = 0..0;
        }
        if line.starts_with("[Inferior") {
            break; // what follows is not about a thread
        }
        let replace = |line: String, (pattern, name): &(Regex, &str)| {
            pattern.replace(&line, *name).into_owned()
        };
        lines.push(clean.iter().fold(line.to_owned(), replace));
    }
    lines.join("\n")
}

/// Checks that the book's transcript has the essential line too, or writes it.
fn check(name: &str, tool: &Path, command: &str, text: &str, essential: &str) {
    let file = WORKSPACE.root.join(FOLDER).join(format!("{name}.txt"));
    if env::var_os("RECORD_TRANSCRIPTS").is_some() {
        let (now, version) = (machine::now(), output(tool, &["--version"]));
        let (day, version) = (&now[..10], version.lines().next().unwrap());
        // The folders of this machine, and the lines in which py-spy names the interpreter.
        let folders = Regex::new(r#"[^ "=]*/((?:lib/python|examples-)[^ "]*)"#).unwrap();
        let interpreter = Regex::new(r"(?m)^(Process PID|Python v).*\n").unwrap();
        let text = folders.replace_all(text, "$1");
        let text = interpreter.replace_all(&text, "");
        fs::write(&file, format!("{day} {version}\n$ {command}\n{}\n", text.trim())).unwrap();
    }
    let transcript = fs::read_to_string(&file).unwrap();
    assert!(
        Regex::new(essential).unwrap().is_match(&transcript),
        "{}:\n{transcript}",
        file.display()
    );
}

/// Says that a test is skipped, also in CI: these tools need a permission that CI may not have.
fn skip(tool: &str) -> String {
    writeln!(io::stderr(), "SKIPPED, no {tool}").ok();
    String::new()
}
