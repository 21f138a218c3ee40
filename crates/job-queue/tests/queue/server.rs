//! Servers that are killed, away, unsuitable, or that refuse a client.

use std::fs;
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream;
use futures::StreamExt;
use job_queue::{
    Call, ConnectOptions, Error, Options, Queue, Worker, WorkerConfig,
};
use process_pool::Error as PoolError;
use testbed::nats::{Nats, certificate};
use testbed::soon;
use tokio::runtime::Runtime;

use crate::host_process::{Host, Metrics};
use crate::proxy::{Proxy, Way};
use crate::task::Task;
use crate::{
    client, connect, echo, marks, options, raw, stream, until_messages,
    with_nats,
};

/// Traps 5 and 6: the consumer has an acknowledgment time and no back-off, which would override it;
/// and more jobs may run at the same time than the server's default of 1,000.
#[test]
fn the_server_delivers_as_many_jobs_as_workers_ask_for() {
    with_nats(async |nats| {
        // So long that none of them is delivered twice.
        let ack_wait = Duration::from_secs(3600);
        let queue = connect(Options { ack_wait, ..options(nats) }).await;
        let jobs = stream(nats, "jobs").await;
        let consumer: jetstream::consumer::PullConsumer =
            jobs.get_consumer("workers").await.unwrap();
        let config = &consumer.cached_info().config;
        assert_eq!((config.ack_wait, config.max_deliver), (ack_wait, -1));
        assert!(config.backoff.is_empty());

        let raw = raw(nats).await;
        for _ in 0..1_100 {
            raw.publish("jobs.jobs", "x".into())
                .await
                .unwrap()
                .await
                .unwrap();
        }
        let batch =
            consumer.fetch().max_messages(1_100).messages().await.unwrap();
        assert_eq!(batch.count().await, 1_100);
        drop(queue);
    });
}

/// Trap 9: an attempt to send a job may succeed although its acknowledgment is lost. The server
/// recognizes a second attempt for two minutes, which is longer than a client tries.
#[test]
fn a_job_whose_acknowledgment_is_lost_is_stored_once() {
    with_nats(async |nats| {
        let _worker = Host::start(&nats.url(), &[]);
        let proxy = Proxy::start(&nats.address).await;
        let queue =
            connect(Options { url: proxy.url(), ..options(nats) }).await;
        let window = stream(nats, "jobs")
            .await
            .get_info()
            .await
            .unwrap()
            .config
            .duplicate_window;
        assert!(window >= 2 * Options::default().away_limit, "{window:?}");

        let mark = nats.file("mark");
        proxy.stall(Way::Back);
        let job =
            queue.run(Task::Mark(mark.clone(), Box::new(echo("done"))));
        let then = async {
            soon("it has run", || marks(&mark) == 1).await;
            // The client's next attempt goes through a connection that works.
            proxy.cut();
        };
        let (result, ()) = tokio::join!(job, then);
        assert_eq!(result.as_deref(), Ok("done"));
        assert_eq!(marks(&mark), 1);
    });
}

/// Trap 11: a server of a version that was never tried is refused by its number.
#[test]
fn a_server_that_is_too_old_or_has_no_jetstream_is_refused() {
    Runtime::new().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let old = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let info = "INFO {\"server_id\":\"x\",\"server_name\":\"x\",\"version\":\"2.8.4\",\"go\":\"x\",\"host\":\"127.0.0.1\",\"port\":1,\"max_payload\":1048576,\"proto\":1,\"headers\":true}\r\n";
            stream.write_all(info.as_bytes()).await.unwrap();
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                stream.write_all(b"PONG\r\n").await.ok();
            }
        });
        let refused = Queue::<Task>::connect(Options { url, ..Options::default() }).await;
        let expected = "version 2.8.4 is older than 2.9";
        assert_eq!(refused.err(), Some(Error::Unsuitable(expected.into())));
        old.abort();
    });
    let Some(nats) = Nats::start_with(&[]) else { return };
    Runtime::new().unwrap().block_on(async {
        let limit = Duration::from_millis(200);
        let refused = Queue::<Task>::connect(Options {
            connect_limit: limit,
            ..options(&nats)
        })
        .await;
        let Err(Error::Unsuitable(reason)) = refused else {
            panic!("{refused:?}")
        };
        assert!(
            reason.starts_with("JetStream is disabled; start"),
            "{reason}"
        );
    });
}

