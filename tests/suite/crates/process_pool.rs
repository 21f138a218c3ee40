//! The process pool: what it answers, what it survives, and what it leaves behind.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use process_pool::{Config, Error, Pool};
use tests::LIMIT;
use tests::pool::{Task, Trap, long_text, soon};

/// The program whose main has the line that makes it a worker for [`Task`] and for [`Trap`].
const HOST: &str = env!("CARGO_BIN_EXE_pool-host");

/// The configuration of most pools here: one worker.
fn config() -> Config {
    Config { workers: 1, program: Some(HOST.into()), ..Config::default() }
}

async fn start(config: Config) -> Pool<Task> {
    Pool::start(config).await.unwrap()
}

fn echo(text: &str) -> Task {
    Task::Echo(text.to_owned())
}

/// Runs a test in a runtime, with a time limit.
fn test(body: impl Future<Output = ()>) {
    tests::runtime().block_on(async {
        tokio::time::timeout(LIMIT, body).await.expect("the test ends within its limit");
    });
}

/// How many times a marked job was started.
fn starts(file: &PathBuf) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

#[test]
fn process_pool() {
    tests::transcript_of("worker-pool")
        .mask(r"'main' \(\d+\)", "'main' (<pid>)")
        .mask(r" \(core dumped\)", "")
        .python_differs()
        .check();
}

#[test]
fn results_come_back_and_errors_say_what_happened() {
    test(async {
        let pool = start(config()).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        assert_ne!(worker, std::process::id().to_string());
        assert_eq!(pool.run(echo("hello")).await.as_deref(), Ok("hello"));
        let failed = pool.run(Task::Fail("no such file".into())).await;
        assert_eq!(failed, Err(Error::JobFailed("no such file".into())));
        let panicked = pool.run(Task::Panic("a bug".into())).await;
        assert_eq!(panicked, Err(Error::JobPanicked("a bug".into())));
        // No worker was lost.
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));
        assert_eq!(pool.stats().restarts, 0);
        assert_eq!(pool.stats().done, 5);
        pool.shutdown().await;
        assert_eq!(pool.run(echo("late")).await, Err(Error::Closed));
    });
}

#[test]
fn a_panic_outside_of_run_costs_neither_the_worker_nor_other_results() {
    test(async {
        let pool = Pool::<Trap>::start(config()).await.unwrap();
        let cases = [
            (Trap::Decode, "decoding"),
            (Trap::Error, "printing"),
            (Trap::Payload, "without a message"),
            (Trap::Encode, "encoding"),
            (Trap::Drop, "dropping"),
        ];
        let panicked = |text: &str| Err(Error::JobPanicked(text.to_owned()));
        for (trap, text) in cases {
            assert_eq!(pool.run(trap).await, panicked(text));
        }
        // In a map, between jobs of the same batch.
        let traps = (0..2000).map(|number| match number % 200 {
            at @ 0..5 => cases[at as usize].0,
            _ => Trap::None(number),
        });
        for (number, result) in (0..).zip(pool.map(traps).await) {
            match number % 200 {
                at @ 0..5 => assert_eq!(result, panicked(cases[at as usize].1)),
                _ => assert_eq!(result.map(|sprung| sprung.0), Ok(number)),
            }
        }
        assert_eq!(pool.stats().restarts, 0);
        pool.shutdown().await;
    });
}

