//! The examples of `examples-processes/` about isolation and communication: their output, and the claims
//! that it proves.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use harness::run::Program;
#[cfg(target_os = "linux")]
use tests::processes::parent_of;
use tests::{LIMIT, build, run_sampled, transcript_of};

#[test]
fn pipes() {
    transcript_of("pipes").check();
}

#[test]
fn a_request_gets_one_reply_and_the_child_ends_when_its_stdin_closes() {
    let mut child = Talk::start(&mut command("pipes", &["child"]));
    let error = "error: not a whole number below 2^32";
    for (request, reply) in [
        ("0", "0"),
        ("4294967295", "18446744065119617025"),
        ("4294967296", error),
        ("-1", error),
        ("", error),
        ("1 2", error),
        ("7", "49"),
    ] {
        child.say(request);
        assert_eq!(child.hear().as_deref(), Some(reply), "{request}");
    }
    child.stdin = None;
    assert_eq!(child.hear(), None);
    assert_eq!(ends(child.process).code(), Some(0));
}

#[test]
fn requests_whose_replies_are_not_read_stop_both_processes() {
    const REQUESTS: usize = 1 << 17;
    let mut child = Talk::start(&mut command("pipes", &["child"]));
    let mut stdin = child.stdin.take().unwrap();
    let (sender, result) = mpsc::channel();
    thread::spawn(move || {
        let result = stdin.write_all("1\n".repeat(REQUESTS).as_bytes());
        drop(stdin);
        sender.send(result).unwrap();
    });
    let early = result.recv_timeout(Duration::from_secs(1));
    assert_eq!(early.unwrap_err(), RecvTimeoutError::Timeout, "both are blocked");

    let mut replies = 0;
    while child.hear().is_some() {
        replies += 1; // each reply that is read makes room for another one
    }
    assert_eq!(replies, REQUESTS);
    result.recv_timeout(LIMIT).expect("all is sent").unwrap();
    assert_eq!(ends(child.process).code(), Some(0));
}

#[test]
fn shared_memory() {
    transcript_of("shared-memory").check();
}

