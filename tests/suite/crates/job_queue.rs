//! The queue for many machines: the real server on the loopback interface, and workers in processes
//! of their own that are stopped and killed. Every trap of the server has a test.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream::Stream};
use futures::StreamExt;
use job_queue::{Call, Error, Options, PoolConfig, Queue, Worker, WorkerConfig};
use process_pool::{Error as PoolError, Pool};
use rustix::process::Signal;
use tests::nats::{Host, Metrics, Nats};
use tests::pool::{Task, soon};
use tests::{LIMIT, has, runtime};
use tokio::time::{sleep, timeout};

const HOST: &str = env!("CARGO_BIN_EXE_queue-host");
const POOL_HOST: &str = env!("CARGO_BIN_EXE_pool-host");

/// An acknowledgment time that is short, but not so short that a busy machine misses it.
const ACK_WAIT: Duration = Duration::from_millis(600);

/// Runs a test against a server of its own, unless there is none on this machine.
fn with_nats(test: impl AsyncFnOnce(&mut Nats)) {
    with_nats_for(2 * LIMIT, test);
}

/// The same with a time limit of its own.
fn with_nats_for(limit: Duration, test: impl AsyncFnOnce(&mut Nats)) {
    let Some(mut nats) = Nats::start() else { return };
    // Several threads, because a worker that starts may block one of them and need the proxy.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        timeout(limit, test(&mut nats)).await.expect("within the limit");
    });
}

fn options(nats: &Nats) -> Options {
    Options { url: nats.url(), ack_wait: ACK_WAIT, ..Options::default() }
}

async fn connect(options: Options) -> Queue<Task> {
    Queue::connect(options).await.unwrap()
}

async fn client(nats: &Nats) -> Queue<Task> {
    connect(options(nats)).await
}

fn echo(text: &str) -> Task {
    Task::Echo(text.to_owned())
}

/// How many times a job has begun that leaves a mark in this file.
fn marks(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[test]
fn the_same_jobs_end_in_the_same_way_as_in_a_pool() {
    with_nats(async |nats| {
        let config =
            PoolConfig { program: Some(POOL_HOST.into()), workers: 1, ..PoolConfig::default() };
        let pool = Pool::<Task>::start(config).await.unwrap();
        let queue = connect(Options { deliveries: 2, ..options(nats) }).await;
        let _worker = Host::start(HOST, &nats.url(), &[("deliveries", "2")]);
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
        let expected: Vec<_> =
            pool.map(jobs()).await.into_iter().map(|it| it.map_err(Error::Pool)).collect();
        assert_eq!(queue.map(jobs()).await, expected);
    });
}

#[test]
fn many_machines() {
    if has(Path::new("nats-server")) {
        tests::transcript_of("many-machines").check();
    }
}

#[test]
fn a_map_waits_while_the_queue_is_full() {
    with_nats(async |nats| {
        let queue = connect(Options { capacity: 5, ..options(nats) }).await;
        let worker = Host::start(HOST, &nats.url(), &[("workers", "2")]);
        let results = queue.map((0..200).map(|number| echo(&number.to_string()))).await;
        let numbers: Vec<_> = results.into_iter().map(|result| result.unwrap()).collect();
        assert_eq!(numbers, (0..200).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(queue.metrics().await.contains("job_queue_refused_total"));
        assert_eq!(worker.stop().get(r#"job_worker_finished_total{outcome="done"}"#), 200.0);
    });
}

/// Trap 1: without signs of life the job would be delivered again after the acknowledgment time.
#[test]
fn a_job_that_takes_longer_than_the_acknowledgment_time_runs_once() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let workers: Vec<_> = (0..2).map(|_| Host::start(HOST, &nats.url(), &[])).collect();
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let job = queue.run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone()))));
        let release = async {
            soon("it has begun", || marks(&mark) > 0).await;
            sleep(4 * ACK_WAIT).await;
            fs::write(&go, "").unwrap();
        };
        assert_eq!(tokio::join!(job, release).0, Ok(String::new()));
        assert_eq!(marks(&mark), 1);
        assert_eq!(queue.duplicates(), 0);
        let redelivered: f64 =
            workers.into_iter().map(|worker| worker.stop().get(REDELIVERED)).sum();
        assert_eq!(redelivered, 0.0);
    });
}

const REDELIVERED: &str = "job_worker_redelivered_total";
const DUPLICATES: &str = "job_worker_duplicates_total";
const REJECTED: &str = "job_worker_rejected_total";
const HANDED_BACK: &str = "job_worker_handed_back_total";
const CANCELED: &str = "job_worker_canceled_total";

