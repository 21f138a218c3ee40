//! Each limit from the side of a client that goes beyond it.
#![allow(clippy::unwrap_used)] // here it is an assertion

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bounded_http::{Connections, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The limit of a test's own waits.
const LIMIT: Duration = Duration::from_secs(30);
/// A limit of the server that a test waits for.
const SOON: Duration = Duration::from_millis(200);

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// A router whose handler never answers, and the events of its handlers:
/// true when one starts, false when it is dropped.
fn silent() -> (Router, mpsc::UnboundedReceiver<bool>) {
    struct Report(mpsc::UnboundedSender<bool>);

    impl Drop for Report {
        fn drop(&mut self) {
            self.0.send(false).ok();
        }
    }

    let (sender, events) = mpsc::unbounded_channel();
    let handler = async move || {
        sender.send(true).ok();
        let _report = Report(sender);
        pending::<()>().await;
    };
    (Router::new().route("/", get(handler)), events)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves until the task is aborted, which closes all connections.
async fn serve(
    router: Router,
    limits: Limits,
) -> (JoinHandle<()>, SocketAddr) {
    let (listener, address) = listen().await;
    let connections = Connections::new(router, limits);
    let server = tokio::spawn(async move {
        match connections.accept_all(&listener).await {}
    });
    (server, address)
}

/// Sends the beginning of a request, or all of it.
async fn send(address: SocketAddr, bytes: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(bytes.as_bytes()).await.unwrap();
    client
}

/// Reads until the server closes the connection.
async fn rest(client: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(LIMIT, client.read_to_end(&mut bytes));
    read.await.expect("it is closed").ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads an answer of `hello`, after which the connection may stay open.
async fn answer(client: &mut TcpStream) -> String {
    let mut answer = String::new();
    let read = async {
        while !answer.ends_with("hello") {
            answer.push(char::from(client.read_u8().await.unwrap()));
        }
    };
    timeout(LIMIT, read).await.expect("it answers");
    answer
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_cut_off() {
    let limits = Limits { head_timeout: SOON, ..Limits::default() };
    let (_server, address) = serve(hello(), limits).await;
    for start in ["", "GET / HTTP/1.1\r\nhost: "] {
        let mut client = send(address, start).await;
        assert!(!rest(&mut client).await.contains("200"));
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let limits = Limits {
        write_timeout: SOON,
        max_connections: 1,
        ..Limits::default()
    };
    let large = "x".repeat(64 << 20); // more than the system buffers
    let router = hello().route("/large", get(async || large));
    let (_server, address) = serve(router, limits).await;
    let _greedy = send(address, &REQUEST.replace("/ ", "/large ")).await;
    let mut other = send(address, REQUEST).await;
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_last_connection_is_not_kept() {
    // The server already holds the third permit, for the next client.
    let limits = Limits { max_connections: 3, ..Limits::default() };
    let (_server, address) = serve(hello(), limits).await;
    let mut first = send(address, REQUEST).await;
    assert!(!answer(&mut first).await.contains("connection: close"));
    for _ in 0..2 {
        let mut last = send(address, REQUEST).await;
        assert!(rest(&mut last).await.contains("connection: close"));
    }
}

#[tokio::test]
async fn a_huge_head_is_rejected() {
    let (_server, address) = serve(hello(), Limits::default()).await;
    let long = format!("\r\nlong: {}\r\n\r\n", "x".repeat(20 << 10));
    let mut client =
        send(address, &REQUEST.replace("\r\n\r\n", &long)).await;
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_half_closed_client_is_answered_or_canceled() {
    let limits = Limits { half_close: true, ..Limits::default() };
    let (_server, address) = serve(hello(), limits).await;
    let mut client = send(address, REQUEST).await;
    client.shutdown().await.unwrap();
    assert!(rest(&mut client).await.ends_with("hello"));

    let (router, mut events) = silent();
    let (_server, address) = serve(router, Limits::default()).await;
    let mut client = send(address, REQUEST).await;
    assert_eq!(events.recv().await, Some(true));
    client.shutdown().await.unwrap();
    let dropped = timeout(LIMIT, events.recv()).await;
    assert_eq!(dropped.expect("it is canceled"), Some(false));
}

#[tokio::test]
async fn draining_closes_a_connection_after_its_answer() {
    let (listener, address) = listen().await;
    let connections = Connections::new(hello(), Limits::default());
    connections.drain();
    let client = async {
        let mut client = send(address, REQUEST).await;
        rest(&mut client).await
    };
    tokio::select! {
        never = connections.accept_all(&listener) => match never {},
        answer = client => assert!(answer.contains("connection: close")),
    }
    // Nothing is left to wait for.
    assert!(connections.shutdown(LIMIT).await);
}

#[tokio::test]
async fn a_shutdown_waits_for_requests_until_the_grace_period_is_over() {
    let (listener, address) = listen().await;
    let (router, mut events) = silent();
    let connections = Connections::new(router, Limits::default());
    let mut client = send(address, REQUEST).await;
    tokio::select! {
        never = connections.accept_all(&listener) => match never {},
        event = events.recv() => assert_eq!(event, Some(true)),
    }
    assert!(!connections.shutdown(SOON).await);
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(events.recv().await, Some(false));
}

#[tokio::test]
async fn dropping_the_server_closes_its_connections() {
    let (router, mut events) = silent();
    let (server, address) = serve(router, Limits::default()).await;
    let mut client = send(address, REQUEST).await;
    assert_eq!(events.recv().await, Some(true));
    server.abort();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(events.recv().await, Some(false));
}