#[test]
fn a_long_text_of_an_error_or_a_panic_keeps_its_beginning() {
    test(async {
        let pool = start(Config { message_limit: 4096, ..config() }).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        for bytes in [4000, 4200, 4201, 20_000_000] {
            let Err(Error::JobFailed(failed)) = pool.run(Task::FailAtLength(bytes)).await else {
                panic!("it fails")
            };
            let Err(Error::JobPanicked(panicked)) = pool.run(Task::PanicAtLength(bytes)).await
            else {
                panic!("it panics")
            };
            for text in [failed, panicked] {
                assert!(long_text(bytes).starts_with(&text), "{text}");
                assert!(text.len() > bytes.min(4080) - 2, "{} bytes", text.len());
            }
        }
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));
        pool.shutdown().await;
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_and_the_pool_goes_on() {
    test(async {
        let pool = start(Config { message_limit: 4096, ..config() }).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        let too_large = |error: Error| match error {
            Error::TooLarge { size, limit: 4096 } => size,
            other => panic!("{other}"),
        };
        let job = pool.run(Task::Echo("x".repeat(5000))).await.unwrap_err();
        assert!(too_large(job) > 5000);
        let result = pool.run(Task::Large(1_000_000)).await.unwrap_err();
        assert!(too_large(result) > 1_000_000);
        assert_eq!(pool.run(Task::Large(4000)).await.unwrap().len(), 4000);
        assert_eq!(pool.run(Task::Pid).await, Ok(worker));

        // In a map the other jobs are not affected.
        let large = Task::Echo("x".repeat(5000));
        let tasks = [echo("a"), large.clone(), Task::Large(9999), echo("b"), large];
        let results = pool.map(tasks).await;
        assert_eq!(results[0].as_deref(), Ok("a"));
        assert_eq!(results[3].as_deref(), Ok("b"));
        for at in [1, 2, 4] {
            assert!(matches!(results[at], Err(Error::TooLarge { .. })), "{:?}", results[at]);
        }
        pool.shutdown().await;
    });
}

#[test]
fn large_messages_go_both_ways() {
    test(async {
        let pool = start(config()).await;
        // More than a pipe can hold.
        let large = "y".repeat(4 << 20);
        assert_eq!(pool.run(Task::Echo(large.clone())).await, Ok(large.clone()));
        // In one batch after many short jobs, so that the worker writes a large answer while the
        // next job is still being sent to it.
        let short = (0..2000).map(|_| echo(""));
        let results = pool.map(short.chain([Task::Large(4 << 20), Task::Echo(large)])).await;
        for (at, result) in results.iter().enumerate() {
            assert_eq!(result.as_ref().unwrap().len(), if at < 2000 { 0 } else { 4 << 20 });
        }
        let results = pool.map((0..2000).map(|_| Task::Large(10_000))).await;
        assert!(results.iter().all(|result| result.as_ref().unwrap().len() == 10_000));
        pool.shutdown().await;
    });
}

#[test]
fn a_map_keeps_the_order_and_each_job_has_its_own_result() {
    test(async {
        let pool = start(Config { workers: 3, queue: 1, ..config() }).await;
        assert_eq!(pool.map([]).await, []);
        let tasks = (0..10_000).map(|number| match number % 100 {
            7 => Task::Fail(number.to_string()),
            8 => Task::Panic(number.to_string()),
            _ => Task::Echo(number.to_string()),
        });
        for (number, result) in pool.map(tasks).await.into_iter().enumerate() {
            let text = number.to_string();
            let expected = match number % 100 {
                7 => Err(Error::JobFailed(text)),
                8 => Err(Error::JobPanicked(text)),
                _ => Ok(text),
            };
            assert_eq!(result, expected);
        }
        assert_eq!(pool.stats().restarts, 0);
        pool.shutdown().await;
        assert_eq!(pool.map([echo("late")]).await, [Err(Error::Closed)]);
    });
}

#[test]
fn the_queue_is_bounded_and_says_full_at_once() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        let pool = start(Config { queue: 2, ..config() }).await;
        let busy = pool.run(Task::Wait(gate.clone()));
        let queued = pool.map([echo("1")]);
        let also = pool.run(echo("2"));
        let full = async {
            soon("one runs and two wait", || {
                let stats = pool.stats();
                (stats.running, stats.queued) == (1, 2)
            })
            .await;
            for _ in 0..20_000 {
                // Ready at the first poll.
                let full = futures::FutureExt::now_or_never(pool.run(echo("3")));
                assert_eq!(full, Some(Err(Error::QueueFull)));
            }
            assert_eq!(pool.stats().queued, 2);
            // A map waits instead.
            let mut map = std::pin::pin!(pool.map([echo("4")]));
            assert!(futures::poll!(&mut map).is_pending());
            fs::write(&gate, "").unwrap();
            assert_eq!(map.await, [Ok("4".into())]);
        };
        let (busy, queued, also, ()) = tokio::join!(busy, queued, also, full);
        assert_eq!(busy.as_deref(), Ok(""));
        assert_eq!(queued, [Ok("1".into())]);
        assert_eq!(also.as_deref(), Ok("2"));
        pool.shutdown().await;
    });
}

#[test]
fn a_queue_without_a_limit_takes_every_job() {
    test(async {
        let pool = start(Config { queue: usize::MAX, ..config() }).await;
        let jobs = (0..1000).map(|number| pool.run(Task::Echo(number.to_string())));
        for (number, result) in futures::future::join_all(jobs).await.into_iter().enumerate() {
            assert_eq!(result, Ok(number.to_string()));
        }
        pool.shutdown().await;
    });
}

#[test]
fn a_queued_job_whose_caller_has_gone_makes_room_and_never_starts() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let (gate, mark) = (folder.path().join("gate"), folder.path().join("mark"));
        let pool = start(Config { queue: 1, ..config() }).await;
        let busy = pool.run(Task::Wait(gate.clone()));
        let others = async {
            soon("it runs", || pool.stats().running == 1).await;
            let mut gone = Box::pin(pool.run(Task::Mark(mark.clone(), Box::new(echo("")))));
            assert!(futures::poll!(&mut gone).is_pending());
            assert_eq!(pool.run(echo("full")).await, Err(Error::QueueFull));
            drop(gone);
            assert_eq!(pool.stats().queued, 0);
            let last = pool.run(echo("last"));
            fs::write(&gate, "").unwrap();
            assert_eq!(last.await.as_deref(), Ok("last"));
        };
        let (busy, ()) = tokio::join!(busy, others);
        assert_eq!(busy.as_deref(), Ok(""));
        assert_eq!((starts(&mark), pool.stats().restarts), (0, 0));
        pool.shutdown().await;
    });
}

