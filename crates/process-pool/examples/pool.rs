//! A program with a process pool, for the tests to start, to signal and to kill. It is also the
//! worker of the pools that the tests start themselves.
#![allow(clippy::unwrap_used)] // here it is an assertion

#[path = "../tests/pool/task.rs"]
mod task;

fn main() {
    // Jobs panic on purpose, and the tests check what the pool makes of it. So a worker does not
    // report panics.
    std::panic::set_hook(Box::new(|panic| {
        if std::env::args().nth(1).as_deref()
            != Some("--process-pool-worker")
        {
            eprintln!("{panic}");
        }
    }));
    process_pool::worker::<task::Task>();
    process_pool::worker::<task::Trap>();
    host::main();
}

#[cfg(not(target_os = "linux"))]
mod host {
    pub(crate) fn main() {}
}

#[cfg(target_os = "linux")]
mod host {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use process_pool::{Config, Error, Pool};
    use rustix::process::{Pid, Signal, kill_process};
    use testbed::processes::children_of;
    use testbed::soon;
    use tokio::runtime::Runtime;

    use crate::task::{Task, Unknown, descriptors};

    /// The configuration of most pools here: one worker.
    const CONFIG: fn() -> Config =
        || Config { workers: 1, ..Config::default() };

    pub(crate) fn main() {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let arguments: Vec<_> =
            arguments.iter().map(String::as_str).collect();
        if let ["runtime-ends"] = arguments[..] {
            return runtime_ends();
        }
        Runtime::new().unwrap().block_on(async {
            match arguments[..] {
                ["busy"] => busy().await,
                ["idle"] => idle().await,
                ["prints"] => prints().await,
                ["dropped"] => dropped().await,
                ["interrupted"] => interrupted().await,
                ["upgraded"] => upgraded().await,
                ["storm", folder, kills] => {
                    storm(Path::new(folder), kills.parse().unwrap()).await;
                }
                // Without a line for Unknown in main, its worker comes here too.
                ["unknown"] | ["--process-pool-worker", ..] => {
                    unknown().await;
                }
                _ => panic!("unknown arguments: {arguments:?}"),
            }
        });
    }

    /// Prints the ids of two workers that compute forever, and of a process that a job has
    /// started; then waits to be killed.
    async fn busy() {
        let pool =
            Pool::start(Config { workers: 2, ..CONFIG() }).await.unwrap();
        let child = pool.run(Task::Spawn).await.unwrap();
        let endless = async {
            tokio::join!(pool.run(Task::Loop), pool.run(Task::Loop))
        };
        let report = async {
            soon("both are busy", || pool.stats().running == 2).await;
            let [one, two] = pool.stats().pids[..] else {
                panic!("two workers")
            };
            println!("{one} {two} {child}");
        };
        let (endless, ()) = tokio::join!(endless, report);
        panic!("it has ended: {endless:?}");
    }

    /// Prints the ids of an idle worker, and of a process that a job has started; then waits to be
    /// killed.
    async fn idle() {
        let pool = Pool::start(CONFIG()).await.unwrap();
        let child = pool.run(Task::Spawn).await.unwrap();
        println!("{} {child}", pool.stats().pids[0]);
        std::future::pending::<()>().await;
    }

    /// Has jobs print, also what would be a frame if it went to the pool.
    async fn prints() {
        let pool = Pool::start(CONFIG()).await.unwrap();
        for text in ["a line", "", "\0\0\0\u{1}x"] {
            assert_eq!(
                pool.run(Task::Print(text.into())).await.as_deref(),
                Ok(text)
            );
        }
        println!("restarts: {}", pool.stats().restarts);
        pool.shutdown().await;
    }

    /// Ends its only runtime while one worker is busy and one is idle, and checks that neither is
    /// left, not even as a zombie. No other runtime is there that could reap them.
    fn runtime_ends() {
        let runtime = Runtime::new().unwrap();
        let pool = runtime.block_on(async {
            let pool = Arc::new(
                Pool::start(Config { workers: 2, ..CONFIG() })
                    .await
                    .unwrap(),
            );
            let busy = Arc::clone(&pool);
            tokio::spawn(async move { busy.run(Task::Loop).await });
            soon("one is busy", || pool.stats().running == 1).await;
            pool
        });
        assert_eq!(children_of(std::process::id()).len(), 2);
        runtime.shutdown_timeout(Duration::from_secs(10));
        assert_eq!(children_of(std::process::id()), []);
        drop(pool);
    }

    /// Prints the ids of a busy worker, of an idle one, and of a process that a job has started;
    /// then ends without a shutdown.
    async fn dropped() {
        let pool =
            Pool::start(Config { workers: 2, ..CONFIG() }).await.unwrap();
        let pool = Arc::new(pool);
        let child = pool.run(Task::Spawn).await.unwrap();
        let busy = Arc::clone(&pool);
        tokio::spawn(async move { busy.run(Task::Loop).await });
        soon("one is busy", || pool.stats().running == 1).await;
        let [one, two] = pool.stats().pids[..] else {
            panic!("two workers")
        };
        println!("{one} {two} {child}");
    }

