//! Workers that die, hang, or never were workers.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use process_pool::wire::{self, GREETING, Ready};
use process_pool::{Config, Error, Pool};
use testbed::processes::{Signal, alive};
use testbed::{has, soon};

use crate::task::Task;
use crate::{
    config, copy_program, echo, host, output, send_signal, start, starts,
    test,
};

/// Makes a program of a script. An existing one is replaced in one step.
fn script(file: &Path, text: &str) {
    script_for("/bin/sh", file, text);
}

fn script_for(interpreter: &str, file: &Path, text: &str) {
    let draft = file.with_extension("draft");
    fs::write(&draft, format!("#!{interpreter}\n{text}\n")).unwrap();
    copy_program(&draft, file);
}

/// Returns what a worker sends when it is ready.
fn ready() -> Vec<u8> {
    let mut frame = Vec::new();
    let ready = Ready { greeting: GREETING.to_owned(), fault: None };
    wire::append(&ready, 4096, &mut frame).unwrap();
    frame
}

#[test]
fn an_idle_worker_that_dies_is_replaced_before_it_gets_a_job() {
    test(async {
        let pool = start(config()).await;
        for restarts in 1..=10 {
            let worker = pool.stats().pids[0];
            send_signal(worker, Signal::KILL);
            soon("it is replaced with nothing to do", || {
                let stats = pool.stats();
                stats.restarts == restarts && !stats.pids.is_empty()
            })
            .await;
            assert!(!alive(worker));
            assert_eq!(pool.run(echo("x")).await.as_deref(), Ok("x"));
        }
        pool.shutdown().await;
    });
}

/// A job may be sent to a worker whose death is not known yet. Whether it had started then
/// cannot be known either.
#[test]
fn a_job_sent_to_a_dying_worker_succeeds_or_says_that_it_died() {
    test(async {
        let pool = start(config()).await;
        for restarts in 1..=10 {
            send_signal(pool.stats().pids[0], Signal::KILL);
            match pool.run(echo("x")).await {
                Ok(text) => assert_eq!(text, "x"),
                Err(Error::WorkerDied(status)) => {
                    assert_eq!(status.signal(), Some(9))
                }
                Err(other) => panic!("{other}"),
            }
            soon("it is replaced", || {
                let stats = pool.stats();
                stats.restarts == restarts && !stats.pids.is_empty()
            })
            .await;
            assert_eq!(pool.run(echo("y")).await.as_deref(), Ok("y"));
        }
        pool.shutdown().await;
    });
}

#[test]
fn a_worker_that_closes_its_output_has_time_to_end() {
    test(async {
        let pool = start(config()).await;
        let ended = pool.run(Task::Exec("exit 7".into())).await;
        let Err(Error::WorkerDied(status)) = ended else {
            panic!("{ended:?}")
        };
        assert_eq!(status.code(), Some(7));

        // One that does not end is killed.
        let worker = pool.run(Task::Pid).await.unwrap().parse().unwrap();
        let running = pool
            .run(Task::Exec("exec sleep 1000".into()))
            .await
            .unwrap_err();
        assert!(
            running
                .to_string()
                .contains("closed its output and kept running"),
            "{running}"
        );
        assert!(!alive(worker));
        assert_eq!(pool.run(echo("x")).await.as_deref(), Ok("x"));
        pool.shutdown().await;
    });
}

