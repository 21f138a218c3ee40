//! The verdicts on real programs. Other systems show less of a process
//! tree.

use std::ffi::OsString;
use std::process::Command;

use choose::machine::{Machine, THREAD_BYTES};
use procfs::process::Process;
use serde_json::Value;
use testbed::Child;

use crate::{CHOOSE, demo, kind, report};

/// Returns the command that runs `examples/workload.rs`.
fn workload(mode: &str, count: u64) -> Vec<OsString> {
    let program = testbed::example("workload").into();
    vec![program, mode.into(), count.to_string().into()]
}

/// Measures several commands at once, so that each of them also competes
/// with the others.
fn kinds_at_once<const N: usize>(
    commands: [Vec<OsString>; N],
) -> [(String, Value); N] {
    let threads = commands.map(|command| {
        std::thread::spawn(move || {
            let report = report(&[], &command);
            (kind(&report).to_owned(), report)
        })
    });
    threads.map(|thread| thread.join().expect("the command succeeds"))
}

#[test]
fn sleepers_wait() {
    let commands = [
        vec!["sleep".into(), "0.5".into()],
        demo("wait"),
        workload("sleeping", 5),
    ];
    for (kind, report) in kinds_at_once(commands) {
        assert_eq!(kind, "few-waits", "{report:#}");
    }
}

#[test]
fn at_once_and_isolate_decide_what_cannot_be_measured() {
    let sleep = ["sleep".into(), "0.2".into()];
    assert_eq!(
        kind(&report(&["--at-once", "10000000"], &sleep)),
        "many-waits"
    );
    assert_eq!(kind(&report(&["--at-once", "1"], &sleep)), "few-waits");
    assert_eq!(kind(&report(&["--isolate"], &sleep)), "isolated");
}

#[test]
fn a_burner_is_bound_by_one_core() {
    let report = report(&[], &demo("compute"));
    assert_eq!(kind(&report), "one-core", "{report:#}");
}

/// A burner that has ended goes on computing in its shell until all have
/// ended. Otherwise, on a busy machine, the last one might compute alone
/// for a long time.
#[test]
fn a_burner_for_each_core_is_bound_by_many() {
    let cores = Machine::this().cores;
    if cores == 1 {
        return testbed::skip("second core");
    }
    let folder = tempfile::tempdir().unwrap();
    let burner = "\"$1\" --demo compute; : > \"$2/$burner\"; \
        for other in $(seq \"$3\"); do until [ -e \"$2/$other\" ]; do :; done; done";
    let burners = format!(
        "for burner in $(seq \"$3\"); do {{ {burner}; }} & done; wait"
    );
    let mut command: Vec<_> =
        ["sh", "-c", &burners, "sh"].map(OsString::from).into();
    command.push(CHOOSE.into());
    command.push(folder.path().into());
    command.push(cores.to_string().into());
    let report = report(&[], &command);
    assert_eq!(kind(&report), "many-cores", "{report:#}");
    let processes = 2 * u64::from(cores) + 1;
    assert_eq!(
        report["max_processes"], processes,
        "the shell, its children and theirs"
    );
}

#[test]
fn a_mix_is_mixed() {
    let report = report(&[], &demo("both"));
    assert_eq!(kind(&report), "mixed-few-waits", "{report:#}");
}

/// Each of its threads computes for some microseconds and then waits for
/// the other. More cores cannot help, though one of them is always
/// runnable.
#[test]
fn a_channel_without_a_buffer_is_no_work_for_more_cores() {
    let report = report(&[], &workload("handing-over", 0));
    assert_eq!(kind(&report), "hands-over", "{report:#}");
}

/// It takes work to start so many threads, but the rest of the time all of
/// them wait.
#[test]
fn thousands_of_short_waits_are_not_bound_by_the_cpu() {
    let report = report(&[], &workload("sleeping", 2000));
    let waits =
        ["few-waits", "many-waits", "mixed-few-waits", "mixed-many-waits"];
    assert!(waits.contains(&kind(&report)), "{report:#}");
}

#[test]
fn a_busy_machine_changes_no_verdict() {
    let busy = || {
        // It ends by itself after ten seconds of CPU time, even if this
        // test is killed.
        let burn = "ulimit -t 10; while :; do :; done";
        Child::start(Command::new("sh").args(["-c", burn])).unwrap()
    };
    let loops = 2 * Machine::this().cores;
    let _loops: Vec<_> = (0..loops).map(|_| busy()).collect();
    let demos = ["compute", "wait", "both"].map(demo);
    let expected = ["one-core", "few-waits", "mixed-few-waits"];
    for ((kind, report), expected) in
        kinds_at_once(demos).iter().zip(expected)
    {
        assert_eq!(kind, expected, "{report:#}");
    }
}

/// The shell ends before its child, which is then an orphan. `cat` ends
/// after it.
#[test]
fn an_orphan_is_counted_too() {
    let orphan = "sh -c '\"$0\" --demo compute &' \"$0\" | cat";
    let mut command: Vec<_> =
        ["sh", "-c", orphan].map(OsString::from).into();
    command.push(CHOOSE.into());
    let report = report(&[], &command);
    assert_eq!(kind(&report), "one-core", "{report:#}");
    // The program computes until it has used this much CPU time, which is
    // not a time on a clock.
    assert!(report["cpu_seconds"].as_f64() > Some(0.4), "{report:#}");
}

/// The figures that the border between few and many waits is computed from.
#[test]
fn a_waiting_thread_takes_what_the_rules_say() {
    const THREADS: u64 = 1000;
    const KERNEL_STACK: u64 = 16 << 10;
    let memory_and_maps = |threads| {
        let words = workload("waiting", threads);
        let mut command = Command::new(&words[0]);
        let host = Child::start_ready(command.args(&words[1..])).unwrap();
        let process = Process::new(host.id().cast_signed()).unwrap();
        let resident = process.status().unwrap().vmrss.unwrap() << 10;
        (resident, process.maps().unwrap().len() as u64)
    };
    let ((bytes, maps), (more_bytes, more_maps)) =
        (memory_and_maps(1), memory_and_maps(1 + THREADS));
    let each = (more_bytes - bytes) / THREADS + KERNEL_STACK;
    assert!(
        (THREAD_BYTES / 2..=THREAD_BYTES).contains(&each),
        "{each} bytes"
    );
    // The number of maps depends on the C library and the kernel. `choose`
    // counts those of a few threads, whose first and last map can merge
    // with a neighbor's.
    let report = report(&[], &["true".into()]);
    let counted = report["machine"]["maps_per_thread"].as_u64();
    let counted = counted.expect("/proc is there");
    let each = (more_maps - maps) as f64 / THREADS as f64;
    let difference = (each - counted as f64).abs();
    assert!(difference <= 1.0, "{counted} counted, {each} each");
}
