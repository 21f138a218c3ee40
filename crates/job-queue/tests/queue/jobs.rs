//! Calls and their results, deadlines and cancellation.

use std::fs;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use job_queue::{Call, Error, Options, PoolConfig, Worker, WorkerConfig};
use process_pool::{Error as PoolError, Pool};
use testbed::{LIMIT, soon};
use tokio::time::{sleep, timeout};

use crate::host_process::{Host, Metrics};
use crate::proxy::{Proxy, Way};
use crate::task::Task;
use crate::{
    client, connect, echo, headers, host, marks, options, postcard_of,
    publish, raw, stream, until_accepted, until_messages, with_nats,
};

const CANCELED: &str = "job_worker_canceled_total";

#[test]
fn the_same_jobs_end_in_the_same_way_as_in_a_pool() {
    with_nats(async |nats| {
        let config = PoolConfig {
            program: Some(host()),
            workers: 1,
            ..PoolConfig::default()
        };
        let pool = Pool::<Task>::start(config).await.unwrap();
        let queue =
            connect(Options { deliveries: 2, ..options(nats) }).await;
        let _worker = Host::start(&nats.url(), &[("deliveries", "2")]);
        for job in [
            echo("hello"),
            Task::Large(100_000),
            Task::Fail("wrong".into()),
            Task::Panic("very wrong".into()),
            Task::Abort,
            Task::Exit(3),
            Task::Print("this is no answer".into()),
        ] {
            let expected = pool.run(job.clone()).await.map_err(Error::Pool);
            assert_eq!(queue.run(job.clone()).await, expected, "{job:?}");
        }
        let jobs = || (0..300).map(|number| echo(&number.to_string()));
        let expected: Vec<_> = pool
            .map(jobs())
            .await
            .into_iter()
            .map(|it| it.map_err(Error::Pool))
            .collect();
        assert_eq!(queue.map(jobs()).await, expected);
    });
}

#[test]
fn a_map_waits_while_the_queue_is_full() {
    with_nats(async |nats| {
        let queue = connect(Options { capacity: 5, ..options(nats) }).await;
        let worker = Host::start(&nats.url(), &[("workers", "2")]);
        let results = queue
            .map((0..200).map(|number| echo(&number.to_string())))
            .await;
        let numbers: Vec<_> =
            results.into_iter().map(|result| result.unwrap()).collect();
        assert_eq!(
            numbers,
            (0..200).map(|number| number.to_string()).collect::<Vec<_>>()
        );
        assert!(queue.metrics().await.contains("job_queue_refused_total"));
        assert_eq!(
            worker
                .stop()
                .get(r#"job_worker_finished_total{outcome="done"}"#),
            200.0
        );
    });
}

/// Trap 7: a full queue refuses the new job instead of deleting an old one, and says so at once.
#[test]
fn a_full_queue_refuses_the_next_job_and_keeps_the_others() {
    with_nats(async |nats| {
        let queue = connect(Options { capacity: 3, ..options(nats) }).await;
        let texts = ["one", "two", "three"];
        let jobs = texts.map(|text| queue.run(echo(text)));
        let then = async {
            let jobs = stream(nats, "jobs").await;
            until_messages(&jobs, 3).await;
            assert_eq!(
                queue.run(echo("four")).await,
                Err(PoolError::QueueFull.into())
            );
            Host::start(&nats.url(), &[])
        };
        let (results, worker) =
            tokio::join!(futures::future::join_all(jobs), then);
        assert_eq!(results, texts.map(|text| Ok(text.to_owned())));
        // A job leaves the queue shortly after its result has arrived.
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(
            queue.run(echo("four")).await.as_deref(),
            Ok("four"),
            "there is room again"
        );
        drop(worker);
    });
}

/// Trap 10.
#[test]
fn a_job_or_a_result_over_the_servers_limit_is_refused_with_both_sizes() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let _worker = Host::start(&nats.url(), &[]);
        let limit = 1 << 20;
        let result = queue.run(echo(&"x".repeat(limit + 1))).await;
        let Err(Error::Pool(PoolError::TooLarge { size, limit: named })) =
            result
        else {
            panic!("{:?}", result.map(|text| text.len()))
        };
        assert!(size > limit && size < limit + 16, "{size}");
        assert_eq!(named, limit);
        let fits = "x".repeat(limit - 1_000);
        assert_eq!(queue.run(echo(&fits)).await, Ok(fits));
        let result = queue.run(Task::Large(limit + 1)).await;
        assert!(
            matches!(result, Err(Error::Pool(PoolError::TooLarge { size, .. })) if size > limit)
        );
        let long = queue.run(Task::FailAtLength(2 * limit)).await;
        assert!(
            matches!(long, Err(Error::Pool(PoolError::JobFailed(text))) if text.starts_with("begin"))
        );
    });
}