/// A process that is traced and killed cannot be reaped until its tracer allows it. To the
/// pool, that looks like a process that hangs in the kernel.
#[test]
fn a_worker_that_does_not_end_when_it_is_killed_is_given_up() {
    const WORKER: &str = r#"
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.prctl(0x59616d61, ctypes.c_long(-1))  # PR_SET_PTRACER: any process may trace this one
worker = os.getpid()
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    PTRACE_SEIZE = 0x4206
    libc.ptrace(PTRACE_SEIZE, worker, None, None) and sys.exit("it cannot be traced")
    os.write(write, b"x")
    for at in (0, 1, 2, write):
        os.close(at)
    signal.alarm(60)  # in case the test fails before it lets this process end
    fifo = open(sys.argv[0] + ".fifo")  # until the test opens it
    fifo.read()
    os._exit(0)
os.close(write)
os.read(read, 1) or sys.exit("it is not traced")
os.write(1, open(sys.argv[0] + ".ready", "rb").read())
os.read(0, 1000)
os.read(0, 1000)
"#;
    if !has(Path::new("python3")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (program, fifo) =
        (folder.path().join("program"), folder.path().join("program.fifo"));
    fs::write(folder.path().join("program.ready"), ready()).unwrap();
    script_for("/usr/bin/env python3", &program, WORKER);
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    test(async {
        let (grace, kill_limit) =
            (Duration::ZERO, Duration::from_millis(100));
        let program = Some(program);
        let pool =
            start(Config { program, grace, kill_limit, ..config() }).await;
        let worker = pool.stats().pids[0];
        pool.shutdown().await;
        assert!(
            Path::new("/proc").join(worker.to_string()).exists(),
            "it is not reaped yet"
        );
        // Its end lets the tracer end, and that lets this process reap the worker.
        drop(fs::File::options().write(true).open(&fifo).unwrap());
    });
}

#[test]
fn a_killed_worker_is_told_with_its_signal() {
    test(async {
        let pool = start(config()).await;
        let running = async {
            soon("it runs", || pool.stats().running == 1).await;
            send_signal(pool.stats().pids[0], Signal::KILL);
        };
        let (died, ()) = tokio::join!(pool.run(Task::Loop), running);
        let Err(Error::WorkerDied(status)) = died else {
            panic!("{died:?}")
        };
        assert_eq!(status.signal(), Some(9));
        pool.shutdown().await;
    });
}

#[test]
fn a_stopped_worker_is_killed_at_the_deadline() {
    test(async {
        let deadline = Some(Duration::from_millis(300));
        let grace = Duration::from_millis(50);
        let pool = start(Config { deadline, grace, ..config() }).await;
        let worker = pool.stats().pids[0];
        send_signal(worker, Signal::STOP);
        assert_eq!(pool.run(echo("x")).await, Err(Error::DeadlinePassed));
        assert_eq!(pool.run(echo("y")).await.as_deref(), Ok("y"));
        assert!(!alive(worker));

        // And one that is idle does not hold up the end.
        let worker = pool.stats().pids[0];
        send_signal(worker, Signal::STOP);
        pool.shutdown().await;
        assert!(!alive(worker));
    });
}

#[test]
fn wrong_programs_are_refused_with_the_reason() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let cases = [
            ("exit 2", "exit status: 2"),
            ("kill -9 $$", "signal: 9"),
            ("echo Hello, world; cat", "is not a worker"),
            ("printf '\\0\\0\\0\\5hello'; cat", "is not a worker"),
            ("exec cat", "is not a worker"), // it sends back what it gets
            ("exec head -c 3000000 /dev/zero", "is not a worker"),
            (
                "exec sleep 1000 >/dev/null",
                "closed its output and kept running",
            ),
        ];
        for (text, expected) in cases {
            script(&program, text);
            let config = Config {
                program: Some(program.clone()),
                workers: 2,
                ..config()
            };
            let error = Pool::<Task>::start(config).await.unwrap_err();
            assert!(
                matches!(error, Error::CannotStart(_)),
                "{text}: {error}"
            );
            assert!(
                error.to_string().contains(expected),
                "{text}: {error}"
            );
        }
    });
}

#[test]
fn a_program_that_says_nothing_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    script(
        &program,
        &format!(
            "echo $$ > {}/pid; exec sleep 1000",
            folder.path().display()
        ),
    );
    test(async {
        let start_limit = Duration::from_secs(2);
        let config =
            Config { program: Some(program), start_limit, ..config() };
        let error = Pool::<Task>::start(config).await.unwrap_err();
        assert!(
            error.to_string().contains("not ready after 2s"),
            "{error}"
        );
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        assert!(!alive(pid.trim().parse().unwrap()));
    });
}