/// Traps 2, 3 and 4: a worker that was stopped does not learn that another one has its job. Both do
/// it, and the first result is the one that counts.
#[test]
fn a_stopped_workers_job_is_done_elsewhere_and_its_late_result_is_discarded() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let stopped = Host::start(HOST, &nats.url(), &[]);
        let job = queue.run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone()))));
        let stop = async {
            soon("it has begun", || marks(&mark) == 1).await;
            stopped.signal(Signal::STOP);
            let other = Host::start(HOST, &nats.url(), &[]);
            soon("it runs elsewhere", || marks(&mark) == 2).await;
            fs::write(&go, "").unwrap();
            other
        };
        let (result, other) = tokio::join!(job, stop);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(queue.duplicates(), 0);
        assert_eq!(other.stop().get(REDELIVERED), 1.0);

        stopped.signal(Signal::CONT);
        soon("the late result is counted", || queue.duplicates() == 1).await;
        assert_eq!(stopped.stop().get(DUPLICATES), 1.0);
        let results = stream(nats, "jobs-results").await;
        let ours = results.info_with_subjects("jobs.results.*.1").await.unwrap();
        let counts: Vec<_> = ours.collect().await;
        assert!(matches!(&counts[..], [Ok((_, 1))]), "stored once: {counts:?}");
    });
}

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
            raw.publish("jobs.jobs", "x".into()).await.unwrap().await.unwrap();
        }
        let batch = consumer.fetch().max_messages(1_100).messages().await.unwrap();
        assert_eq!(batch.count().await, 1_100);
        drop(queue);
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
            assert_eq!(queue.run(echo("four")).await, Err(PoolError::QueueFull.into()));
            Host::start(HOST, &nats.url(), &[])
        };
        let (results, worker) = tokio::join!(futures::future::join_all(jobs), then);
        assert_eq!(results, texts.map(|text| Ok(text.to_owned())));
        // A job leaves the queue shortly after its result has arrived.
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(queue.run(echo("four")).await.as_deref(), Ok("four"), "there is room again");
        drop(worker);
    });
}

/// Trap 8: the server would keep a job that reached its last delivery forever, and never deliver it.
#[test]
fn a_job_that_kills_its_workers_is_a_dead_letter_and_its_neighbors_are_done() {
    with_nats(async |nats| {
        let queue = connect(Options { deliveries: 2, ..options(nats) }).await;
        let mark = nats.file("mark");
        // The shell takes the place of the job's process, so its parent is the worker.
        let deadly = Task::Mark(mark.clone(), Box::new(Task::Exec("kill -9 $PPID".into())));
        let neighbors = || queue.map((0..20).map(|number| echo(&number.to_string())));
        let supply = async {
            let mut died = 0;
            loop {
                let mut worker = Host::start(HOST, &nats.url(), &[("deliveries", "2")]);
                while worker.is_running() {
                    if queue.outstanding() == 0 {
                        return (died, worker);
                    }
                    sleep(Duration::from_millis(5)).await;
                }
                died += 1;
            }
        };
        let (before, result, after, (died, worker)) =
            tokio::join!(neighbors(), queue.run(deadly), neighbors(), supply);
        assert!(before.iter().chain(&after).all(Result::is_ok));
        let Err(Error::DeadLetter(reason)) = result else { panic!("{result:?}") };
        assert_eq!(reason, "its workers died or hung, in 2 deliveries");
        assert_eq!((died, marks(&mark)), (2, 2));

        let letters = queue.dead_letters().list().await.unwrap();
        let [letter] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!((letter.reason.as_str(), letter.deliveries), (reason.as_str(), 2));
        assert!(letter.job_type.ends_with("Task"), "{letter:?}");
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert!(queue.metrics().await.contains("job_queue_dead_letters 1"));

        // After its cause is fixed, it can be sent again. Here it kills another worker.
        let again = queue.dead_letters().send_again(letter.sequence).await.unwrap().unwrap();
        assert_ne!(again, letter.id);
        soon("it was delivered", || marks(&mark) == 3).await;
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
        assert_eq!(queue.dead_letters().send_again(letter.sequence).await, Ok(None));
        drop(worker);
    });
}

#[test]
fn a_job_that_kills_its_own_process_costs_no_worker() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let mut worker = Host::start(HOST, &nats.url(), &[("deliveries", "2")]);
        let result = queue.run(Task::Exit(3)).await;
        assert!(
            matches!(result, Err(Error::Pool(PoolError::WorkerDied(s))) if s.code() == Some(3))
        );
        let letters = queue.dead_letters().list().await.unwrap();
        assert_eq!(letters[0].reason, "its process died (exit status: 3), in 2 deliveries");
        assert!(worker.is_running());
        queue.dead_letters().remove(letters[0].sequence).await.unwrap();
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
    });
}