#[test]
fn shared_memory_leaves_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command("shared-memory", &[]);
    let process = command.env("TMPDIR", folder.path()).stdout(Stdio::null()).spawn().unwrap();
    assert!(ends(process).success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Runs in a process that the next test starts, and kills while it holds the lock. It is not a test of its
/// own.
#[test]
#[ignore = "a part of the_lock_of_a_process_that_dies_is_free"]
fn hold_the_lock() {
    let Some(path) = env::var_os("ISOLATION_LOCK") else { return };
    let file = File::open(path).unwrap();
    file.lock().unwrap();
    println!("locked");
    io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn the_lock_of_a_process_that_dies_is_free() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(8).unwrap();

    let mut holder = Talk::start(
        Command::new(env::current_exe().unwrap())
            .args([
                "examples_processes::isolation::hold_the_lock",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env("ISOLATION_LOCK", file.path()),
    );
    while !holder.hear().expect("it locks the file").ends_with("locked") {}

    let arguments = [file.path().to_str().unwrap()];
    let mut child = Talk::start(&mut command("shared-memory", &arguments));
    assert_eq!(child.hear().as_deref(), Some("Child: I share the memory"));
    child.say("Add 1 with the lock");
    assert_eq!(child.hear().as_deref(), Some("Child: I wait for the lock"));
    holder.process.kill().unwrap();
    holder.process.wait().unwrap();
    assert_eq!(child.hear().as_deref(), Some("Child: I read 0 and wrote 1"));
    child.stdin = None;
    assert!(ends(child.process).success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_mapped_stays_locked_when_it_is_dropped() {
    let path = tempfile::NamedTempFile::new().unwrap();
    path.as_file().set_len(8).unwrap();
    let file = File::options().read(true).write(true).open(path.path()).unwrap();
    let memory = memmap2::MmapRaw::map_raw(&file).unwrap();
    file.lock().unwrap();
    drop(file);
    let other = path.reopen().unwrap();
    assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
    drop(memory);
    other.try_lock().unwrap();
}

#[test]
fn a_file_that_cannot_be_shared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for length in [0, 7, 9] {
        fs::write(path(&length.to_string()), vec![0; length]).unwrap();
    }
    for path in [path("0"), path("7"), path("9"), path("missing"), folder.path().to_owned()] {
        let mut command = command("shared-memory", &[path.to_str().unwrap()]);
        let mut child = Talk::start(command.stderr(Stdio::null()));
        writeln!(child.stdin.take().unwrap(), "Add 1").ok(); // an error: it has ended already
        while let Some(line) = child.hear() {
            assert!(!line.contains("I read"), "{}: {line}", path.display());
        }
        assert!(!ends(child.process).success(), "{}", path.display());
    }
}

#[cfg(target_os = "linux")] // on other systems the example shows less
#[test]
fn crash_isolation() {
    transcript_of("crash-isolation").mask(r" \(core dumped\)", "").python_differs().check();
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_holds_before_the_memory_is_used() {
    let output = run_sampled(&with_arguments("crash-isolation", vec!["memory".into()]));
    assert_eq!(output.code(), None, "a signal ended it");
    // A run that is too short to be sampled has not had the time to fill the memory.
    let memory = output.costs.memory.unwrap_or_default();
    assert!(memory < 256 << 20, "{memory} bytes");
}

#[cfg(unix)]
#[test]
fn crashes_leave_no_core_file() {
    let core_files_of = |program: &Path, arguments: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let run = format!(r#"ulimit -c "$(ulimit -H -c)"; exec "$0" {arguments}"#);
        command.args(["-c", &run]).arg(program).current_dir(folder.path()).stdout(Stdio::null());
        ends(command.spawn().unwrap());
        fs::read_dir(folder.path()).unwrap().count()
    };
    // Without a limit, a crash must leave a core file. Otherwise its absence would prove nothing.
    if core_files_of(Path::new("/bin/sh"), "-c 'kill -ABRT $$'") == 0 {
        // Not eprintln!, which the test runner hides when a test passes.
        writeln!(io::stderr(), "SKIPPED: core files do not go to the folder here").ok();
        return;
    }
    assert_eq!(core_files_of(&build("crash-isolation").executable, ""), 0);
}

#[cfg(target_os = "linux")] // on other systems the example shows less
#[test]
fn kill_and_reap() {
    transcript_of("kill-and-reap").mask(r"^Process \d+", "Process <pid>").check();
}

#[test]
fn waiting_closes_the_stdin_of_a_child() {
    let mut command = command("kill-and-reap", &["child"]);
    let child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The child never ends by itself, so `wait` has closed its stdin.
    assert!(!ends(child).success(), "it kills itself");
}

#[test]
fn orphan() {
    transcript_of("orphan").mask(r"\(process \d+\)", "(process <pid>)").check();
}

#[cfg(target_os = "linux")]
#[test]
fn the_worker_of_a_careless_parent_outlives_it_and_that_of_a_careful_one_does_not() {
    for careless in [true, false] {
        let role = if careless { "careless" } else { "careful" };
        let mut parent = Talk::start(&mut command("orphan", &[role]));
        let worker = parent.hear().unwrap().parse().unwrap();
        assert_eq!(parent_of(worker), Some(parent.process.id()), "{role}");

        parent.process.kill().unwrap();
        parent.process.wait().unwrap();
        if careless {
            parent.say("Are you there?");
            assert_eq!(parent.hear().as_deref(), Some("I still work"));
            let foster = parent_of(worker);
            assert!(foster.is_some_and(|id| id != parent.process.id()), "{foster:?}");
            parent.stdin = None;
        }
        assert_eq!(parent.hear(), None, "{role}");
        assert!(soon(|| parent_of(worker).is_none()), "{role}");
    }
}

/// Runs the examples without the harness, because it kills the processes that an example leaves behind.
#[cfg(unix)]
mod leftovers {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    use tests::processes::{adopt_orphans, group_ends};

    use super::*;

    const EXAMPLES: [&str; 5] =
        ["pipes", "shared-memory", "crash-isolation", "kill-and-reap", "orphan"];

    #[test]
    fn at_its_end_an_example_leaves_no_process_behind() {
        adopt_orphans();
        for name in EXAMPLES {
            let process = alone(&build(name)).stdout(Stdio::null()).spawn().unwrap();
            let group = Pid::from_child(&process);
            assert!(ends(process).success(), "{name}");
            let orphans = group_ends(name, group);
            if cfg!(target_os = "linux") {
                // Each example waits for its children, except that orphan's workers lose their parents.
                assert_eq!(orphans, if name == "orphan" { 2 } else { 0 }, "{name}");
            }
        }
    }

    #[test]
    fn killed_after_any_line_an_example_leaves_nothing_behind() {
        adopt_orphans();
        thread::scope(|scope| {
            for name in EXAMPLES {
                scope.spawn(move || {
                    let program = build(name);
                    kill_after_each_line(name, &program, kill_process, Signal::KILL);
                    kill_after_each_line(name, &program, kill_process, Signal::TERM);
                    // As Ctrl-C does.
                    kill_after_each_line(name, &program, kill_process_group, Signal::INT);
                });
            }
        });
    }

    fn kill_after_each_line(
        name: &str,
        program: &Program,
        kill: fn(Pid, Signal) -> rustix::io::Result<()>,
        signal: Signal,
    ) {
        for lines in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let mut example = Talk::start(alone(program).env("TMPDIR", folder.path()));
            let group = Pid::from_child(&example.process);
            let there_are_more = (0..lines).all(|_| example.hear().is_some());
            kill(group, signal).ok(); // it may have ended by itself
            ends(example.process);
            group_ends(name, group);
            if lines > 0 {
                let files = fs::read_dir(folder.path()).unwrap().count();
                assert_eq!(files, 0, "{name}: files after {lines} lines");
            }
            if !there_are_more {
                return;
            }
        }
    }

    /// A command that runs an example in a process group of its own, to which its children belong, too.
    fn alone(program: &Program) -> Command {
        let mut command = Command::new(&program.executable);
        command.process_group(0).stderr(Stdio::null());
        command.env("RUST_BACKTRACE", "0"); // a backtrace takes longer than all else in an example
        command
    }
}

/// A process that the test talks to, line by line.
struct Talk {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Talk {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::sync_channel(0); // reads a line only when asked
        thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
        Self { stdin: process.stdin.take(), process, lines }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("it is open"), "{line}").unwrap();
    }

    /// Returns the next line, or None if there are no more.
    fn hear(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.process.kill().unwrap();
                panic!("nothing heard");
            }
        }
    }
}

/// Waits for a process, which closes its stdin.
fn ends(mut process: Child) -> ExitStatus {
    let id = process.id();
    let (sender, status) = mpsc::channel();
    thread::spawn(move || sender.send(process.wait()));
    match status.recv_timeout(LIMIT) {
        Ok(status) => status.unwrap(),
        Err(_) => {
            #[cfg(unix)]
            rustix::process::kill_process(pid(id), rustix::process::Signal::KILL).ok();
            panic!("process {id} does not end");
        }
    }
}

#[cfg(unix)]
fn pid(id: u32) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(id.try_into().unwrap()).unwrap()
}

/// Waits until the condition is true. Returns false at the time limit.
fn soon(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(build(name).executable);
    command.args(arguments);
    command
}

fn with_arguments(name: &str, arguments: Vec<OsString>) -> Program {
    Program { arguments, ..build(name) }
}
