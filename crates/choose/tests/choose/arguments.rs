//! The arguments of `choose`, and those of the command.

use choose::rules::{RULES, terms};

use crate::{CHOOSE, choose, stderr, stdout};

#[test]
fn explain_prints_every_rule_and_runs_nothing() {
    let output = choose(["--explain"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let printed: Vec<_> = text.lines().collect();
    for rule in &RULES {
        let text = rule.to_string();
        assert!(
            printed.iter().any(|line| line.ends_with(&text)),
            "--explain lacks {text}"
        );
        let next =
            format!("   read {}, start from {}", rule.page, rule.example);
        assert!(printed.contains(&next.as_str()), "--explain lacks {next}");
    }
    for (term, meaning) in terms() {
        assert!(
            printed.contains(&format!("{term}: {meaning}").as_str()),
            "{term}"
        );
    }
    // Nothing runs, regardless of the other arguments.
    let output = choose(["--explain", "--isolate", "echo", "ran"]);
    assert!(!stdout(&output).lines().any(|line| line == "ran"));
}

#[test]
fn bad_usage_is_refused_before_anything_runs() {
    let cases: [&[&str]; 8] = [
        &["--nonsense", "true"],
        &["--at-once", "0", "true"],
        &["--at-once", "many", "true"],
        &["--at-once"],
        &["--json"],
        &["--isolate"],
        &["--demo", "nonsense"],
        &["--demo", "wait", "true"],
    ];
    for arguments in cases {
        let output = choose(arguments);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.starts_with("error: "), "{arguments:?}: {error}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_command_that_cannot_be_run_is_named_in_one_line() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let file = format!("{folder}/Cargo.toml");
    let cases =
        [("no-such-command", 127), ("", 127), (&file, 126), (folder, 126)];
    for (command, code) in cases {
        let output = choose(["--json", command]);
        if cfg!(unix) {
            assert_eq!(output.status.code(), Some(code), "{command}");
        }
        let error = stderr(&output);
        assert_eq!(error.lines().count(), 1, "{command}: {error}");
        assert!(error.starts_with("choose: cannot run \""), "{error}");
        assert_eq!(stdout(&output), "", "{command}");
    }
}

#[test]
fn the_commands_own_options_are_its_own() {
    let output = choose([CHOOSE, "--explain"]);
    assert_eq!(output.status.code(), Some(0));
    let first = "The first rule that holds decides. If\n";
    assert!(stdout(&output).starts_with(first));
    let report = stderr(&output);
    let last = report.lines().last().unwrap();
    assert!(last.starts_with("  start from"), "it was measured: {report}");
}