/// Trap 9: an attempt to send a job may succeed although its acknowledgment is lost. The server
/// recognizes a second attempt for two minutes, which is longer than a client tries.
#[test]
fn a_job_whose_acknowledgment_is_lost_is_stored_once() {
    with_nats(async |nats| {
        let _worker = Host::start(HOST, &nats.url(), &[]);
        let proxy = Proxy::start(&nats.address).await;
        let queue = connect(Options { url: proxy.url(), ..options(nats) }).await;
        let window = stream(nats, "jobs").await.get_info().await.unwrap().config.duplicate_window;
        assert!(window >= 2 * Options::default().away_limit, "{window:?}");

        let mark = nats.file("mark");
        proxy.stall(Way::Back);
        let job = queue.run(Task::Mark(mark.clone(), Box::new(echo("done"))));
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

/// Trap 10.
#[test]
fn a_job_or_a_result_over_the_servers_limit_is_refused_with_both_sizes() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let _worker = Host::start(HOST, &nats.url(), &[]);
        let limit = 1 << 20;
        let result = queue.run(echo(&"x".repeat(limit + 1))).await;
        let Err(Error::Pool(PoolError::TooLarge { size, limit: named })) = result else {
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

/// Trap 11: a server of a version that was never tried is refused by its number.
#[test]
fn a_server_that_is_too_old_or_has_no_jetstream_is_refused() {
    runtime().block_on(async {
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
    runtime().block_on(async {
        let limit = Duration::from_millis(200);
        let refused =
            Queue::<Task>::connect(Options { connect_limit: limit, ..options(&nats) }).await;
        let Err(Error::Unsuitable(reason)) = refused else { panic!("{refused:?}") };
        assert!(reason.starts_with("JetStream is disabled; start"), "{reason}");
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
        assert!(matches!(refused, Err(Error::Unsuitable(_))), "{refused:?}");
        let refused =
            Queue::<Task>::connect(Options { queue: "a.b".into(), ..options(nats) }).await;
        assert!(matches!(refused, Err(Error::Unsuitable(_))), "{refused:?}");
    });
}

/// Trap 12: no engine cancels a running job.
#[test]
fn canceling_a_call_cancels_its_job_whether_it_waits_or_runs() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(HOST, &nats.url(), &[]);
        let (runs, waits) = (nats.file("runs"), nats.file("waits"));
        let jobs = stream(nats, "jobs").await;
        let mut endless = Box::pin(queue.run(Task::Mark(runs.clone(), Box::new(Task::Loop))));
        let mut behind = Box::pin(queue.run(Task::Mark(waits.clone(), Box::new(echo("")))));
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
fn a_job_that_is_canceled_before_it_is_accepted_runs_only_on_workers_that_have_not_heard_of_it() {
    with_nats(async |nats| {
        let _queue = client(nats).await;
        let jobs = stream(nats, "jobs").await;
        let raw = raw(nats).await;
        let mut cancels = raw.client().subscribe("jobs.cancel").await.unwrap();
        // The server handles the messages of a connection in order, so after its answer to the next
        // one the subscription exists.
        raw.get_stream("jobs").await.unwrap();
        let mark = nats.file("mark");
        // Sends a job, and cancels it when the server has it and the client does not know that.
        let cancel = async |before: u64| {
            let proxy = Proxy::start(&nats.address).await;
            let queue = connect(Options { url: proxy.url(), ..options(nats) }).await;
            proxy.stall(Way::Back);
            let mut job = Box::pin(queue.run(Task::Mark(mark.clone(), Box::new(echo("")))));
            tokio::select! {
                result = &mut job => panic!("it has ended: {result:?}"),
                () = until_messages(&jobs, before + 1) => {}
            }
            drop(job);
            timeout(LIMIT, cancels.next()).await.expect("the workers are told").unwrap();
            queue
        };

        // This worker is busy, hears of it, and drops the job when it comes.
        let worker = Host::start(HOST, &nats.url(), &[]);
        let (busy, go) = (nats.file("busy"), nats.file("go"));
        let queue = client(nats).await;
        let first = queue.run(Task::Mark(busy.clone(), Box::new(Task::Wait(go.clone()))));
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
        let worker = Host::start(HOST, &nats.url(), &[]);
        until_messages(&jobs, 0).await;
        assert_eq!((marks(&mark), worker.stop().get(CANCELED)), (1, 0.0));
    });
}

#[test]
fn a_deadline_ends_a_job_that_runs_and_one_that_waits() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let call = |seconds| Call { deadline: Some(Duration::from_secs_f64(seconds)), trace: None };
        let late = Err(PoolError::DeadlinePassed.into());
        assert_eq!(queue.run_with(echo("no worker"), call(0.2)).await, late);
        until_messages(&stream(nats, "jobs").await, 0).await;
        let worker = Host::start(HOST, &nats.url(), &[]);
        assert_eq!(queue.run_with(Task::Loop, call(0.3)).await, late);
        assert_eq!(queue.run(echo("next")).await.as_deref(), Ok("next"));
        // This one has no client that would cancel it.
        let mut headers = headers("gone.1");
        headers.insert("Job-Limit-Ms", "300");
        publish(nats, headers, postcard_of(&Task::Loop)).await;
        assert_eq!(queue.run(echo("next")).await.as_deref(), Ok("next"));
        assert!(worker.stop().get(r#"job_worker_finished_total{outcome="deadline"}"#) >= 1.0);
    });
}

/// The deadline is a duration, and the server's clock tells how much of it is left.
#[test]
fn deadlines_hold_although_the_workers_clock_is_an_hour_wrong() {
    use std::time::SystemTime;
    const HOUR: Duration = Duration::from_secs(3600);
    with_nats(async |nats| {
        let queue = client(nats).await;
        for clock in [|| SystemTime::now() + HOUR, || SystemTime::now() - HOUR] {
            // A client that is gone has left this job, and its deadline has passed.
            let mark = nats.file("mark");
            let job = postcard_of(&Task::Mark(mark.clone(), Box::new(echo(""))));
            let mut headers = headers("gone.1");
            headers.insert("Job-Limit-Ms", "1");
            publish(nats, headers, job).await;
            sleep(Duration::from_millis(20)).await;

            let program = Some(HOST.into());
            let pool = PoolConfig { program, workers: 1, ..PoolConfig::default() };
            let config = WorkerConfig { pool, ..WorkerConfig::default() };
            let options = Options { clock, ..options(nats) };
            let worker = Worker::<Task>::connect(options, config).await.unwrap();
            let metrics = worker.metrics();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let run = worker.run(async { drop(stopped.await) });
            let call = Call { deadline: Some(Duration::from_secs(30)), trace: None };
            let use_it = async {
                assert_eq!(queue.run_with(echo("in time"), call).await.as_deref(), Ok("in time"));
                stop.send(()).unwrap();
            };
            tokio::join!(run, use_it);
            assert_eq!(marks(&mark), 0);
            let metrics = Metrics(metrics());
            assert_eq!(metrics.get(r#"job_worker_finished_total{outcome="deadline"}"#), 1.0);
            assert_eq!(metrics.get(r#"job_worker_finished_total{outcome="done"}"#), 1.0);
            stream(nats, "jobs-results").await.purge().await.unwrap();
        }
    });
}

/// Trap 13: a server that is killed soon after many acknowledgments restarts with messages that it
/// never delivers, and that take up room.
#[test]
fn after_a_kill_of_the_server_the_queue_has_its_whole_capacity_again() {
    const CAPACITY: u32 = 500;
    with_nats(async |nats| {
        let queue = connect(Options { capacity: CAPACITY, ..options(nats) }).await;
        let texts = || (0..CAPACITY).map(|number| echo(&number.to_string()));
        // The server must be killed before it has written what it deleted. If it was too late,
        // another attempt follows.
        loop {
            let worker = Host::start(HOST, &nats.url(), &[("workers", "2"), ("prefetch", "10")]);
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
        assert_eq!(queue.run(echo("more")).await, Err(PoolError::QueueFull.into()));
    });
}

/// A ghost whose result has expired, or that was canceled, is known by the server's word that it
/// waits for no acknowledgment. A job that runs or waits is none.
#[test]
fn a_finished_job_without_a_result_takes_up_no_room_after_a_kill_of_the_server() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let jobs = stream(nats, "jobs").await;
        loop {
            let worker = Host::start(HOST, &nats.url(), &[]);
            let done = queue.map((0..100).map(|number| echo(&number.to_string()))).await;
            assert!(done.iter().all(Result::is_ok));
            nats.kill();
            drop(worker);
            nats.restart();
            if stream(nats, "jobs").await.cached_info().state.messages > 0 {
                break;
            }
        }
        let ghosts = stream(nats, "jobs").await.cached_info().state.messages;
        stream(nats, "jobs-results").await.purge().await.unwrap();

        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let waits =
            |go: &Path| queue.run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.to_owned()))));
        let runs = waits(&go);
        let behind = queue.run(echo("behind"));
        let then = async {
            until_messages(&jobs, ghosts + 2).await;
            let worker = Host::start(HOST, &nats.url(), &[]);
            soon("it runs", || marks(&mark) == 1).await;
            // This worker tidies up as soon as it starts, while a job runs and another one waits.
            let other = Host::start(HOST, &nats.url(), &[("type", "other")]);
            fs::write(&go, "").unwrap();
            (worker, other)
        };
        let (runs, behind, _workers) = tokio::join!(runs, behind, then);
        assert_eq!((runs.as_deref(), behind.as_deref()), (Ok(""), Ok("behind")));
        until_messages(&jobs, 0).await;
        assert_eq!(marks(&mark), 1);
        assert_eq!(Metrics(queue.metrics().await).get("job_queue_resubmitted_total"), 0.0);
    });
}

/// A server that is killed at the moment when its queue gets empty can restart with the index of a
/// queue that was not. Then it numbers jobs from 1 again, and delivers none of them.
#[test]
fn after_a_kill_of_the_server_in_the_wrong_moment_jobs_are_delivered_again() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(HOST, &nats.url(), &[("workers", "2")]);
        kill_in_the_wrong_moment(nats, &queue).await;
        nats.restart();
        for text in ["one", "two"] {
            assert_eq!(queue.run(echo(text)).await.as_deref(), Ok(text));
        }
        drop(worker);
    });
}