#[test]
fn a_stream_that_would_delete_jobs_is_refused() {
    with_nats(async |nats| {
        let config = jetstream::stream::Config {
            name: "jobs".into(),
            subjects: vec!["jobs.jobs".into()],
            ..Default::default()
        };
        raw(nats).await.create_stream(config).await.unwrap();
        let refused = Queue::<Task>::connect(options(nats)).await;
        assert!(
            matches!(refused, Err(Error::Unsuitable(_))),
            "{refused:?}"
        );
        let refused = Queue::<Task>::connect(Options {
            queue: "a.b".into(),
            ..options(nats)
        })
        .await;
        assert!(
            matches!(refused, Err(Error::Unsuitable(_))),
            "{refused:?}"
        );
    });
}

/// Trap 13: a server that is killed soon after many acknowledgments restarts with messages that it
/// never delivers, and that take up room.
#[test]
fn after_a_kill_of_the_server_the_queue_has_its_whole_capacity_again() {
    const CAPACITY: u32 = 500;
    with_nats(async |nats| {
        let queue =
            connect(Options { capacity: CAPACITY, ..options(nats) }).await;
        let texts =
            || (0..CAPACITY).map(|number| echo(&number.to_string()));
        // The server must be killed before it has written what it deleted. If it was too late,
        // another attempt follows.
        loop {
            let worker = Host::start(
                &nats.url(),
                &[("workers", "2"), ("prefetch", "10")],
            );
            assert!(queue.map(texts()).await.iter().all(Result::is_ok));
            nats.kill();
            nats.restart();
            until_messages(&stream(nats, "jobs").await, 0).await;
            if worker.stop().get("job_worker_ghosts_total") > 0.0 {
                break;
            }
        }

        // Without a worker, exactly as many jobs as before fit.
        let mut jobs: futures::stream::FuturesUnordered<_> =
            texts().map(|job| queue.run(job)).collect();
        let stream = stream(nats, "jobs").await;
        tokio::select! {
            result = jobs.next() => panic!("one has ended: {result:?}"),
            () = until_messages(&stream, CAPACITY.into()) => {}
        }
        assert_eq!(
            queue.run(echo("more")).await,
            Err(PoolError::QueueFull.into())
        );
    });
}

/// A ghost whose result has expired, or that was canceled, is known by the server's word that it
/// waits for no acknowledgment. A job that runs or waits is none.
#[test]
fn a_finished_job_without_a_result_takes_up_no_room_after_a_kill_of_the_server()
 {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let jobs = stream(nats, "jobs").await;
        loop {
            let worker = Host::start(&nats.url(), &[]);
            let done = queue
                .map((0..100).map(|number| echo(&number.to_string())))
                .await;
            assert!(done.iter().all(Result::is_ok));
            nats.kill();
            drop(worker);
            nats.restart();
            if stream(nats, "jobs").await.cached_info().state.messages > 0 {
                break;
            }
        }
        let ghosts =
            stream(nats, "jobs").await.cached_info().state.messages;
        stream(nats, "jobs-results").await.purge().await.unwrap();

        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let waits = |go: &Path| {
            queue.run(Task::Mark(
                mark.clone(),
                Box::new(Task::Wait(go.to_owned())),
            ))
        };
        let runs = waits(&go);
        let behind = queue.run(echo("behind"));
        let then = async {
            until_messages(&jobs, ghosts + 2).await;
            let worker = Host::start(&nats.url(), &[]);
            soon("it runs", || marks(&mark) == 1).await;
            // This worker tidies up as soon as it starts, while a job runs and another one waits.
            let other = Host::start(&nats.url(), &[("type", "other")]);
            fs::write(&go, "").unwrap();
            (worker, other)
        };
        let (runs, behind, _workers) = tokio::join!(runs, behind, then);
        assert_eq!(
            (runs.as_deref(), behind.as_deref()),
            (Ok(""), Ok("behind"))
        );
        until_messages(&jobs, 0).await;
        assert_eq!(marks(&mark), 1);
        assert_eq!(
            Metrics(queue.metrics().await)
                .get("job_queue_resubmitted_total"),
            0.0
        );
    });
}

