//! The bounds of the service: its workers, its queue, its deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use testbed::http::Connection;

use crate::service::Service;
use crate::{
    ENDLESS, FOREVER, LARGE, allow_many_connections, for_each, runtime,
    sum_of_squares, ways, within,
};

/// By order: twenty answers of /health, each with all jobs under way, come before the deadline ends
/// the first job. A deadline that the machine is too slow for is doubled a few times.
#[test]
fn health_is_answered_while_every_worker_is_busy() {
    const EXPECTED: &str = r#"{"status":"ok","workers":3,"running":3,"waiting":4,"queue":4,"done":0}"#;
    runtime().block_on(async {
        for way in ways() {
            let mut deadlines = [1, 2, 4, 8].into_iter();
            loop {
                let deadline = deadlines.next().expect("/health comes before the jobs' deadline");
                let deadline = deadline.to_string();
                let limits = ["--workers", "3", "--queue", "4", "--deadline", &deadline];
                let service = Service::start(way, &[LARGE, &limits].concat()).await;
                let mut jobs = tokio::task::JoinSet::new();
                for _ in 0..7 {
                    let mut job = service.ask(FOREVER).await;
                    jobs.spawn(async move { within(job.answer()).await.unwrap().status });
                }
                let healths = async {
                    let mut connection = service.connect().await;
                    let mut all_under_way = 0;
                    while all_under_way < 20 {
                        let health = within(connection.get("/health")).await.unwrap();
                        all_under_way += usize::from(health.body == EXPECTED);
                    }
                };
                tokio::select! {
                    biased;
                    ended = jobs.join_next() => assert_eq!(ended.unwrap().unwrap(), 504, "{way}"),
                    () = healths => break,
                }
            }
        }
    });
}

/// The mistake: once as many jobs run as the runtime has threads, nothing else does.
#[test]
fn inline_health_waits_for_the_jobs() {
    let threads = std::thread::available_parallelism().unwrap().get();
    runtime().block_on(async {
        for (way, deadline, seen_all_running) in
            [("inline", "0.5", false), ("rayon", "30", true)]
        {
            let options = [LARGE, &["--deadline", deadline]].concat();
            let service = Service::start(way, &options).await;
            let asked: Vec<_> =
                (0..threads).map(|_| service.ask(FOREVER)).collect();
            let mut jobs = Vec::new();
            for asked in asked {
                jobs.push(asked.await);
            }
            let answers = async {
                for job in &mut jobs {
                    assert_eq!(
                        within(job.answer()).await.unwrap().status,
                        504,
                        "{way}"
                    );
                }
            };
            let mut most_running = 0;
            let health = async {
                while most_running < threads as u64 {
                    most_running =
                        most_running.max(service.load().await.running);
                }
            };
            tokio::select! {
                () = answers => {}
                () = health => {}
            }
            let seen = usize::try_from(most_running).unwrap() == threads;
            assert_eq!(
                seen, seen_all_running,
                "{way}: {most_running} of {threads} seen to run"
            );
        }
    });
}

#[test]
fn a_full_queue_is_said_at_once() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options =
                [ENDLESS, &["--workers", "1", "--queue", "2"]].concat();
            let service = Service::start(way, &options).await;
            let mut jobs = Vec::new();
            for _ in 0..3 {
                jobs.push(service.ask(FOREVER).await);
            }
            service.until(1, 2).await;

            let answer = service.get("/compute/10").await;
            assert_eq!(answer.status, 503, "{way}");
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.body, r#"{"detail":"The queue is full"}"#);

            // The next job takes the permit of one that has gone.
            jobs.pop();
            service.until(1, 1).await;
            jobs.push(service.ask(FOREVER).await);
            service.until(1, 2).await;
        })
        .await;
    });
}

#[test]
fn a_queue_of_none_still_runs_one_job_per_worker() {
    runtime().block_on(async {
        for way in ways() {
            let service =
                Service::start(way, &["--workers", "1", "--queue", "0"])
                    .await;
            for _ in 0..100 {
                assert_eq!(
                    service.get("/compute/10").await.status,
                    200,
                    "{way}"
                );
            }
        }
    });
}

