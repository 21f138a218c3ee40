//! Signals, limits of the system, and the end of the service.

use std::process::Command;

use testbed::LIMIT;
use testbed::http::Connection;
use testbed::processes::Signal;
#[cfg(target_os = "linux")]
use testbed::processes::{self, id};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::service::{Service, address_of, spawn};
use crate::{
    ENDLESS, FOREVER, PAUSE, SERVICE, runtime, sum_of_squares, ways, within,
};

impl Service {
    fn signal(&self, signal: Signal) {
        self.child.signal(signal).unwrap();
    }

    /// Waits until the port is closed.
    async fn until_refused(&self) {
        let refused = async {
            while TcpStream::connect(&self.address).await.is_ok() {
                sleep(PAUSE).await;
            }
        };
        within(refused).await;
    }
}

/// The log shows if the job was still running when the service stopped. If the
/// job was too short for that, a longer one follows.
#[test]
fn running_requests_are_answered_after_a_signal() {
    let options = [
        ENDLESS,
        &["--workers", "1", "--grace", "3600", "--nice", "0", "--verbose"],
    ]
    .concat();
    runtime().block_on(async {
        for way in ways() {
            for signal in [Signal::TERM, Signal::INT] {
                let mut n = 50_000_000;
                while !answered_after(signal, way, &options, n).await {
                    n *= 4;
                }
            }
        }
    });
}

/// Signals a service with a running, a waiting and an idle request. Returns true
/// if the running one was answered after the service had begun to stop.
async fn answered_after(
    signal: Signal,
    way: &str,
    options: &[&str],
    n: u128,
) -> bool {
    let service = Service::start(way, options).await;
    let mut idle = service.connect().await;
    within(idle.get("/health")).await.unwrap();
    let mut runs = service.ask(&format!("/compute/{n}")).await;
    service.until_load(|load| load.running == 1 || load.done == 1).await;
    let mut waits = service.ask("/compute/10").await;
    service.until_load(|load| load.waiting == 1 || load.done >= 1).await;

    service.signal(signal);
    service.until_refused().await;
    assert_eq!(
        within(idle.rest()).await.unwrap(),
        b"",
        "an idle one is closed"
    );
    let answer = within(runs.answer()).await.unwrap();
    assert_eq!(
        answer.body,
        format!("{{\"result\":{}}}", sum_of_squares(n))
    );
    assert_eq!(
        within(waits.answer()).await.unwrap().body,
        r#"{"result":285}"#
    );
    let (status, said) = service.end().await;
    assert_eq!(status.code(), Some(0), "{way}");
    let stopping =
        said.find("stopping: running requests have 3600s").unwrap();
    let answered = said.find(&format!("GET /compute/{n} -> 200")).unwrap();
    assert!(said.contains("every request has been answered"), "{said}");
    stopping < answered
}