#[test]
fn workers_that_die_at_once_are_an_error_and_no_spin() {
    // A worker that never becomes ready, and one that dies as soon as it is.
    for (text, expected) in
        [("exit 3", "exit status: 3"), ("cat $0.ready", "exit status: 0")]
    {
        test(async {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("program");
            let worker = host();
            let worker = worker.display();
            fs::write(folder.path().join("program.ready"), ready())
                .unwrap();
            script(&program, &format!("exec {worker} \"$@\""));
            let config = Config {
                workers: 2,
                program: Some(program.clone()),
                ..config()
            };
            let pool = start(config).await;
            assert_eq!(pool.run(echo("x")).await.as_deref(), Ok("x"));

            script(&program, &format!("echo started >> $0.starts; {text}"));
            for pid in pool.stats().pids {
                send_signal(pid, Signal::KILL);
            }
            // Every job gets an answer, and after some time that is the reason. There are
            // pauses between jobs, so that workers also die while they are idle.
            let (mut jobs, begun) = (0, Instant::now());
            let reason = loop {
                jobs += 1;
                match pool.run(echo("x")).await {
                    Err(Error::CannotStart(reason)) => break reason,
                    Ok(_) | Err(Error::WorkerDied(_)) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(other) => panic!("{other}"),
                }
            };
            assert!(reason.contains(expected), "{reason}");
            // However long it lasts: each worker's first starts, then no more than three per
            // second, and one for each job that killed a worker.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let most = 2
                * (6 + 3 * (1 + begun.elapsed().as_secs() as usize))
                + jobs;
            let began = starts(&folder.path().join("program.starts"));
            assert!(
                (5..=most).contains(&began),
                "{began} starts, {jobs} jobs"
            );

            // Once the cause is fixed, the pool recovers on its own.
            script(&program, &format!("exec {worker} \"$@\""));
            loop {
                match pool.run(echo("again")).await {
                    Ok(text) => break assert_eq!(text, "again"),
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(5)).await
                    }
                }
            }
            pool.shutdown().await;
        });
    }
}

#[test]
fn garbage_from_a_worker_is_an_error_and_costs_the_worker() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(folder.path().join("program.ready"), ready()).unwrap();
        // It reads the setup and a part of the job, and answers with nonsense.
        script(
            &program,
            "cat $0.ready; head -c 20 >/dev/null; printf nonsense; exec sleep 1000",
        );
        // It does not end with its input, so it would use up the whole grace time.
        let grace = Duration::ZERO;
        let pool =
            start(Config { program: Some(program), grace, ..config() })
                .await;
        let answer = pool.run(Task::Echo("x".repeat(100))).await;
        assert!(matches!(answer, Err(Error::Broken(_))), "{answer:?}");
        soon("it is replaced", || pool.stats().restarts == 1).await;
        pool.shutdown().await;
    });
}

#[test]
fn after_an_upgrade_a_worker_is_still_of_the_running_build() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("program");
    copy_program(&host(), &copy);
    let [lines, _] = output(&copy, &["upgraded"]);
    assert!(
        lines[0].starts_with("the worker died: signal: 6"),
        "{lines:?}"
    );
    assert_eq!(lines[1..], ["the same build"]);
}

#[test]
fn kills_lose_nothing_but_the_jobs_at_hand() {
    storm(20);
}

#[test]
#[ignore = "sweep: a storm of 200 kills of workers"]
fn sweep_of_200_kills_of_workers() {
    storm(200);
}

/// The test program checks the answers: it has no other processes and descriptors.
fn storm(kills: u32) {
    let folder = tempfile::tempdir().unwrap();
    let kills_word = kills.to_string();
    let arguments = ["storm", folder.path().to_str().unwrap(), &kills_word];
    let [lines, _] = output(&host(), &arguments);
    let words: Vec<_> = lines[0].split(' ').collect();
    let ["jobs", jobs, "lost", lost, "restarts", restarts] = words[..]
    else {
        panic!("{lines:?}")
    };
    let [jobs, lost, restarts] =
        [jobs, lost, restarts].map(|it| it.parse::<u32>().unwrap());
    assert!(
        jobs >= 20 * kills && restarts >= kills,
        "{jobs} jobs, {restarts} restarts"
    );
    assert!(lost > 0 && lost < jobs / 2, "{lost} of {jobs} lost");
}