/// Twenty thousand requests at once to the pool of processes, twenty-five on each of eight hundred
/// connections. The other ways have the same queue in front of them, and get a fifth of that.
#[test]
fn a_flood_is_answered_to_the_last_request() {
    const CONNECTIONS: usize = 800;
    allow_many_connections();
    runtime().block_on(async {
        for way in ways() {
            let each = if way == "processes" { 25 } else { 5 };
            // On a busy machine a job may wait for longer than the usual deadline.
            let options =
                [ENDLESS, &["--queue", "100", "--workers", "2"]].concat();
            let service = Service::start(way, &options).await;
            let mut watcher = service.connect().await;
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS {
                connections.push(service.connect().await);
            }
            let requests =
                "GET /compute/300000 HTTP/1.1\r\nhost: x\r\n\r\n"
                    .repeat(each);
            let expected =
                format!("{{\"result\":{}}}", sum_of_squares(300_000));
            let enough = Arc::new(AtomicBool::new(false));
            let mut clients = tokio::task::JoinSet::new();
            for mut connection in connections {
                let (requests, expected) =
                    (requests.clone(), expected.clone());
                let enough = Arc::clone(&enough);
                clients.spawn(async move {
                    let (mut computed, mut refused) = (0, 0);
                    loop {
                        connection
                            .send_raw(requests.as_bytes())
                            .await
                            .unwrap();
                        for _ in 0..each {
                            let answer =
                                within(connection.answer()).await.unwrap();
                            match answer.status {
                                200 => {
                                    assert_eq!(answer.body, expected);
                                    computed += 1;
                                }
                                503 => {
                                    assert!(
                                        answer
                                            .header("retry-after")
                                            .is_some()
                                    );
                                    refused += 1;
                                }
                                status => {
                                    panic!("{status} {}", answer.body)
                                }
                            }
                        }
                        if enough.load(Ordering::Relaxed) {
                            return (computed, refused);
                        }
                    }
                });
            }

            // Meanwhile /health never counts more jobs than allowed. The flood goes on until twenty
            // answers have come, so all of them have come during the flood.
            let answers = async {
                for _ in 0..20 {
                    let health =
                        within(watcher.get("/health")).await.unwrap();
                    let health: Value =
                        serde_json::from_str(&health.body).unwrap();
                    assert!(
                        health["running"].as_u64().unwrap() <= 2,
                        "{health}"
                    );
                    assert!(
                        health["waiting"].as_u64().unwrap() <= 102,
                        "{health}"
                    );
                }
                enough.store(true, Ordering::Relaxed);
            };
            let (counts, ()) = tokio::join!(clients.join_all(), answers);
            let computed: u64 =
                counts.iter().map(|(computed, _)| computed).sum();
            let refused: u64 =
                counts.iter().map(|(_, refused)| refused).sum();
            assert!(
                computed > 100 && refused > 0,
                "{way}: {computed} computed, {refused} refused"
            );
            let load = service.until(0, 0).await;
            assert_eq!(load.done, computed, "{way}");
        }
    });
}

/// More clients than connections are kept: the others wait, and are answered.
#[test]
fn more_clients_than_connections_are_all_answered() {
    runtime().block_on(async {
        allow_many_connections();
        let service = Service::start("rayon", &[]).await;
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..2_500 {
            let address = service.address.clone();
            clients.spawn(async move {
                let mut connection =
                    within(Connection::open(&address)).await.unwrap();
                let answer =
                    within(connection.get("/health")).await.unwrap();
                assert_eq!(answer.status, 200);
                (answer.header("connection") == Some("close"), connection)
            });
        }
        // No client closes its connection: it is the service that closes some.
        let clients = clients.join_all().await;
        assert!(
            clients.iter().filter(|(closes, _)| *closes).count() >= 1_600
        );
    });
}

#[test]
fn a_job_past_its_deadline_is_a_504() {
    runtime().block_on(async {
        for_each([ways(), vec!["inline"]].concat(), async |way| {
            let options =
                [LARGE, &["--workers", "1", "--deadline", "0.5"]].concat();
            let service = Service::start(way, &options).await;
            // One runs and one waits. Both have a deadline.
            let mut jobs =
                [service.ask(FOREVER).await, service.ask(FOREVER).await];
            for job in &mut jobs {
                let answer = within(job.answer()).await.unwrap();
                assert_eq!(answer.status, 504, "{way}");
                assert_eq!(
                    answer.body,
                    r#"{"detail":"The deadline has passed"}"#
                );
            }
            service.until(0, 0).await; // and they no longer use a worker
            assert_eq!(
                service.get("/compute/10").await.status,
                200,
                "{way}"
            );
        })
        .await;
    });
}