/// A server that is killed at the moment when its queue gets empty can restart with the index of a
/// queue that was not. Then it numbers jobs from 1 again, and delivers none of them.
#[test]
fn after_a_kill_of_the_server_in_the_wrong_moment_jobs_are_delivered_again()
{
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(&nats.url(), &[("workers", "2")]);
        kill_in_the_wrong_moment(nats, &queue).await;
        nats.restart();
        for text in ["one", "two"] {
            assert_eq!(queue.run(echo(text)).await.as_deref(), Ok(text));
        }
        drop(worker);
    });
}

/// The new jobs come before a worker that could repair the queue. The server takes some of
/// them for jobs that were deleted, but still counts them.
#[test]
fn after_a_kill_in_the_wrong_moment_jobs_that_come_before_the_workers_are_sent_again()
 {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(&nats.url(), &[("workers", "2")]);
        kill_in_the_wrong_moment(nats, &queue).await;
        drop((queue, worker));
        nats.restart();

        // So long that the worker usually comes first, as with the default.
        let check_interval = Duration::from_secs(2);
        let queue =
            connect(Options { check_interval, ..options(nats) }).await;
        let texts: Vec<_> =
            (0..20).map(|number| number.to_string()).collect();
        let jobs = queue.map(texts.iter().map(|text| echo(text)));
        let then = async {
            until_messages(&stream(nats, "jobs").await, 20).await;
            Host::start(&nats.url(), &[])
        };
        let (results, _worker) = tokio::join!(jobs, then);
        assert_eq!(results, texts.into_iter().map(Ok).collect::<Vec<_>>());
        until_messages(&stream(nats, "jobs").await, 0).await;
    });
}

/// Kills the server so that its files contradict each other.
async fn kill_in_the_wrong_moment(nats: &mut Nats, queue: &Queue<Task>) {
    let (mark, go) = (nats.file("mark"), nats.file("go"));
    let index = nats.file("data/jetstream/$G/streams/jobs/msgs/1.idx");
    let first = queue
        .run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone()))));
    let then = async {
        soon("it has begun", || marks(&mark) == 1).await;
        // These are done before the first one, so the index lists gaps.
        for number in 0..5 {
            queue.run(echo(&number.to_string())).await.unwrap();
        }
        until_messages(&stream(nats, "jobs").await, 1).await;
        nats.stop();
        let saved = fs::read(&index);
        nats.restart();
        until_messages(&stream(nats, "jobs").await, 1).await;
        fs::write(&go, "").unwrap();
        saved
    };
    let (first, saved) = tokio::join!(first, then);
    assert_eq!(first, Ok(String::new()));
    until_messages(&stream(nats, "jobs").await, 0).await;
    nats.kill();
    // Newer servers have no such file.
    if let Ok(saved) = saved {
        fs::write(&index, saved).unwrap();
    }
}

/// Trap 14: a power cut can lose a job that the server has accepted. Here its file is gone.
#[test]
fn a_job_that_the_server_has_lost_is_sent_again() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let job = queue.run(echo("not lost"));
        let then = async {
            until_messages(&stream(nats, "jobs").await, 1).await;
            stream(nats, "jobs").await.purge().await.unwrap();
            nats.kill();
            nats.restart();
            Host::start(&nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(job, then);
        assert_eq!(result.as_deref(), Ok("not lost"));
        assert!(
            queue.metrics().await.contains("job_queue_resubmitted_total 1")
        );
    });
}