/// The same if the new jobs come before a worker that could repair the queue. The server takes some of
/// them for jobs that were deleted, but still counts them.
#[test]
fn after_a_kill_in_the_wrong_moment_jobs_that_come_before_the_workers_are_sent_again() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let worker = Host::start(HOST, &nats.url(), &[("workers", "2")]);
        kill_in_the_wrong_moment(nats, &queue).await;
        drop((queue, worker));
        nats.restart();

        // So long that the worker usually comes first, as with the default.
        let check_interval = Duration::from_secs(2);
        let queue = connect(Options { check_interval, ..options(nats) }).await;
        let texts: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        let jobs = queue.map(texts.iter().map(|text| echo(text)));
        let then = async {
            until_messages(&stream(nats, "jobs").await, 20).await;
            Host::start(HOST, &nats.url(), &[])
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
    let first = queue.run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone()))));
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
            Host::start(HOST, &nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(job, then);
        assert_eq!(result.as_deref(), Ok("not lost"));
        assert!(queue.metrics().await.contains("job_queue_resubmitted_total 1"));
    });
}

#[test]
fn a_server_that_is_away_ends_in_an_error_and_never_in_a_call_without_end() {
    with_nats(async |nats| {
        let away = Duration::from_millis(500);
        let queue = connect(Options { away_limit: away, ..options(nats) }).await;
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
                assert!(matches!(result, Err(Error::Unreachable { .. })), "{result:?}");
                // To a server that is away at the start, nothing connects.
                let limits = Options { connect_limit: away, ..options(nats) };
                let result = Queue::<Task>::connect(limits.clone()).await;
                let Err(error @ Error::Unreachable { .. }) = result else { panic!("{result:?}") };
                let start = format!("the NATS server at {} cannot be reached: ", nats.url());
                assert!(error.to_string().starts_with(&start), "{error}");
                let config = WorkerConfig::default();
                let result = Worker::<Task>::connect(limits, config).await.map(drop);
                assert!(matches!(result, Err(Error::Unreachable { .. })), "{result:?}");
            };
            let (waits, ()) = tokio::join!(waits, then);
            assert!(matches!(waits, Err(Error::Unreachable { .. })), "{waits:?}");
            nats.restart();
            Host::start(HOST, &nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(survives, after);
        assert_eq!(result.as_deref(), Ok("survives"));
        assert_eq!(queue.run(echo("back")).await.as_deref(), Ok("back"));
    });
}