/// Trap 12: no engine cancels a running job.
#[test]
fn canceling_a_call_cancels_its_job_whether_it_waits_or_runs() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(&nats.url(), &[]);
        let (runs, waits) = (nats.file("runs"), nats.file("waits"));
        let jobs = stream(nats, "jobs").await;
        let mut endless = Box::pin(
            queue.run(Task::Mark(runs.clone(), Box::new(Task::Loop))),
        );
        let mut behind = Box::pin(
            queue.run(Task::Mark(waits.clone(), Box::new(echo("")))),
        );
        // The client may learn that the job was accepted only after it has begun.
        let begun = async {
            soon("it runs", || marks(&runs) == 1).await;
            until_accepted(&queue, 1).await;
        };
        tokio::select! {
            _ = &mut endless => panic!("it has ended"),
            () = begun => {}
        }
        tokio::select! {
            _ = &mut behind => panic!("it has ended"),
            () = until_accepted(&queue, 2) => {}
        }
        drop(behind);
        until_messages(&jobs, 1).await;
        drop(endless);
        // The only process of the only worker is free again.
        assert_eq!(queue.run(echo("next")).await.as_deref(), Ok("next"));
        until_messages(&jobs, 0).await;
        assert_eq!(marks(&waits), 0);
        assert_eq!(worker.stop().get(CANCELED), 1.0);
    });
}

/// Until the server has confirmed that it has a job, the client cannot know where the job is, and so
/// cannot delete it. It can only tell the workers.
#[test]
fn a_job_that_is_canceled_before_it_is_accepted_runs_only_on_workers_that_have_not_heard_of_it()
 {
    with_nats(async |nats| {
        let _queue = client(nats).await;
        let jobs = stream(nats, "jobs").await;
        let raw = raw(nats).await;
        let mut cancels =
            raw.client().subscribe("jobs.cancel").await.unwrap();
        // The server handles the messages of a connection in order, so after its answer to the next
        // one the subscription exists.
        raw.get_stream("jobs").await.unwrap();
        let mark = nats.file("mark");
        // Sends a job, and cancels it when the server has it and the client does not know that.
        let cancel = async |before: u64| {
            let proxy = Proxy::start(&nats.address).await;
            let queue =
                connect(Options { url: proxy.url(), ..options(nats) })
                    .await;
            proxy.stall(Way::Back);
            let mut job = Box::pin(
                queue.run(Task::Mark(mark.clone(), Box::new(echo("")))),
            );
            tokio::select! {
                result = &mut job => panic!("it has ended: {result:?}"),
                () = until_messages(&jobs, before + 1) => {}
            }
            drop(job);
            timeout(LIMIT, cancels.next())
                .await
                .expect("the workers are told")
                .unwrap();
            queue
        };

        // This worker is busy, hears of it, and drops the job when it comes.
        let worker = Host::start(&nats.url(), &[]);
        let (busy, go) = (nats.file("busy"), nats.file("go"));
        let queue = client(nats).await;
        let first = queue.run(Task::Mark(
            busy.clone(),
            Box::new(Task::Wait(go.clone())),
        ));
        let mut cancel = cancel;
        let then = async {
            soon("it is busy", || marks(&busy) == 1).await;
            let canceled = cancel(1).await;
            fs::write(&go, "").unwrap();
            canceled
        };
        let (result, _canceled) = tokio::join!(first, then);
        assert_eq!(result, Ok(String::new()));
        until_messages(&jobs, 0).await;
        assert_eq!((marks(&mark), worker.stop().get(CANCELED)), (0, 1.0));

        // This one starts later.
        let _canceled = cancel(0).await;
        let worker = Host::start(&nats.url(), &[]);
        until_messages(&jobs, 0).await;
        assert_eq!((marks(&mark), worker.stop().get(CANCELED)), (1, 0.0));
    });
}