#[test]
fn a_server_that_is_away_ends_in_an_error_and_never_in_a_call_without_end()
{
    with_nats(async |nats| {
        let away = Duration::from_millis(500);
        let queue =
            connect(Options { away_limit: away, ..options(nats) }).await;
        let patient = client(nats).await;
        let waits = queue.run(echo("accepted"));
        let survives = patient.run(echo("survives"));
        let after = async {
            let then = async {
                until_messages(&stream(nats, "jobs").await, 2).await;
                nats.kill();
                let call = Call { deadline: Some(away / 2), trace: None };
                let result = patient.run_with(echo("deadline"), call).await;
                assert_eq!(result, Err(PoolError::DeadlinePassed.into()));
                let result = queue.run(echo("away")).await;
                assert!(
                    matches!(result, Err(Error::Unreachable { .. })),
                    "{result:?}"
                );
                // To a server that is away at the start, nothing connects.
                let limits =
                    Options { connect_limit: away, ..options(nats) };
                let result = Queue::<Task>::connect(limits.clone()).await;
                let Err(error @ Error::Unreachable { .. }) = result else {
                    panic!("{result:?}")
                };
                let start = format!(
                    "the NATS server at {} cannot be reached: ",
                    nats.url()
                );
                assert!(error.to_string().starts_with(&start), "{error}");
                let config = WorkerConfig::default();
                let result =
                    Worker::<Task>::connect(limits, config).await.map(drop);
                assert!(
                    matches!(result, Err(Error::Unreachable { .. })),
                    "{result:?}"
                );
            };
            let (waits, ()) = tokio::join!(waits, then);
            assert!(
                matches!(waits, Err(Error::Unreachable { .. })),
                "{waits:?}"
            );
            nats.restart();
            Host::start(&nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(survives, after);
        assert_eq!(result.as_deref(), Ok("survives"));
        assert_eq!(queue.run(echo("back")).await.as_deref(), Ok("back"));
    });
}

#[test]
fn wrong_credentials_are_refused() {
    let Some(nats) = Nats::start_with(&["-js", "--auth", "right"]) else {
        return;
    };
    Runtime::new().unwrap().block_on(async {
        for nats_options in [
            ConnectOptions::new(),
            ConnectOptions::with_token("wrong".into()),
        ] {
            let refused = Queue::<Task>::connect(Options {
                nats: nats_options,
                ..options(&nats)
            })
            .await;
            assert!(
                matches!(refused, Err(Error::Refused { .. })),
                "{refused:?}"
            );
        }
        let right = ConnectOptions::with_token("right".into());
        let queue =
            connect(Options { nats: right, ..options(&nats) }).await;
        let _worker = Host::start(&nats.url(), &[("token", "right")]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
        let url = format!("nats://right@{}", nats.address);
        let queue = connect(Options { url, ..options(&nats) }).await;
        assert_eq!(
            queue.run(echo("in again")).await.as_deref(),
            Ok("in again")
        );
    });
}

#[test]
fn a_password_is_checked_and_appears_in_no_error() {
    let options_of_server = ["-js", "--user", "queue", "--pass", "secret"];
    let Some(nats) = Nats::start_with(&options_of_server) else { return };
    Runtime::new().unwrap().block_on(async {
        let url = |password: &str| {
            format!("nats://queue:{password}@{}", nats.address)
        };
        let refused = Queue::<Task>::connect(Options {
            url: url("sesame"),
            ..options(&nats)
        })
        .await;
        let Err(error @ Error::Refused { .. }) = refused else {
            panic!("{refused:?}")
        };
        assert!(error.to_string().contains(&nats.address), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
        // As a URL must write it.
        let url = url("sec%72et");
        let queue =
            connect(Options { url: url.clone(), ..options(&nats) }).await;
        let _worker = Host::start(&url, &[]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    if !certificate(folder.path()) {
        return;
    }
    let path =
        |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let options_of_server =
        ["-js", "--tls", "--tlscert", &certificate, "--tlskey", &key];
    let Some(nats) = Nats::start_with(&options_of_server) else { return };
    Runtime::new().unwrap().block_on(async {
        let refused = Queue::<Task>::connect(options(&nats)).await;
        let Err(Error::Refused { reason, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert!(reason.contains("certificate"), "{reason}");
        let trusts = ConnectOptions::new()
            .add_root_certificates(certificate.clone().into());
        let queue =
            connect(Options { nats: trusts, ..options(&nats) }).await;
        let _worker = Host::start(&nats.url(), &[("ca", &certificate)]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}

#[test]
fn one_of_several_servers_may_be_away() {
    with_nats(async |nats| {
        let url = format!("nats://127.0.0.1:1,{}", nats.url());
        let queue =
            connect(Options { url: url.clone(), ..options(nats) }).await;
        let _worker = Host::start(&url, &[]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}
