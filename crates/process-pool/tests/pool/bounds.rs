//! The queue, deadlines, retries and shutdown.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use process_pool::{Config, Error, Pool};
use testbed::soon;

use crate::task::Task;
use crate::{config, echo, runtime, start, starts, test};

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
                let full =
                    futures::FutureExt::now_or_never(pool.run(echo("3")));
                assert_eq!(full, Some(Err(Error::QueueFull)));
            }
            assert_eq!(pool.stats().queued, 2);
            // A map waits instead.
            let mut map = std::pin::pin!(pool.map([echo("4")]));
            assert!(futures::poll!(&mut map).is_pending());
            fs::write(&gate, "").unwrap();
            assert_eq!(map.await, [Ok("4".into())]);
        };
        let (busy, queued, also, ()) =
            tokio::join!(busy, queued, also, full);
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
        let jobs = (0..1000)
            .map(|number| pool.run(Task::Echo(number.to_string())));
        for (number, result) in
            futures::future::join_all(jobs).await.into_iter().enumerate()
        {
            assert_eq!(result, Ok(number.to_string()));
        }
        pool.shutdown().await;
    });
}

#[test]
fn a_queued_job_whose_caller_has_gone_makes_room_and_never_starts() {
    test(async {
        let folder = tempfile::tempdir().unwrap();
        let (gate, mark) =
            (folder.path().join("gate"), folder.path().join("mark"));
        let pool = start(Config { queue: 1, ..config() }).await;
        let busy = pool.run(Task::Wait(gate.clone()));
        let others = async {
            soon("it runs", || pool.stats().running == 1).await;
            let mut gone = Box::pin(
                pool.run(Task::Mark(mark.clone(), Box::new(echo("")))),
            );
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
        let queued =
            pool.run(Task::Mark(mark.clone(), Box::new(Task::Loop)));
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
        let Err(Error::WorkerDied(status)) = dying else {
            panic!("{dying:?}")
        };
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
            Task::Mark(
                at(name),
                Box::new(Task::AbortOnce(at(&format!("{name}-died")))),
            )
        };
        let pool = start(config()).await;
        assert!(matches!(
            pool.run(once("no")).await,
            Err(Error::WorkerDied(_))
        ));
        assert_eq!(starts(&at("no")), 1);
        pool.shutdown().await;

        let pool = start(Config { retry: true, ..config() }).await;
        assert_eq!(pool.run(once("yes")).await.as_deref(), Ok(""));
        assert_eq!(starts(&at("yes")), 2);
        let always = Task::Mark(at("always"), Box::new(Task::Abort));
        assert!(matches!(
            pool.run(always).await,
            Err(Error::WorkerDied(_))
        ));
        assert_eq!(starts(&at("always")), 2, "once more, and not forever");

        // In a map only the job that kills its worker has no result.
        let number = |at| Task::Log(folder.path().join("log"), at);
        let tasks = (0..3000)
            .map(|at| if at == 2500 { Task::Abort } else { number(at) });
        for (at, result) in pool.map(tasks).await.into_iter().enumerate() {
            match at {
                2500 => assert!(
                    matches!(result, Err(Error::WorkerDied(_))),
                    "{result:?}"
                ),
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
            soon("both are accepted", || {
                pool.stats().queued + pool.stats().running == 2
            })
            .await;
            let mut shutdown = std::pin::pin!(pool.shutdown());
            let moment = Duration::from_millis(100); // well within the grace time
            assert!(
                tokio::time::timeout(moment, &mut shutdown).await.is_err()
            );
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
        let pool =
            start(Config { grace: Duration::from_millis(50), ..config() })
                .await;
        let endless = pool.run(Task::Loop);
        let queued = pool.run(echo("queued"));
        let shutdown = async {
            soon("it runs", || pool.stats().running == 1).await;
            pool.shutdown().await;
            assert!(pool.stats().pids.is_empty());
        };
        let (endless, queued, ()) = tokio::join!(endless, queued, shutdown);
        assert_eq!(
            (endless, queued),
            (Err(Error::Closed), Err(Error::Closed))
        );
    });
}

#[test]
fn a_pool_whose_runtime_has_ended_is_closed() {
    let runtime = runtime();
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
            let error =
                Pool::<Task>::start(Config { niceness, ..config() })
                    .await
                    .unwrap_err();
            let reason =
                format!("niceness {niceness} is not between 0 and 19");
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
            match Pool::<Task>::start(Config {
                program: Some(program),
                ..config()
            })
            .await
            {
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
