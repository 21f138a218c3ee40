//! Clients that leave, stall, or send too much.

use std::io::ErrorKind;
use std::time::Duration;

use testbed::http::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::interval;

use crate::service::Service;
use crate::{ENDLESS, FOREVER, LARGE, for_each, runtime, ways, within};

#[test]
fn a_job_whose_client_has_gone_is_stopped() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options = [ENDLESS, &["--workers", "1"]].concat();
            let service = Service::start(way, &options).await;
            let first = service.ask(FOREVER).await;
            service.until(1, 0).await;
            let second = service.ask(FOREVER).await;
            service.until(1, 1).await;

            drop(first); // the running one, so the other one starts
            service.until(1, 0).await;
            drop(second);
            assert_eq!(service.until(0, 0).await.done, 0, "{way}");
            assert_eq!(
                service.get("/compute/10").await.status,
                200,
                "{way}"
            );
        })
        .await;
    });
}

/// A client that closes its sending side, as `nc -N` does, looks like one that
/// has left.
#[test]
fn the_job_of_a_client_that_sends_no_more_is_stopped() {
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let service = Service::start(way, ENDLESS).await;
            let mut stream =
                TcpStream::connect(&service.address).await.unwrap();
            let request =
                format!("GET {FOREVER} HTTP/1.1\r\nhost: x\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            service.until(1, 0).await;
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            within(stream.read_to_string(&mut answer)).await.unwrap();
            assert_eq!(answer, "", "{way}");
            assert_eq!(service.until(0, 0).await.done, 0, "{way}");
        })
        .await;
    });
}

/// A request that hyper has not read yet hides that the client has left. The
/// deadline bounds that.
#[test]
fn a_client_that_leaves_an_unread_request_costs_no_more_than_the_deadline()
{
    runtime().block_on(async {
        for_each(ways(), async |way| {
            let options =
                [LARGE, &["--workers", "1", "--deadline", "1"]].concat();
            let service = Service::start(way, &options).await;
            let mut stream =
                TcpStream::connect(&service.address).await.unwrap();
            let requests = [FOREVER, "/health"]
                .map(|path| {
                    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
                })
                .concat();
            stream.write_all(requests.as_bytes()).await.unwrap();
            service
                .until_load(|load| load.running + load.waiting == 1)
                .await;
            drop(stream);
            service.until(0, 0).await;
            assert_eq!(
                service.get("/compute/10").await.status,
                200,
                "{way}"
            );
        })
        .await;
    });
}

/// A request that is larger than any useful one is rejected.
#[test]
fn oversized_requests_are_cut_off() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let long = "9".repeat(20_000);
        for (request, status) in [
            (format!("GET /compute/{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "431"),
            (format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
            ("GET /health HTTP/1.1\r\n".to_owned() + &"x: y\r\n".repeat(200) + "\r\n", "431"),
            ("GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n\r\n".to_owned(), "413"),
        ] {
            let mut connection = service.connect().await;
            connection.send_raw(request.as_bytes()).await.unwrap();
            let start = &request[..request.len().min(30)];
            let mut head = [0; 12];
            within(connection.read_exact(&mut head)).await.unwrap();
            assert_eq!(head, format!("HTTP/1.1 {status}").as_bytes(), "{start}");
            // Closed: by an end, or by a reset where something was left unread.
            if let Err(error) = within(connection.rest()).await {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{start}");
            }
        }
    });
}

/// A client that stalls loses its connection after ten seconds.
#[test]
fn slow_clients_are_cut_off() {
    runtime().block_on(async {
        let service = Service::start("rayon", &[]).await;
        let address = &service.address;

        let silent = async {
            let mut connection = service.connect().await;
            assert_eq!(within(connection.rest()).await.unwrap(), b"");
        };
        let half_a_head = async {
            let mut connection = service.ask("/health HTTP/1.1\r\nx: ").await;
            within(connection.rest()).await.unwrap();
        };
        let idle_after_a_request = async {
            let mut connection = service.connect().await;
            assert_eq!(within(connection.get("/health")).await.unwrap().status, 200);
            assert_eq!(within(connection.rest()).await.unwrap(), b"");
        };
        let a_byte_at_a_time = async {
            let mut connection = service.connect().await;
            let mut clock = interval(Duration::from_millis(100));
            while connection.send_raw(b"G").await.is_ok() {
                clock.tick().await;
            }
        };
        let never_reads = async {
            let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n";
            let mut connection = Connection::open(address).await.unwrap();
            connection.send_raw(request.repeat(50).as_bytes()).await.unwrap();
            let mut clock = interval(Duration::from_millis(100));
            while connection.send_raw(request.as_bytes()).await.is_ok() {
                clock.tick().await;
            }
        };
        within(async {
            tokio::join!(silent, half_a_head, idle_after_a_request, a_byte_at_a_time, never_reads)
        })
        .await;
        assert_eq!(service.get("/health").await.status, 200);
    });
}
