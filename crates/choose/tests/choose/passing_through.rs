//! Input, output, signals, exit codes, and the processes that are left
//! behind.

use std::fs::{self, Permissions};
use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::{kill_process, test_kill_process_group};
use testbed::Child;
use testbed::processes::{self, Signal};

use crate::{CHOOSE, choose, command, start, stderr, stdout};

/// Starts `choose sh -c SCRIPT`.
fn choose_shell(script: &str) -> Child {
    start(piped(command(CHOOSE).args(["sh", "-c", script])))
}

fn piped(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped())
}

/// Returns the exit code of `choose`, and its report. Does not read to the
/// end of stderr, which a process that was left running may hold open.
fn end(chosen: &mut Child) -> (Option<i32>, String) {
    let code = chosen.wait().unwrap().code();
    let mut report = String::new();
    let stderr = chosen.stderr.as_mut().unwrap();
    while !report.contains("start from")
        && stderr.read_line(&mut report).unwrap() > 0
    {}
    (code, report)
}

#[test]
fn input_and_output() {
    let mut chosen = choose_shell("read first; echo \"$first\" >&2; cat");
    let mut stdin = chosen.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\nthree").unwrap();
    drop(stdin);
    let rest = chosen.rest().unwrap();
    assert_eq!(rest, "two\nthree", "and nothing else on stdout");
    let (code, report) = end(&mut chosen);
    assert_eq!(code, Some(0));
    assert!(report.starts_with("one\n  command "), "{report}");
}

#[test]
fn the_exit_code() {
    for (script, code, expected) in [
        ("exit 0", 0, None),
        ("exit 3", 3, Some("exit status: 3")),
        ("exit 255", 255, Some("exit status: 255")),
        ("kill -KILL $$", 137, Some("signal: 9 (SIGKILL)")),
        ("kill -TERM $$", 143, Some("signal: 15 (SIGTERM)")),
    ] {
        let (ended, report) = end(&mut choose_shell(script));
        assert_eq!(ended, Some(code), "{script}");
        let failure = report
            .lines()
            .find_map(|line| line.strip_prefix("  ended with  "));
        assert_eq!(failure, expected, "{report}");
    }
}

/// A closed stdout of `choose` itself: `choose | head -1` ends as
/// `cat | head -1` does, without a message.
#[test]
fn a_closed_pipe_ends_it_quietly() {
    for arguments in [&["--explain"] as &[_], &["--demo", "wait"], &[]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = command(CHOOSE);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(writer).stderr(Stdio::piped());
        let (code, error) = end(&mut start(&mut command));
        assert_eq!((code, &*error), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn too_few_file_descriptors_are_an_error_in_one_line() {
    let mut command = command("sh");
    command.args(["-c", "ulimit -n 6; exec \"$0\" echo ran"]).arg(CHOOSE);
    let mut chosen = start(piped(&mut command));
    assert_eq!(chosen.rest().unwrap(), "", "nothing ran");
    let (code, error) = end(&mut chosen);
    assert_eq!(code, Some(1));
    assert_eq!(error.lines().count(), 1, "{error}");
    let expected = "choose: 16 file descriptors are needed";
    assert!(error.starts_with(expected), "{error}");
}

/// A shell runs such a script itself, since the kernel refuses it.
#[test]
fn a_script_without_an_interpreter_is_run_by_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let executable = |name: &str, content: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        file
    };
    let script = executable("script", b"echo \"ran $1\"; exit 3");
    let output = choose([script.as_os_str(), "it".as_ref()]);
    assert_eq!(stdout(&output), "ran it\n");
    assert_eq!(output.status.code(), Some(3));
    // Not text, and not a program that this system could run.
    let output = choose([executable("other", b"\x7fELF\0\0\0\0")]);
    assert_eq!(output.status.code(), Some(126), "{}", stderr(&output));
}

#[test]
fn a_closed_pipe_ends_the_command_as_without_choose() {
    let pipe = "\"$0\" sh -c 'while :; do echo y; done; echo on >&2' \
                2>&3 | head -n 1";
    let mut command = command("sh");
    command.args(["-c", &format!("({pipe}) 3>&2")]).arg(CHOOSE);
    let mut chosen = start(piped(&mut command));
    assert_eq!(chosen.line().unwrap(), "y");
    let (_, report) = end(&mut chosen);
    assert!(
        report.contains("ended with  signal: 13 (SIGPIPE)"),
        "{report}"
    );
}

/// The signals are sent to `choose` alone, which must pass them on and
/// outlive the command.
#[test]
fn signals_are_sent_on() {
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
    ] {
        let script = format!(
            "trap 'echo got {name}; exit 7' {name}; echo ready; \
             while :; do sleep 0.01; done"
        );
        let mut chosen = choose_shell(&script);
        assert_eq!(chosen.line().unwrap(), "ready");
        kill_process(processes::id(chosen.id()), signal).unwrap();
        assert_eq!(chosen.line().unwrap(), format!("got {name}"));
        let (code, report) = end(&mut chosen);
        assert_eq!(code, Some(7), "{report}");
        assert!(report.contains("verdict"), "{report}");
    }
}