#[test]
fn a_passed_deadline_kills_the_worker_and_starts_another() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let deadline = Some(Duration::from_millis(300));
        let pool = start(Config { deadline, ..config() }).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        let endless = pool.run(Task::Loop);
        let queued = pool.run(Task::Mark(mark.clone(), Box::new(Task::Loop)));
        let (endless, queued) = tokio::join!(endless, queued);
        assert_eq!(endless, Err(Error::DeadlinePassed));
        assert_eq!(queued, Err(Error::DeadlinePassed));
        assert_ne!(pool.run(Task::Pid).await.unwrap(), worker);
        assert_eq!(starts(&mark), 0, "its time passed while it waited");

        let results = pool.map([echo("a"), Task::Loop, echo("b")]).await;
        assert_eq!(results[0].as_deref(), Ok("a"));
        assert_eq!(results[1], Err(Error::DeadlinePassed));
        assert_eq!(pool.run(echo("on")).await.as_deref(), Ok("on"));
        assert_eq!(pool.stats().restarts, 2);
        pool.shutdown().await;
    });
}

#[test]
fn a_worker_whose_caller_has_gone_is_killed_and_replaced() {
    test(async {
        let pool = start(config()).await;
        let worker = pool.run(Task::Pid).await.unwrap();
        let mut gone = Box::pin(pool.run(Task::Loop));
        while pool.stats().running == 0 {
            assert!(futures::poll!(&mut gone).is_pending());
            tokio::task::yield_now().await;
        }
        drop(gone);
        assert_ne!(pool.run(Task::Pid).await.unwrap(), worker);
        assert_eq!(pool.stats().restarts, 1);
        pool.shutdown().await;
    });
}

#[test]
fn a_dying_worker_loses_only_the_job_it_held() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        let pool = start(Config { workers: 2, ..config() }).await;
        let other = pool.run(Task::Wait(gate.clone()));
        let dying = pool.run(Task::Exit(3));
        let queued = pool.run(echo("queued"));
        let dying = async {
            let dying = dying.await;
            fs::write(&gate, "").unwrap();
            dying
        };
        let (other, dying, queued) = tokio::join!(other, dying, queued);
        assert_eq!(other.as_deref(), Ok(""));
        assert_eq!(queued.as_deref(), Ok("queued"));
        let Err(Error::WorkerDied(status)) = dying else { panic!("{dying:?}") };
        assert_eq!(status.code(), Some(3));
        soon("it is replaced", || pool.stats().pids.len() == 2).await;
        assert_eq!(pool.stats().restarts, 1);
        pool.shutdown().await;
    });
}

#[test]
fn a_lost_job_is_run_once_more_if_asked_to() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let once = |name: &str| {
            Task::Mark(at(name), Box::new(Task::AbortOnce(at(&format!("{name}-died")))))
        };
        let pool = start(config()).await;
        assert!(matches!(pool.run(once("no")).await, Err(Error::WorkerDied(_))));
        assert_eq!(starts(&at("no")), 1);
        pool.shutdown().await;

        let pool = start(Config { retry: true, ..config() }).await;
        assert_eq!(pool.run(once("yes")).await.as_deref(), Ok(""));
        assert_eq!(starts(&at("yes")), 2);
        let always = Task::Mark(at("always"), Box::new(Task::Abort));
        assert!(matches!(pool.run(always).await, Err(Error::WorkerDied(_))));
        assert_eq!(starts(&at("always")), 2, "once more, and not forever");

        // In a map only the job that kills its worker has no result.
        let number = |at| Task::Log(folder.path().join("log"), at);
        let tasks = (0..3000).map(|at| if at == 2500 { Task::Abort } else { number(at) });
        for (at, result) in pool.map(tasks).await.into_iter().enumerate() {
            match at {
                2500 => assert!(matches!(result, Err(Error::WorkerDied(_))), "{result:?}"),
                _ => assert_eq!(result, Ok(at.to_string())),
            }
        }
        pool.shutdown().await;
    });
}