#[test]
fn a_deadline_ends_a_job_that_runs_and_one_that_waits() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let call = |seconds| Call {
            deadline: Some(Duration::from_secs_f64(seconds)),
            trace: None,
        };
        let late = Err(PoolError::DeadlinePassed.into());
        assert_eq!(
            queue.run_with(echo("no worker"), call(0.2)).await,
            late
        );
        until_messages(&stream(nats, "jobs").await, 0).await;
        let worker = Host::start(&nats.url(), &[]);
        assert_eq!(queue.run_with(Task::Loop, call(0.3)).await, late);
        assert_eq!(queue.run(echo("next")).await.as_deref(), Ok("next"));
        // This one has no client that would cancel it.
        let mut headers = headers("gone.1");
        headers.insert("Job-Limit-Ms", "300");
        publish(nats, headers, postcard_of(&Task::Loop)).await;
        assert_eq!(queue.run(echo("next")).await.as_deref(), Ok("next"));
        assert!(
            worker
                .stop()
                .get(r#"job_worker_finished_total{outcome="deadline"}"#)
                >= 1.0
        );
    });
}

/// The deadline is a duration, and the server's clock tells how much of it is left.
#[test]
fn deadlines_hold_although_the_workers_clock_is_an_hour_wrong() {
    const HOUR: Duration = Duration::from_secs(3600);
    with_nats(async |nats| {
        let queue = client(nats).await;
        for clock in
            [|| SystemTime::now() + HOUR, || SystemTime::now() - HOUR]
        {
            // A client that is gone has left this job, and its deadline has passed.
            let mark = nats.file("mark");
            let job =
                postcard_of(&Task::Mark(mark.clone(), Box::new(echo(""))));
            let mut headers = headers("gone.1");
            headers.insert("Job-Limit-Ms", "1");
            publish(nats, headers, job).await;
            sleep(Duration::from_millis(20)).await;

            let program = Some(host());
            let pool =
                PoolConfig { program, workers: 1, ..PoolConfig::default() };
            let config = WorkerConfig { pool, ..WorkerConfig::default() };
            let options = Options { clock, ..options(nats) };
            let worker =
                Worker::<Task>::connect(options, config).await.unwrap();
            let metrics = worker.metrics();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let run = worker.run(async { drop(stopped.await) });
            let call = Call {
                deadline: Some(Duration::from_secs(30)),
                trace: None,
            };
            let use_it = async {
                assert_eq!(
                    queue.run_with(echo("in time"), call).await.as_deref(),
                    Ok("in time")
                );
                stop.send(()).unwrap();
            };
            tokio::join!(run, use_it);
            assert_eq!(marks(&mark), 0);
            let metrics = Metrics(metrics());
            assert_eq!(
                metrics.get(
                    r#"job_worker_finished_total{outcome="deadline"}"#
                ),
                1.0
            );
            assert_eq!(
                metrics.get(r#"job_worker_finished_total{outcome="done"}"#),
                1.0
            );
            stream(nats, "jobs-results").await.purge().await.unwrap();
        }
    });
}

#[test]
fn a_client_that_shuts_down_cancels_its_jobs() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let job = queue.run(echo("unwanted"));
        let shutdown = async {
            until_accepted(&queue, 1).await;
            queue.shutdown().await;
        };
        let (result, ()) = tokio::join!(job, shutdown);
        assert_eq!(result, Err(PoolError::Closed.into()));
        assert_eq!(
            queue.run(echo("too late")).await,
            Err(PoolError::Closed.into())
        );
        until_messages(&stream(nats, "jobs").await, 0).await;
    });
}