/// Ctrl-C, as from a terminal: both get the signal, and the command gets it
/// only once.
#[test]
fn ctrl_c_ends_the_command_and_is_reported() {
    let mut chosen = choose_shell("echo ready; exec sleep 600");
    assert_eq!(chosen.line().unwrap(), "ready");
    chosen.signal(Signal::INT).unwrap();
    let (code, report) = end(&mut chosen);
    assert_eq!(code, Some(130), "{report}");
    assert!(report.contains("ended with  signal: 2 (SIGINT)"), "{report}");
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let script = "n=0; trap 'n=$((n + 1)); echo got INT' INT; \
                  trap 'echo $n; exit 0' USR1; echo ready; \
                  while :; do read line; done";
    for _ in 0..5 {
        let mut chosen = choose_shell(script);
        assert_eq!(chosen.line().unwrap(), "ready");
        chosen.signal(Signal::INT).unwrap();
        assert_eq!(chosen.line().unwrap(), "got INT");
        // Through `choose`, so that a second SIGINT would arrive before it.
        kill_process(processes::id(chosen.id()), Signal::USR1).unwrap();
        assert_eq!(chosen.line().unwrap(), "1");
        assert_eq!(end(&mut chosen).0, Some(0));
    }
}

/// A start as by nohup.
#[test]
fn a_signal_that_is_ignored_is_ignored_by_the_command_too() {
    let mut command = command("sh");
    let script = "trap '' HUP; \
                  exec \"$0\" sh -c 'kill -HUP $$; echo alive'";
    command.args(["-c", script]).arg(CHOOSE);
    let mut chosen = start(piped(&mut command));
    assert_eq!(chosen.line().unwrap(), "alive");
    let (code, report) = end(&mut chosen);
    assert_eq!(code, Some(0), "{report}");
}

/// The daemon keeps stdout and stderr open, and goes on running.
#[test]
#[cfg(target_os = "linux")]
fn a_daemon_is_left_alone_and_named() {
    // A child of the shell, and one whose parent ended earlier.
    for script in
        ["sleep 600 & echo $!; exit 5", "(sleep 600 & echo $!); exit 5"]
    {
        let mut chosen = choose_shell(script);
        let id = chosen.line().unwrap();
        let (code, report) = end(&mut chosen);
        assert_eq!(code, Some(5), "{report}");
        let line = format!(
            "  still run   1 of its processes ({id}), not counted further"
        );
        assert!(report.lines().any(|it| it == line), "{line}\n{report}");
        let daemon = id.parse().unwrap();
        assert!(processes::alive(daemon), "choose has not ended it");
        kill_process(processes::id(daemon), Signal::KILL).unwrap();
    }
}

#[test]
fn nothing_is_left_behind() {
    let mut chosen = choose_shell("sleep 0.2 | cat");
    end(&mut chosen);
    let group = processes::id(chosen.id());
    assert!(test_kill_process_group(group).is_err(), "a process is left");
}