#[test]
fn shutdown_finishes_what_was_accepted() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        let pool = start(config()).await;
        let busy = pool.run(Task::Wait(gate.clone()));
        let queued = pool.run(echo("queued"));
        let shutdown = async {
            soon("both are accepted", || pool.stats().queued + pool.stats().running == 2).await;
            let mut shutdown = std::pin::pin!(pool.shutdown());
            let moment = Duration::from_millis(100); // well within the grace time
            assert!(tokio::time::timeout(moment, &mut shutdown).await.is_err());
            assert_eq!(pool.run(echo("late")).await, Err(Error::Closed));
            fs::write(&gate, "").unwrap();
            shutdown.await;
            assert!(pool.stats().pids.is_empty());
        };
        let (busy, queued, ()) = tokio::join!(busy, queued, shutdown);
        assert_eq!(busy.as_deref(), Ok(""));
        assert_eq!(queued.as_deref(), Ok("queued"));
    });
}

#[test]
fn shutdown_kills_what_outlasts_the_grace_time() {
    test(async {
        let pool = start(Config { grace: Duration::from_millis(50), ..config() }).await;
        let endless = pool.run(Task::Loop);
        let queued = pool.run(echo("queued"));
        let shutdown = async {
            soon("it runs", || pool.stats().running == 1).await;
            pool.shutdown().await;
            assert!(pool.stats().pids.is_empty());
        };
        let (endless, queued, ()) = tokio::join!(endless, queued, shutdown);
        assert_eq!((endless, queued), (Err(Error::Closed), Err(Error::Closed)));
    });
}

#[test]
fn a_pool_whose_runtime_has_ended_is_closed() {
    let runtime = tests::runtime();
    let pool = runtime.block_on(start(config()));
    drop(runtime);
    test(async {
        assert_eq!(pool.run(echo("x")).await, Err(Error::Closed));
        pool.shutdown().await;
    });
}

#[test]
fn a_niceness_that_is_not_between_0_and_19_is_refused() {
    test(async {
        for niceness in [i32::MIN, -20, -1, 20, i32::MAX] {
            let error = Pool::<Task>::start(Config { niceness, ..config() }).await.unwrap_err();
            let reason = format!("niceness {niceness} is not between 0 and 19");
            assert_eq!(error, Error::CannotStart(reason));
        }
    });
}

#[test]
fn a_worker_that_cannot_start_is_a_clear_error() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let error = |program: PathBuf| async move {
            match Pool::<Task>::start(Config { program: Some(program), ..config() }).await {
                Err(Error::CannotStart(reason)) => reason,
                other => panic!("{other:?}"),
            }
        };
        let reason = error(gone.clone()).await;
        assert!(reason.contains(&gone.display().to_string()), "{reason}");
        // The test's own program does not call `worker`, and refuses the argument.
        let reason = error(std::env::current_exe().unwrap()).await;
        assert!(reason.contains("before it was ready"), "{reason}");
    });
}