    /// Survives one Ctrl-C, and then prints whether its worker did.
    async fn interrupted() {
        let mut signals = tokio::signal::unix::signal(
            tokio::signal::unix::SignalKind::interrupt(),
        )
        .unwrap();
        let pool = Pool::start(CONFIG()).await.unwrap();
        let before = pool.run(Task::Pid).await.unwrap();
        println!("ready");
        signals.recv().await;
        let after = pool.run(Task::Pid).await.unwrap();
        println!(
            "{}",
            if before == after {
                "the same worker"
            } else {
                "another worker"
            }
        );
        pool.shutdown().await;
    }

    /// Replaces its own file, as an upgrade does; then its worker dies.
    async fn upgraded() {
        let pool = Pool::start(CONFIG()).await.unwrap();
        let own = std::env::current_exe().unwrap();
        fs::remove_file(&own).unwrap();
        fs::write(&own, "not a program").unwrap();
        let killed = pool.run(Task::Abort).await.unwrap_err();
        println!("{killed}");
        println!(
            "{}",
            pool.run(Task::Echo("the same build".into())).await.unwrap()
        );
        pool.shutdown().await;
    }

    /// Prints to stderr, as its worker does, why there is no pool.
    async fn unknown() {
        let Err(error) = Pool::<Unknown>::start(CONFIG()).await else {
            panic!("it starts")
        };
        eprintln!("{error}");
    }

    /// Kills random workers while jobs run, and checks every answer.
    async fn storm(folder: &Path, kills: u64) {
        let jobs = 20 * kills;
        // One pool first, so that the descriptors that the runtime keeps are not counted as leaked.
        Pool::<Task>::start(CONFIG()).await.unwrap().shutdown().await;
        let before = descriptors().unwrap();

        let config = Config { workers: 4, ..CONFIG() };
        let pool = Arc::new(Pool::start(config).await.unwrap());
        let next = Arc::new(AtomicU64::new(0));
        let log = folder.join("log");

        let callers: Vec<_> = (0..16)
            .map(|caller| {
                let (pool, next, log) =
                    (Arc::clone(&pool), Arc::clone(&next), log.clone());
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    loop {
                        let count = if caller % 2 == 0 { 1 } else { 20 };
                        let first =
                            next.fetch_add(count, Ordering::Relaxed);
                        if first > jobs && pool.stats().restarts >= kills {
                            return answers;
                        }
                        let numbers = first..first + count;
                        let tasks = numbers
                            .clone()
                            .map(|number| Task::Log(log.clone(), number));
                        let results = if count == 1 {
                            vec![
                                pool.run(Task::Log(log.clone(), first))
                                    .await,
                            ]
                        } else {
                            pool.map(tasks).await
                        };
                        assert_eq!(results.len() as u64, count);
                        answers.extend(numbers.zip(results));
                    }
                })
            })
            .collect();

        // A simple generator, so that every run has the same random numbers.
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        while pool.stats().restarts < kills {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let pids = pool.stats().pids;
            if !pids.is_empty() {
                let pid = pids[(random % pids.len() as u64) as usize];
                // Only if it is still our child: another process may have got the same number.
                if children_of(std::process::id()).contains(&(pid, false)) {
                    kill_process(
                        Pid::from_raw(pid as i32).unwrap(),
                        Signal::KILL,
                    )
                    .ok();
                }
            }
            tokio::time::sleep(Duration::from_micros(random % 4000)).await;
        }

        let mut started = BTreeMap::new();
        let mut answers = Vec::new();
        for caller in callers {
            answers.extend(caller.await.unwrap());
        }
        for line in fs::read_to_string(&log).unwrap().lines() {
            *started.entry(line.parse::<u64>().unwrap()).or_insert(0) += 1;
        }
        let mut lost = 0;
        for (number, answer) in &answers {
            match answer {
                Ok(text) => {
                    assert_eq!(text, &number.to_string());
                    assert_eq!(
                        started.get(number),
                        Some(&1),
                        "{number} ran once"
                    );
                }
                Err(Error::WorkerDied(status)) => {
                    use std::os::unix::process::ExitStatusExt;
                    assert_eq!(status.signal(), Some(9));
                    assert!(
                        started.get(number).is_none_or(|times| *times == 1),
                        "{number}"
                    );
                    lost += 1;
                }
                Err(other) => panic!("{number}: {other}"),
            }
        }
        assert!(
            started
                .keys()
                .all(|number| answers.iter().any(|(it, _)| it == number))
        );

        let pool = Arc::into_inner(pool).expect("the callers have gone");
        let stats = pool.stats();
        pool.shutdown().await;
        drop(pool);
        assert_eq!(
            children_of(std::process::id()),
            [],
            "no child is left, dead or alive"
        );
        assert_eq!(
            descriptors().unwrap().len(),
            before.len(),
            "{:?}",
            descriptors()
        );
        println!(
            "jobs {} lost {lost} restarts {}",
            answers.len(),
            stats.restarts
        );
    }
}
