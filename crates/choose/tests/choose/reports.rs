//! The report, as text and as JSON.

use std::process::ExitStatus;

use choose::measure::{Measurement, TOO_SHORT};
use choose::report::Report;
use choose::rules::Wishes;
use serde_json::Value;

use crate::{CHOOSE, demo, kind, machine, report, run};

#[test]
fn the_report_as_json_has_these_fields() {
    let report = report(&["--at-once", "7"], &demo("wait"));
    let fields: Vec<_> =
        report.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "command",
        "exit_code",
        "failure",
        "wall_seconds",
        "cpu_seconds",
        "cores_used",
        "cores_wanted",
        "runnable_share",
        "computing_share",
        "slowed_down_times",
        "waits",
        "average_wait_seconds",
        "max_waits_at_once",
        "peak_memory_bytes",
        "max_threads",
        "max_processes",
        "samples",
        "left_running",
        "machine",
        "wishes",
        "verdict",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(report["exit_code"], 0);
    assert_eq!(report["failure"], Value::Null);
    assert_eq!(report["wishes"]["at_once"], 7);
    if cfg!(target_os = "linux") {
        assert_eq!(
            report["max_threads"], 6,
            "five wait, and main for them"
        );
        assert_eq!(report["max_waits_at_once"], 6);
        assert_eq!(report["max_processes"], 1);
        assert_eq!(report["left_running"], Value::Array(Vec::new()));
    }
}

#[test]
fn what_ends_at_once_is_too_short_to_tell() {
    let report = report(&[], &[CHOOSE.into(), "--version".into()]);
    // On a machine that is busy enough, nothing is short.
    if report["wall_seconds"].as_f64() < Some(TOO_SHORT.as_secs_f64()) {
        assert_eq!(kind(&report), "too-short");
        for unknown in [
            "computing_share",
            "runnable_share",
            "peak_memory_bytes",
            "max_threads",
            "max_processes",
        ] {
            assert_eq!(report[unknown], Value::Null, "{unknown}");
        }
    }
}

#[test]
fn what_could_not_be_measured_is_listed() {
    let status = ExitStatus::default();
    let text_of = |run| {
        let (wishes, machine) = (Wishes::default(), machine());
        Report::new(&["x".into()], status, run, wishes, &machine)
            .to_string()
    };
    let text = text_of(Measurement {
        wall_seconds: 1.0,
        ..Measurement::default()
    });
    let unknown =
        "not known   CPU time, computed, slowed down, waited, memory";
    assert!(text.contains(unknown), "{text}");
    assert!(text.contains("verdict     not known"), "{text}");
    let text = text_of(run(1.0, 1.0));
    assert!(!text.contains("CPU time   "), "{text}");
    assert!(!text.contains("verdict     not known"), "{text}");
}