#[test]
fn wrong_credentials_are_refused() {
    let Some(nats) = Nats::start_with(&["-js", "--auth", "right"]) else { return };
    runtime().block_on(async {
        for nats_options in [
            job_queue::ConnectOptions::new(),
            job_queue::ConnectOptions::with_token("wrong".into()),
        ] {
            let refused =
                Queue::<Task>::connect(Options { nats: nats_options, ..options(&nats) }).await;
            assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        }
        let right = job_queue::ConnectOptions::with_token("right".into());
        let queue = connect(Options { nats: right, ..options(&nats) }).await;
        let _worker = Host::start(HOST, &nats.url(), &[("token", "right")]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
        let url = format!("nats://right@{}", nats.address);
        let queue = connect(Options { url, ..options(&nats) }).await;
        assert_eq!(queue.run(echo("in again")).await.as_deref(), Ok("in again"));
    });
}

#[test]
fn a_password_is_checked_and_appears_in_no_error() {
    let options_of_server = ["-js", "--user", "queue", "--pass", "secret"];
    let Some(nats) = Nats::start_with(&options_of_server) else { return };
    runtime().block_on(async {
        let url = |password: &str| format!("nats://queue:{password}@{}", nats.address);
        let refused =
            Queue::<Task>::connect(Options { url: url("sesame"), ..options(&nats) }).await;
        let Err(error @ Error::Refused { .. }) = refused else { panic!("{refused:?}") };
        assert!(error.to_string().contains(&nats.address), "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
        // As a URL must write it.
        let url = url("sec%72et");
        let queue = connect(Options { url: url.clone(), ..options(&nats) }).await;
        let _worker = Host::start(HOST, &url, &[]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    if !tests::nats::certificate(folder.path()) {
        return;
    }
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let options_of_server = ["-js", "--tls", "--tlscert", &certificate, "--tlskey", &key];
    let Some(nats) = Nats::start_with(&options_of_server) else { return };
    runtime().block_on(async {
        let refused = Queue::<Task>::connect(options(&nats)).await;
        let Err(Error::Refused { reason, .. }) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("certificate"), "{reason}");
        let trusts =
            job_queue::ConnectOptions::new().add_root_certificates(certificate.clone().into());
        let queue = connect(Options { nats: trusts, ..options(&nats) }).await;
        let _worker = Host::start(HOST, &nats.url(), &[("ca", &certificate)]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}

#[test]
fn one_of_several_servers_may_be_away() {
    with_nats(async |nats| {
        let url = format!("nats://127.0.0.1:1,{}", nats.url());
        let queue = connect(Options { url: url.clone(), ..options(nats) }).await;
        let _worker = Host::start(HOST, &url, &[]);
        assert_eq!(queue.run(echo("in")).await.as_deref(), Ok("in"));
    });
}

#[test]
fn a_message_that_is_no_job_is_counted_and_harms_no_worker() {
    with_nats(async |nats| {
        let queue = client(nats).await;
        let mut worker = Host::start(HOST, &nats.url(), &[]);
        let mut garbage = vec![HeaderMap::new(), headers("an id"), headers("*"), headers("")];
        for (name, value) in [("Job-Format", "2"), ("Job-Limit-Ms", "soon")] {
            let mut wrong = headers("some.1");
            wrong.insert(name, value);
            garbage.push(wrong);
        }
        for headers in &garbage {
            publish(nats, headers.clone(), vec![0xff; 100]).await;
        }
        // With the right headers, it is the process of the job that finds the garbage.
        publish(nats, headers("some.1"), vec![0xff; 100]).await;
        raw(nats).await.client().publish("jobs.cancel", vec![0xff; 100].into()).await.unwrap();

        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(queue.run(echo("unharmed")).await.as_deref(), Ok("unharmed"));
        assert!(worker.is_running());
        let metrics = worker.stop();
        assert_eq!(metrics.get(REJECTED), garbage.len() as f64);
        assert_eq!(metrics.get(r#"job_worker_finished_total{outcome="broken"}"#), 1.0);
    });
}

#[test]
fn a_job_of_an_unknown_type_waits_for_a_worker_that_knows_it() {
    with_nats(async |nats| {
        let new = connect(Options { job_type: Some("new".into()), ..options(nats) }).await;
        let old = Host::start(HOST, &nats.url(), &[("type", "old"), ("deliveries", "2")]);
        let result = new.run(echo("of an unknown type")).await;
        let reason = "no worker for jobs of type new, in 2 deliveries";
        assert_eq!(result, Err(Error::DeadLetter(reason.into())));
        assert_eq!(old.stop().get(HANDED_BACK), 1.0);

        // Which worker gets a job is up to the server. The old one hands it back each time.
        let settings = [("type", "old"), ("deliveries", "1000")];
        let old = Host::start(HOST, &nats.url(), &settings);
        let job = new.run(echo("known"));
        let upgrade = async {
            let jobs = stream(nats, "jobs").await;
            let delivered = async || {
                let info = jobs.consumer_info("workers").await.unwrap();
                info.delivered.consumer_sequence
            };
            while delivered().await < 3 {
                sleep(Duration::from_millis(5)).await;
            }
            // A delivery to the old worker counts too.
            Host::start(HOST, &nats.url(), &[("type", "new"), ("deliveries", "1000")])
        };
        let (result, _new_worker) = tokio::join!(job, upgrade);
        assert_eq!(result.as_deref(), Ok("known"));
        assert!(old.stop().get(HANDED_BACK) >= 1.0);
    });
}

/// A network that swallows everything looks like an idle one, so the client sends pings.
#[test]
fn a_stalled_network_costs_time_and_no_result() {
    with_nats(async |nats| {
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let for_worker = Proxy::start(&nats.address).await;
        let for_client = Proxy::start(&nats.address).await;
        let queue = connect(Options { url: for_client.url(), ..options(nats) }).await;
        let stalled = Host::start(HOST, &for_worker.url(), &[]);
        let job = queue.run(Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone()))));
        let then = async {
            soon("it has begun", || marks(&mark) == 1).await;
            for_worker.stall(Way::Both);
            for_client.stall(Way::Both);
            let other = Host::start(HOST, &nats.url(), &[]);
            soon("it runs elsewhere", || marks(&mark) == 2).await;
            fs::write(&go, "").unwrap();
            other
        };
        // The result is published while the client's connection is stalled. It connects again, and
        // asks for it.
        let (result, other) = tokio::join!(job, then);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(other.stop().get(REDELIVERED), 1.0);
        drop(stalled);
    });
}

#[test]
fn a_worker_that_is_told_to_stop_finishes_its_job_or_hands_it_back() {
    with_nats(async |nats| {
        let hour = Duration::from_secs(3600);
        let queue = connect(Options { ack_wait: hour, ..options(nats) }).await;
        let (mark, go) = (nats.file("mark"), nats.file("go"));
        let job = || Task::Mark(mark.clone(), Box::new(Task::Wait(go.clone())));
        // This one has the time to finish.
        let worker = Host::start(HOST, &nats.url(), &[("grace", "60000")]);
        let call = queue.run(job());
        let then = async {
            soon("it has begun", || marks(&mark) == 1).await;
            let stopped = tokio::task::spawn_blocking(move || worker.stop());
            sleep(Duration::from_millis(100)).await;
            fs::write(&go, "").unwrap();
            stopped.await.unwrap()
        };
        let (result, metrics) = tokio::join!(call, then);
        assert_eq!(result, Ok(String::new()));
        assert_eq!(metrics.get(HANDED_BACK), 0.0);

        // This one does not. Its job is delivered again at once, and not after the hour.
        fs::remove_file(&go).unwrap();
        let worker = Host::start(HOST, &nats.url(), &[("grace", "1")]);
        let call = queue.run(job());
        let then = async {
            soon("it has begun", || marks(&mark) == 2).await;
            let metrics = tokio::task::spawn_blocking(move || worker.stop()).await.unwrap();
            assert_eq!(metrics.get(HANDED_BACK), 1.0);
            fs::write(&go, "").unwrap();
            Host::start(HOST, &nats.url(), &[])
        };
        let (result, _worker) = tokio::join!(call, then);
        assert_eq!((result, marks(&mark)), (Ok(String::new()), 3));
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
        assert_eq!(queue.run(echo("too late")).await, Err(PoolError::Closed.into()));
        until_messages(&stream(nats, "jobs").await, 0).await;
    });
}

/// Everything at once: workers are killed and stopped, and the server is killed too. How many jobs
/// there are is in `QUEUE_CHAOS_JOBS`; the figures for 10,000 are those of the guide's page.
#[test]
fn no_answer_is_lost_or_wrong_while_workers_and_the_server_are_killed() {
    let jobs = std::env::var("QUEUE_CHAOS_JOBS").map_or(500, |jobs| jobs.parse().unwrap());
    let (kills, stops, restarts) = (jobs / 50, jobs / 500, 3);
    with_nats_for(10 * LIMIT, async |nats| {
        let queue = connect(Options { deliveries: 20, in_flight: 100, ..options(nats) }).await;
        let log = nats.file("log");
        let settings = [("deliveries", "20"), ("workers", "2")];
        let url = nats.url();
        let mut workers: Vec<_> = (0..4).map(|_| Host::start(HOST, &url, &settings)).collect();
        let map = queue.map((0..jobs).map(|number| Task::Log(log.clone(), number)));
        let chaos = async {
            let mut random = Random(jobs);
            let mut stopped: Vec<(Instant, Host)> = Vec::new();
            let mut pids = Vec::new();
            let total = kills + stops + restarts;
            for step in 1..=total {
                // The steps are spread over the jobs.
                let due = usize::try_from(step * jobs / (total + 1)).unwrap();
                while marks(&log) < due {
                    sleep(Duration::from_millis(2)).await;
                }
                if step % (total / restarts) == 0 {
                    nats.kill();
                    nats.restart();
                    continue;
                }
                let mut other = Host::spawn(HOST, &url, &settings);
                let at = random.below(workers.len());
                std::mem::swap(&mut workers[at], &mut other);
                pids.push(other.id());
                if stops > 0 && step % (total / stops) == 1 {
                    other.signal(Signal::STOP);
                    stopped.push((Instant::now(), other));
                } else {
                    other.signal(Signal::KILL);
                }
                // Long after their jobs were given to others, the stopped ones go on.
                for (since, worker) in &stopped {
                    if since.elapsed() > 2 * ACK_WAIT {
                        worker.signal(Signal::CONT);
                    }
                }
            }
            for (_, worker) in &stopped {
                worker.signal(Signal::CONT);
            }
            (pids, stopped)
        };
        let began = Instant::now();
        let (results, (pids, stopped)) = tokio::join!(map, chaos);
        let took = began.elapsed();
        for (number, result) in results.iter().enumerate() {
            assert_eq!(result.as_deref(), Ok(number.to_string().as_str()));
        }
        let executions = marks(&log);
        let resubmitted = Metrics(queue.metrics().await).get("job_queue_resubmitted_total");
        eprintln!(
            "{jobs} jobs, {kills} kills, {stops} stops, {restarts} kills of the server: {executions} \
             executions, {} duplicate results, {resubmitted} sent again, {took:.1?}",
            queue.duplicates()
        );
        assert!(executions >= results.len());
        until_messages(&stream(nats, "jobs").await, 0).await;
        assert_eq!(queue.dead_letters().list().await, Ok(vec![]));
        drop((workers, stopped));
        for pid in pids {
            tests::processes::gone(pid).await;
        }
    });
}

/// A generator whose numbers are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A client without the queue in between.
async fn raw(nats: &Nats) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats.url()).await.unwrap())
}

/// A stream on the server. Right after a restart, the server may not answer yet.
async fn stream(nats: &Nats, name: &str) -> Stream {
    let deadline = Instant::now() + LIMIT;
    loop {
        match raw(nats).await.get_stream(name).await {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

/// Waits until a stream has this many messages.
async fn until_messages(stream: &Stream, count: u64) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let messages = stream.get_info().await.map(|info| info.state.messages);
        if messages.as_ref().is_ok_and(|messages| *messages == count) {
            return;
        }
        assert!(Instant::now() < deadline, "not {count} messages, but {messages:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a client knows that the server has accepted this many of its jobs.
async fn until_accepted(queue: &Queue<Task>, count: u64) {
    let accepted = format!("job_queue_submitted_total {count}");
    let until = async {
        while !queue.metrics().await.contains(&accepted) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, until).await.expect("the jobs are accepted");
}

/// The headers of a job with this id.
fn headers(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Job-Format", "1");
    headers.insert("Job-Id", id);
    headers.insert("Job-Type", std::any::type_name::<Task>());
    headers
}

async fn publish(nats: &Nats, headers: HeaderMap, payload: Vec<u8>) {
    let raw = raw(nats).await;
    raw.publish_with_headers("jobs.jobs", headers, payload.into()).await.unwrap().await.unwrap();
}

/// A job as a client encodes it.
fn postcard_of(job: &Task) -> Vec<u8> {
    let mut frame = Vec::new();
    process_pool::wire::append(job, usize::MAX, &mut frame).unwrap();
    frame.split_off(4)
}

/// A TCP proxy that can stop to forward without closing a connection.
struct Proxy {
    address: std::net::SocketAddr,
    state: tokio::sync::watch::Sender<Connections>,
}

/// What becomes of the connections that are open. New ones always work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connections {
    Work,
    Stall(Way),
    Close,
}

/// Which way is stalled: to the client, or both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Back,
    Both,
}

impl Proxy {
    async fn start(server: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = tokio::sync::watch::channel(Connections::Work);
        let (server, changes) = (server.to_owned(), state.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = tokio::net::TcpStream::connect(&server).await else { continue };
                let mut changes = changes.subscribe();
                changes.mark_unchanged();
                tokio::spawn(forward(client, server, changes));
            }
        });
        Self { address, state }
    }

    fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    fn stall(&self, way: Way) {
        self.state.send_replace(Connections::Stall(way));
    }

    fn cut(&self) {
        self.state.send_replace(Connections::Close);
    }
}

async fn forward(
    mut client: tokio::net::TcpStream,
    mut server: tokio::net::TcpStream,
    mut changes: tokio::sync::watch::Receiver<Connections>,
) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut up = Box::pin(tokio::io::copy(&mut from_client, &mut to_server));
    let mut down = Box::pin(tokio::io::copy(&mut from_server, &mut to_client));
    let (mut goes_up, mut goes_down) = (true, true);
    loop {
        tokio::select! {
            _ = &mut up, if goes_up => return,
            _ = &mut down, if goes_down => return,
            changed = changes.changed() => {
                match *changes.borrow_and_update() {
                    _ if changed.is_err() => return,
                    Connections::Close => return,
                    Connections::Work => {}
                    Connections::Stall(Way::Back) => goes_down = false,
                    Connections::Stall(Way::Both) => (goes_up, goes_down) = (false, false),
                }
            }
        }
    }
}