/// A load balancer sees the 503 while the port is still open.
#[test]
fn readiness_fails_before_the_port_is_closed() {
    runtime().block_on(async {
        let service = Service::start("rayon", &["--drain", "3600"]).await;
        let ready = service.get("/ready").await;
        assert_eq!(
            (ready.status, ready.body.as_str()),
            (200, r#"{"status":"ready"}"#)
        );
        assert_eq!(ready.header("connection"), None);

        service.signal(Signal::TERM);
        let unready = async {
            loop {
                let answer = service.get("/ready").await; // on a new connection
                if answer.status != 200 {
                    return answer;
                }
            }
        };
        let unready = within(unready).await;
        assert_eq!(unready.status, 503);
        assert_eq!(unready.body, r#"{"detail":"The service is stopping"}"#);
        // It works as before, but asks its clients to come back on a new connection.
        let answer = service.get("/compute/10").await;
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close"))
        );

        service.signal(Signal::TERM);
        let (status, said) = service.end().await;
        assert_eq!(status.code(), Some(0));
        assert!(said.contains("a second signal"), "{said}");
    });
}

#[test]
fn the_port_is_closed_when_the_drain_time_is_over() {
    runtime().block_on(async {
        let service =
            Service::start("rayon", &["--drain", "0.3", "--verbose"]).await;
        service.signal(Signal::TERM);
        service.until_refused().await;
        let (status, said) = service.end().await;
        assert_eq!(status.code(), Some(0));
        let draining = said
            .find("draining: accepting connections for another 300ms")
            .unwrap();
        let stopping = said.find("stopping: running requests").unwrap();
        assert!(draining < stopping, "{said}");
    });
}

/// The hard limit of 64 leaves room for 20 connections next to four workers. The other clients
/// wait, and the service never runs out of descriptors.
#[test]
fn connections_fit_the_limit_of_open_files() {
    runtime().block_on(async {
        let service = Service::start_after(
            "ulimit -n 64",
            "processes",
            &["--workers", "4"],
        )
        .await;
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let address = service.address.clone();
            clients.spawn(async move {
                let mut connection =
                    within(Connection::open(&address)).await.unwrap();
                let answer =
                    within(connection.get("/compute/10")).await.unwrap();
                assert_eq!(answer.body, r#"{"result":285}"#);
                connection
            });
        }
        let clients = clients.join_all().await;
        service.signal(Signal::TERM);
        let (status, said) = service.end().await;
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
        drop(clients);
    });
}

#[test]
fn the_soft_limit_of_open_files_is_raised() {
    runtime().block_on(async {
        let service =
            Service::start_after("ulimit -S -n 64", "rayon", &[]).await;
        let mut kept = Vec::new();
        for _ in 0..100 {
            let mut connection = service.connect().await;
            let answer = within(connection.get("/health")).await.unwrap();
            assert_eq!(
                (answer.status, answer.header("connection")),
                (200, None)
            );
            kept.push(connection);
        }
        service.signal(Signal::TERM);
        let (_, said) = service.end().await;
        assert_eq!(said, "", "it never ran out of descriptors");
    });
}

/// The terminal of a service may be closed. What it logs is lost then, and nothing else.
#[test]
fn a_log_that_cannot_be_written_fails_no_request() {
    runtime().block_on(async {
        let mut command = Command::new(SERVICE);
        let mut service = spawn(command.args(["--port", "0", "--verbose"]));
        let address = address_of(&mut service);
        drop(service.stderr.take());
        for _ in 0..3 {
            let mut connection =
                within(Connection::open(&address)).await.unwrap();
            let answer =
                within(connection.get("/compute/10")).await.unwrap();
            assert_eq!(answer.body, r#"{"result":285}"#);
        }
        service.signal(Signal::TERM).unwrap();
        let ended = service.wait_within(LIMIT).unwrap().expect("it ends");
        assert_eq!(ended.code(), Some(0));
    });
}

#[test]
fn a_second_signal_ends_it_at_once() {
    runtime().block_on(async {
        for way in ways() {
            let options = [ENDLESS, &["--grace", "3600"]].concat();
            let service = Service::start(way, &options).await;
            let mut job = service.ask(FOREVER).await;
            service.until(1, 0).await;
            service.signal(Signal::TERM);
            service.until_refused().await;
            service.signal(Signal::TERM);
            assert!(
                within(job.answer()).await.is_err(),
                "{way}: it was not answered"
            );
            let (status, said) = service.end().await;
            assert_eq!(status.code(), Some(0), "{way}");
            assert!(said.contains("a second signal"), "{said}");
        }
    });
}

#[test]
fn the_grace_period_ends_it() {
    runtime().block_on(async {
        for way in ways() {
            let options = [ENDLESS, &["--grace", "0.2"]].concat();
            let service = Service::start(way, &options).await;
            let mut job = service.ask(FOREVER).await;
            service.until(1, 0).await;
            service.signal(Signal::TERM);
            assert!(
                within(job.answer()).await.is_err(),
                "{way}: it was not answered"
            );
            let (status, said) = service.end().await;
            assert_eq!(status.code(), Some(0), "{way}");
            assert!(said.contains("the grace period is over"), "{said}");
        }
    });
}

#[test]
fn a_restart_gets_the_port_at_once() {
    runtime().block_on(async {
        for way in ways() {
            let mut service = Service::start(way, ENDLESS).await;
            let port =
                service.address.rsplit(':').next().unwrap().to_owned();
            for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
                // A connection that the service closes first is what holds a port.
                let mut idle = service.connect().await;
                within(idle.get("/health")).await.unwrap();
                let job = service.ask(FOREVER).await;
                service.until(1, 0).await;
                service.signal(signal);
                if signal != Signal::KILL {
                    service.until_refused().await;
                    service.signal(signal);
                }
                service.end().await;
                service = Service::start_on(&port, way, ENDLESS).await;
                assert_eq!(
                    service.get("/compute/10").await.status,
                    200,
                    "{way}"
                );
                drop((idle, job));
            }
        }
    });
}

#[cfg(target_os = "linux")]
fn workers_of(service: &Service) -> Vec<u32> {
    let children = processes::children_of(service.child.id());
    children.into_iter().map(|(child, _)| child).collect()
}

#[cfg(target_os = "linux")]
async fn until_gone(workers: &[u32]) {
    for worker in workers {
        processes::gone(*worker).await;
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_end_of_the_service_leaves_a_worker_behind() {
    runtime().block_on(async {
        let options = [ENDLESS, &["--workers", "3"]].concat();
        for signals in [
            &[Signal::KILL][..],
            &[Signal::TERM, Signal::TERM],
            &[Signal::QUIT],
        ] {
            let service = Service::start("processes", &options).await;
            let workers = workers_of(&service);
            assert_eq!(workers.len(), 3);
            let busy =
                [service.ask(FOREVER).await, service.ask(FOREVER).await];
            service.until(2, 0).await;
            for signal in signals {
                service.signal(*signal);
                if signals.len() > 1 {
                    service.until_refused().await;
                }
            }
            service.end().await;
            until_gone(&workers).await;
            drop(busy);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_worker_costs_no_answer() {
    runtime().block_on(async {
        // A job must still be running when its worker is killed; if none was, longer ones follow.
        let mut n = 50_000_000;
        while !killed_in_time(n).await {
            n *= 4;
        }
    });
}

/// Kills both workers, and checks the answers. Returns true if both jobs were
/// without one by then.
#[cfg(target_os = "linux")]
async fn killed_in_time(n: u128) -> bool {
    let options = [ENDLESS, &["--workers", "2", "--nice", "0"]].concat();
    let service = Service::start("processes", &options).await;
    let workers = workers_of(&service);
    let mut jobs = Vec::new();
    for _ in 0..2 {
        jobs.push(service.ask(&format!("/compute/{n}")).await);
    }
    service.until_load(|load| load.running == 2 || load.done > 0).await;
    for worker in &workers {
        rustix::process::kill_process(id(*worker), Signal::KILL).unwrap();
    }
    until_gone(&workers).await;
    let in_time = service.load().await.done == 0;
    for mut job in jobs {
        let answer = within(job.answer()).await.unwrap();
        let expected = format!("{{\"result\":{}}}", sum_of_squares(n));
        assert_eq!((answer.status, answer.body), (200, expected));
    }
    assert_eq!(service.get("/compute/10").await.status, 200);
    in_time
}

/// The process of a job whose client has left is killed, and replaced.
#[cfg(target_os = "linux")]
#[test]
fn the_process_of_an_unwanted_job_is_killed() {
    runtime().block_on(async {
        let options = [ENDLESS, &["--workers", "1"]].concat();
        let service = Service::start("processes", &options).await;
        let workers = workers_of(&service);
        let job = service.ask(FOREVER).await;
        service.until(1, 0).await;
        drop(job);
        until_gone(&workers).await;
        assert_eq!(
            service.get("/compute/10").await.body,
            r#"{"result":285}"#
        );
        assert_ne!(workers_of(&service), workers);
    });
}

#[test]
fn logs_are_one_line_per_request_and_only_when_asked_for() {
    runtime().block_on(async {
        for (options, lines) in [(&[][..], 0), (&["--verbose"], 1)] {
            let options = [ENDLESS, options].concat();
            let service = Service::start("rayon", &options).await;
            for path in ["/compute/10", "/compute/x", "/nothing"] {
                service.get(path).await;
            }
            let gone = service.ask(FOREVER).await;
            service.until(1, 0).await;
            drop(gone);
            service.until(0, 0).await;
            service.signal(Signal::TERM);
            let (status, said) = service.end().await;
            assert_eq!(status.code(), Some(0));
            for line in [
                "GET /compute/10 -> 200 OK in ",
                "GET /compute/x -> 422 Unprocessable Entity in ",
                "GET /nothing -> 404 Not Found in ",
                "GET /compute/10000000000000 -> client gone after ",
            ] {
                assert_eq!(
                    said.matches(line).count(),
                    lines,
                    "{line}: {said}"
                );
            }
            assert_eq!(said.is_empty(), lines == 0, "{said}");
            assert!(
                !said.contains('\u{1b}'),
                "no colors outside of a terminal: {said}"
            );
        }
    });
}