/// Tests that need Linux: signals, scripts, `/proc`.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    use process_pool::wire::{self, GREETING, Ready, Setup};
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    use tests::pool::{Unknown, eventually};
    use tests::processes::alive;

    use super::*;

    fn signal(pid: u32, signal: Signal) {
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Makes a program of a script. An existing one is replaced in one step.
    fn script(file: &Path, text: &str) {
        script_for("/bin/sh", file, text);
    }

    fn script_for(interpreter: &str, file: &Path, text: &str) {
        let draft = file.with_extension("draft");
        fs::write(&draft, format!("#!{interpreter}\n{text}\n")).unwrap();
        copy_program(&draft, file);
    }

    /// What a worker sends when it is ready.
    fn ready() -> Vec<u8> {
        let mut frame = Vec::new();
        let ready = Ready { greeting: GREETING.to_owned(), fault: None };
        wire::append(&ready, 4096, &mut frame).unwrap();
        frame
    }

    /// Copies a program by another process. If this one wrote the file, a child that another test
    /// starts at that moment would inherit the open file, and a file that is open for writing
    /// cannot be executed.
    fn copy_program(from: &Path, to: &Path) {
        let copy = to.with_extension("copy");
        let text = r#"cp "$1" "$2" && chmod 755 "$2" && mv "$2" "$3""#;
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", text, "sh"]).args([from, &copy, to]).status().unwrap();
        assert!(status.success());
    }

    /// Runs the test program to its end, and returns what it printed.
    fn host(executable: &Path, arguments: &[&str]) -> tests::Output {
        let output = tests::run(&harness::run::Program {
            executable: executable.to_owned(),
            arguments: arguments.iter().map(Into::into).collect(),
            folder: std::env::temp_dir(),
        });
        assert_eq!(output.code(), Some(0), "{:#?}", output.lines);
        output
    }

    fn lines(output: &tests::Output) -> Vec<&str> {
        output.of(harness::run::Stream::Stdout).collect()
    }

    /// Starts the test program in a process group of its own, and waits until it has printed a
    /// line. Not by the runner, which would also end what the program leaves behind.
    fn host_until_line(argument: &str) -> (Child, BufReader<std::process::ChildStdout>, String) {
        let mut child = Command::new(HOST)
            .arg(argument)
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (child, stdout, line.trim_end().to_owned())
    }

    /// Processes that should end by themselves. Any that have not are killed when the test is
    /// over, so that a failed test leaves nothing behind.
    struct Pids(Vec<u32>);

    impl Pids {
        fn of(line: &str) -> Self {
            Self(line.split(' ').map(|pid| pid.parse().unwrap()).collect())
        }

        fn assert_they_end(self) {
            for pid in &self.0 {
                eventually("the process ends", || !alive(*pid));
            }
        }
    }

    impl Drop for Pids {
        fn drop(&mut self) {
            for pid in self.0.iter().filter(|pid| alive(**pid)) {
                signal(*pid, Signal::KILL);
            }
        }
    }

    #[test]
    fn what_a_job_prints_goes_to_stderr() {
        let output = host(Path::new(HOST), &["prints"]);
        assert_eq!(lines(&output), ["restarts: 0"]);
        let errors: Vec<_> = output.of(harness::run::Stream::Stderr).collect();
        assert_eq!(errors, ["a line", "", "\0\0\0\u{1}x"]);
    }

    #[test]
    fn an_idle_worker_that_dies_is_replaced_before_it_gets_a_job() {
        test(async {
            let pool = start(config()).await;
            for restarts in 1..=10 {
                let worker = pool.stats().pids[0];
                signal(worker, Signal::KILL);
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
                signal(pool.stats().pids[0], Signal::KILL);
                match pool.run(echo("x")).await {
                    Ok(text) => assert_eq!(text, "x"),
                    Err(Error::WorkerDied(status)) => assert_eq!(status.signal(), Some(9)),
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
            let Err(Error::WorkerDied(status)) = ended else { panic!("{ended:?}") };
            assert_eq!(status.code(), Some(7));

            // One that does not end is killed.
            let worker = pool.run(Task::Pid).await.unwrap().parse().unwrap();
            let running = pool.run(Task::Exec("exec sleep 1000".into())).await.unwrap_err();
            assert!(
                running.to_string().contains("closed its output and kept running"),
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
        if !tests::has(Path::new("python3")) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (program, fifo) = (folder.path().join("program"), folder.path().join("program.fifo"));
        fs::write(folder.path().join("program.ready"), ready()).unwrap();
        script_for("/usr/bin/env python3", &program, WORKER);
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        test(async {
            let (grace, kill_limit) = (Duration::ZERO, Duration::from_millis(100));
            let program = Some(program);
            let pool = start(Config { program, grace, kill_limit, ..config() }).await;
            let worker = pool.stats().pids[0];
            pool.shutdown().await;
            assert!(Path::new("/proc").join(worker.to_string()).exists(), "it is not reaped yet");
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
                signal(pool.stats().pids[0], Signal::KILL);
            };
            let (died, ()) = tokio::join!(pool.run(Task::Loop), running);
            let Err(Error::WorkerDied(status)) = died else { panic!("{died:?}") };
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
            signal(worker, Signal::STOP);
            assert_eq!(pool.run(echo("x")).await, Err(Error::DeadlinePassed));
            assert_eq!(pool.run(echo("y")).await.as_deref(), Ok("y"));
            assert!(!alive(worker));

            // And one that is idle does not hold up the end.
            let worker = pool.stats().pids[0];
            signal(worker, Signal::STOP);
            pool.shutdown().await;
            assert!(!alive(worker));
        });
    }

    #[test]
    fn what_a_job_has_started_is_killed_with_its_worker() {
        test(async {
            let pool = start(config()).await;
            let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
            let child = children.0[0];
            assert!(alive(child));
            tokio::select! {
                _ = pool.run(Task::Loop) => panic!("it does not end"),
                () = soon("it runs", || pool.stats().running == 1) => {}
            }
            soon("it is killed", || !alive(child)).await;

            // The same if a worker dies by itself.
            let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
            assert!(matches!(pool.run(Task::Abort).await, Err(Error::WorkerDied(_))));
            children.assert_they_end();
            pool.shutdown().await;
        });
    }

    /// As the documentation of the pool says. A container of processes would not have this hole.
    #[test]
    fn a_process_that_has_left_the_group_outlives_its_worker() {
        test(async {
            let pool = start(config()).await;
            let children = Pids::of(&pool.run(Task::SpawnApart).await.unwrap());
            assert!(matches!(pool.run(Task::Abort).await, Err(Error::WorkerDied(_))));
            pool.shutdown().await;
            assert!(alive(children.0[0]));
        });
    }

    #[test]
    fn memory_is_limited() {
        test(async {
            let memory_limit = Some(256 << 20);
            let pool = start(Config { memory_limit, ..config() }).await;
            assert_eq!(pool.run(Task::Allocate(64 << 20)).await.as_deref(), Ok(""));
            let died = pool.run(Task::Allocate(512 << 20)).await;
            let Err(Error::WorkerDied(status)) = died else { panic!("{died:?}") };
            assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
            assert_eq!(pool.run(Task::Allocate(64 << 20)).await.as_deref(), Ok(""));
            pool.shutdown().await;
        });
    }

    #[test]
    fn shared_memory_does_not_count_towards_the_limit() {
        test(async {
            let memory_limit = Some(32 << 20);
            let pool = start(Config { memory_limit, ..config() }).await;
            let used = pool.run(Task::Share(64 << 20)).await.unwrap();
            assert!(used.parse::<usize>().unwrap() >= 64 << 20, "{used}");
            pool.shutdown().await;
        });
    }

    /// The second stack is refused when the first has left far more room than any other allocation
    /// needs. Without that room, one of those could fail instead, and end the worker.
    #[test]
    fn stacks_of_threads_count_towards_the_memory_limit() {
        const STACK: usize = 40 << 20;
        test(async {
            let memory_limit = Some(64 << 20);
            let pool = start(Config { memory_limit, ..config() }).await;
            assert_eq!(pool.run(Task::Thread(STACK)).await.as_deref(), Ok(""));
            let refused = pool.run(Task::Thread(STACK)).await;
            assert!(matches!(refused, Err(Error::JobFailed(_))), "{refused:?}");
            pool.shutdown().await;
        });
    }

    #[test]
    fn workers_are_as_nice_as_asked() {
        test(async {
            let own = rustix::process::getpriority_process(None).unwrap();
            let pool = start(Config { niceness: 5, ..config() }).await;
            assert_eq!(pool.run(Task::Niceness).await, Ok((own + 5).min(19).to_string()));
            pool.shutdown().await;
        });
    }

    #[test]
    fn no_descriptor_is_handed_on() {
        test(async {
            // The parent holds a listener, a file and the pipes of other workers.
            let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let _file = fs::File::open("/etc/hostname").ok();
            let pool = start(Config { workers: 3, ..config() }).await;
            let text = pool.run(Task::Descriptors).await.unwrap();
            let (worker, child) = text.split_once("\n\n").unwrap();
            // The descriptors that any child of this test inherits, and what ls itself opens.
            let mut plain = Command::new("ls");
            let plain = plain.args(["-l", "/proc/self/fd"]).stdin(Stdio::null()).output().unwrap();
            let plain = String::from_utf8(plain.stdout).unwrap().matches(" -> ").count();
            // The worker also has its two pipes, one of them twice because of the watcher.
            assert_eq!(worker.lines().count(), plain - 1 + 3, "{worker}");
            // A process that a job starts has none of these.
            assert_eq!(child.lines().count(), plain, "{child}");
            assert_eq!(child.lines().next(), Some("/dev/null"), "{child}");
            pool.shutdown().await;
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
                ("exec sleep 1000 >/dev/null", "closed its output and kept running"),
            ];
            for (text, expected) in cases {
                script(&program, text);
                let config = Config { program: Some(program.clone()), workers: 2, ..config() };
                let error = Pool::<Task>::start(config).await.unwrap_err();
                assert!(matches!(error, Error::CannotStart(_)), "{text}: {error}");
                assert!(error.to_string().contains(expected), "{text}: {error}");
            }
        });
    }

    #[test]
    fn a_program_that_says_nothing_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        script(&program, &format!("echo $$ > {}/pid; exec sleep 1000", folder.path().display()));
        test(async {
            let start_limit = Duration::from_secs(2);
            let config = Config { program: Some(program), start_limit, ..config() };
            let error = Pool::<Task>::start(config).await.unwrap_err();
            assert!(error.to_string().contains("not ready after 2s"), "{error}");
            let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
            assert!(!alive(pid.trim().parse().unwrap()));
        });
    }

    #[test]
    fn workers_that_die_at_once_are_an_error_and_no_spin() {
        // A worker that never becomes ready, and one that dies as soon as it is.
        for (text, expected) in [("exit 3", "exit status: 3"), ("cat $0.ready", "exit status: 0")] {
            test(async {
                let folder = tempfile::tempdir().unwrap();
                let program = folder.path().join("program");
                fs::write(folder.path().join("program.ready"), ready()).unwrap();
                script(&program, &format!("exec {HOST} \"$@\""));
                let config = Config { workers: 2, program: Some(program.clone()), ..config() };
                let pool = start(config).await;
                assert_eq!(pool.run(echo("x")).await.as_deref(), Ok("x"));

                script(&program, &format!("echo started >> $0.starts; {text}"));
                for pid in pool.stats().pids {
                    signal(pid, Signal::KILL);
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
                let most = 2 * (6 + 3 * (1 + begun.elapsed().as_secs() as usize)) + jobs;
                let began = starts(&folder.path().join("program.starts"));
                assert!((5..=most).contains(&began), "{began} starts, {jobs} jobs");

                // Once the cause is fixed, the pool recovers on its own.
                script(&program, &format!("exec {HOST} \"$@\""));
                loop {
                    match pool.run(echo("again")).await {
                        Ok(text) => break assert_eq!(text, "again"),
                        Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
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
            let pool = start(Config { program: Some(program), grace, ..config() }).await;
            let answer = pool.run(Task::Echo("x".repeat(100))).await;
            assert!(matches!(answer, Err(Error::Broken(_))), "{answer:?}");
            soon("it is replaced", || pool.stats().restarts == 1).await;
            pool.shutdown().await;
        });
    }

    #[test]
    fn a_main_without_the_line_starts_no_endless_chain() {
        let output = host(Path::new(HOST), &["unknown"]);
        let errors: Vec<_> = output.of(harness::run::Stream::Stderr).collect();
        let name = std::any::type_name::<Unknown>();
        let reason = format!("main does not call process_pool::worker::<{name}>()");
        // One line of the worker, and one of its parent.
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].ends_with(&reason), "{errors:?}");
        assert!(errors[1].contains("before it was ready"), "{errors:?}");
    }

    #[test]
    fn a_job_may_have_a_pool_of_its_own() {
        test(async {
            let pool = start(config()).await;
            assert_eq!(pool.run(Task::Nested).await.as_deref(), Ok("from within"));
            pool.shutdown().await;
        });
    }

    #[test]
    fn no_orphan_is_left_when_the_parent_is_killed() {
        // Two workers in an endless loop, or an idle one; and what a job has started. Two threads of
        // the idle worker notice it, and either can be the first.
        for (workers, processes) in [("busy", 3), ("idle", 2)].repeat(5) {
            let (mut child, _stdout, line) = host_until_line(workers);
            let pids = Pids::of(&line);
            assert_eq!(pids.0.len(), processes);
            assert!(pids.0.iter().all(|pid| alive(*pid)));
            child.kill().unwrap();
            child.wait().unwrap();
            pids.assert_they_end();
        }
    }

    #[test]
    fn no_orphan_is_left_when_the_program_just_ends() {
        let (mut child, _stdout, line) = host_until_line("dropped");
        assert!(child.wait().unwrap().success());
        let pids = Pids::of(&line);
        assert_eq!(pids.0.len(), 3, "a busy worker, an idle one, and what a job has started");
        pids.assert_they_end();
    }

    #[test]
    fn no_zombie_is_left_when_the_runtime_ends() {
        host(Path::new(HOST), &["runtime-ends"]);
    }

    #[test]
    fn a_dropped_pool_leaves_no_process() {
        test(async {
            let pool = start(Config { workers: 3, ..config() }).await;
            let children = Pids::of(&pool.run(Task::Spawn).await.unwrap());
            let pids = pool.stats().pids;
            assert_eq!(pids.len(), 3);
            drop(pool);
            // They are reaped as well: the process table has no entry for them.
            let gone = |pid| !Path::new("/proc").join(format!("{pid}")).exists();
            soon("all are reaped", || pids.iter().all(gone)).await;
            children.assert_they_end();
        });
    }

    #[test]
    fn ctrl_c_does_not_reach_the_workers() {
        let (mut child, mut stdout, line) = host_until_line("interrupted");
        assert_eq!(line, "ready");
        kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "the same worker\n");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn after_an_upgrade_a_worker_is_still_of_the_running_build() {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("program");
        copy_program(Path::new(HOST), &copy);
        let output = host(&copy, &["upgraded"]);
        let lines = lines(&output);
        assert!(lines[0].starts_with("the worker died: signal: 6"), "{lines:?}");
        assert_eq!(lines[1..], ["the same build"]);
    }

    /// The test program checks the answers: it has no other processes and descriptors.
    #[test]
    fn a_kill_storm_loses_nothing_but_the_jobs_at_hand() {
        let folder = tempfile::tempdir().unwrap();
        let output = host(Path::new(HOST), &["storm", folder.path().to_str().unwrap()]);
        let jobs = output.numbers(r"^jobs (\d+)")[0];
        let lost = output.numbers(r"lost (\d+)")[0];
        let restarts = output.numbers(r"restarts (\d+)")[0];
        assert!(jobs >= 4000 && restarts >= 200, "{jobs} jobs, {restarts} restarts");
        assert!(lost > 0 && lost < jobs / 2, "{lost} of {jobs} lost");
    }

    /// A worker that the test talks to by itself.
    fn worker_without_a_pool() -> Command {
        let mut worker = Command::new(HOST);
        worker.args(["--process-pool-worker", std::any::type_name::<Task>()]);
        worker.process_group(0).stdin(Stdio::piped());
        worker
    }

    /// A worker that receives nonsense ends with an error, and does not hang or loop.
    #[test]
    fn a_worker_refuses_nonsense() {
        for input in [&b""[..], b"x", b"\0\0\0\x01", b"\0\0\0\x01\xff", &[0xff; 100_000]] {
            let mut worker = worker_without_a_pool();
            let mut child = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // This fails if it ends before it has read everything.
            child.stdin.take().unwrap().write_all(input).ok();
            let status = child.wait().unwrap();
            assert_eq!(status.success(), input.is_empty(), "{status}");
        }
    }

    /// The watch on the parent would kill it too, but perhaps only after it has printed an error.
    #[test]
    fn a_worker_whose_answer_nobody_reads_ends_silently() {
        let setup = Setup { memory_limit: None, niceness: 0, message_limit: 4096 };
        let mut frame = Vec::new();
        wire::append(&setup, 4096, &mut frame).unwrap();
        let mut worker = worker_without_a_pool();
        let mut child = worker.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        // It stays open, so the worker's parent is there.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&frame).unwrap();
        let output = child.wait_with_output().unwrap();
        // With its process group, in which a job could have left a process.
        assert_eq!(output.status.signal(), Some(Signal::KILL.as_raw()));
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

mod frames {
    use bytes::BytesMut;
    use process_pool::wire::{self, Outcome, Ready, Setup};
    use proptest::prelude::*;
    use tokio_util::codec::Decoder;

    use super::Task;

    const LIMIT: usize = 64;

    /// The messages that the worker's reader finds in some bytes, and whether they end well.
    fn by_reader(mut bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let (mut messages, mut message) = (Vec::new(), Vec::new());
        loop {
            match wire::read_frame(&mut bytes, LIMIT, &mut message) {
                Ok(true) => messages.push(message.clone()),
                Ok(false) => return (messages, true),
                Err(_) => return (messages, false),
            }
        }
    }

    /// The same for the parent's codec.
    fn by_codec(bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let (mut messages, mut bytes) = (Vec::new(), BytesMut::from(bytes));
        let mut codec = wire::codec(LIMIT);
        loop {
            match codec.decode_eof(&mut bytes) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => return (messages, true),
                Err(_) => return (messages, false),
            }
        }
    }

    /// Bytes that are frames more often than random bytes would be.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let frame = (any::<bool>(), 0..80_u32, prop::collection::vec(any::<u8>(), 0..80));
        let frames = prop::collection::vec(frame, 0..6).prop_map(|frames| {
            let frame = |(honest, length, message): (bool, u32, Vec<u8>)| {
                let length = if honest { message.len() as u32 } else { length };
                [&length.to_be_bytes()[..], &message].concat()
            };
            frames.into_iter().flat_map(frame).collect()
        });
        prop_oneof![frames, prop::collection::vec(any::<u8>(), 0..300)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn both_sides_read_arbitrary_bytes_alike(bytes in bytes()) {
            let (by_reader, by_codec) = (by_reader(&bytes), by_codec(&bytes));
            prop_assert_eq!(&by_reader.0, &by_codec.0);
            // The codec accepts an end right after a frame's head; the worker's reader does not.
            let read: usize = by_reader.0.iter().map(|message| wire::HEAD + message.len()).sum();
            if by_reader.1 || bytes.len() != read + wire::HEAD {
                prop_assert_eq!(by_reader.1, by_codec.1);
            }
            if let Some(length) = wire::first_frame(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn arbitrary_messages_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // None of these panics or allocates much memory.
            wire::decode::<Task>(&bytes).ok();
            wire::decode::<Outcome<String>>(&bytes).ok();
            wire::decode::<Outcome<Vec<(u64, String)>>>(&bytes).ok();
            wire::decode::<Setup>(&bytes).ok();
            wire::decode::<Ready>(&bytes).ok();
        }

        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec(".{0,40}", 0..8)) {
            let (mut frames, mut sent) = (Vec::new(), Vec::new());
            for text in texts {
                let before = frames.len();
                match wire::append(&text, LIMIT, &mut frames) {
                    Ok(()) => sent.push(text),
                    Err(_) => prop_assert_eq!(frames.len(), before, "nothing is left of it"),
                }
            }
            let (messages, well) = by_reader(&frames);
            prop_assert!(well);
            let read: Vec<String> =
                messages.iter().map(|message| wire::decode(message).unwrap()).collect();
            prop_assert_eq!(read, sent);
        }
    }
}
