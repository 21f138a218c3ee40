//! The limits of a worker, and the descriptors that it inherits.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use process_pool::{Config, Error};
use testbed::processes::Signal;

use crate::task::Task;
use crate::{config, host, output, start, test};

#[test]
fn what_a_job_prints_goes_to_stderr() {
    let [lines, errors] = output(&host(), &["prints"]);
    assert_eq!(lines, ["restarts: 0"]);
    assert_eq!(errors, ["a line", "", "\0\0\0\u{1}x"]);
}

#[test]
fn memory_is_limited() {
    test(async {
        let memory_limit = Some(256 << 20);
        let pool = start(Config { memory_limit, ..config() }).await;
        assert_eq!(
            pool.run(Task::Allocate(64 << 20)).await.as_deref(),
            Ok("")
        );
        let died = pool.run(Task::Allocate(512 << 20)).await;
        let Err(Error::WorkerDied(status)) = died else {
            panic!("{died:?}")
        };
        assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
        assert_eq!(
            pool.run(Task::Allocate(64 << 20)).await.as_deref(),
            Ok("")
        );
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
        assert_eq!(
            pool.run(Task::Niceness).await,
            Ok((own + 5).min(19).to_string())
        );
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
        let plain = plain
            .args(["-l", "/proc/self/fd"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let plain = String::from_utf8(plain.stdout)
            .unwrap()
            .matches(" -> ")
            .count();
        // The worker also has its two pipes, one of them twice because of the watcher.
        assert_eq!(worker.lines().count(), plain - 1 + 3, "{worker}");
        // A process that a job starts has none of these.
        assert_eq!(child.lines().count(), plain, "{child}");
        assert_eq!(child.lines().next(), Some("/dev/null"), "{child}");
        pool.shutdown().await;
    });
}
