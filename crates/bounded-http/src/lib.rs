//! Serves an axum router with limits: the number of connections is bounded,
//! a slow client is cut off, and a shutdown is graceful for a limited time.
//!
//! `axum::serve` has none of these limits, so this is the loop that it hides.
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use bounded_http::{Connections, Limits};
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let router = Router::new().route("/", get(async || "hello"));
//! let connections = Connections::new(router, Limits::default());
//! # let stop = async { std::io::Result::Ok(()) };
//! # /*
//! let stop = tokio::signal::ctrl_c();
//! # */
//! tokio::select! {
//!     never = connections.accept_all(&listener) => match never {},
//!     stopped = stop => stopped?,
//! }
//! drop(listener); // from here on, a new connection is refused
//! let grace = Duration::from_secs(20);
//! if !connections.shutdown(grace).await {
//!     eprintln!("the grace period is over: requests were canceled");
//! }
//! # Ok(())
//! # }
//! ```

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once, at least 1. Further clients wait in the queue of
    /// the operating system. Default: 256.
    pub max_connections: usize,
    /// The size of a request line and its headers together, in bytes, at
    /// least 8192. A larger head gets status 431. Default: 16384.
    pub max_head: usize,
    /// The time that a client may take to send the head of a request, which
    /// includes the pause since its previous request. Default: 10 s.
    pub head_timeout: Duration,
    /// The time that a client may take to receive any part of an answer.
    /// Default: 10 s.
    pub write_timeout: Duration,
    /// True if a client that has closed its sending side still gets its
    /// answer. Then a client that has left is noticed only when something is
    /// written to it. Otherwise its handler is dropped at once, which cancels
    /// its work. Default: false.
    pub half_close: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            max_head: 16 << 10,
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            half_close: false,
        }
    }
}

/// The open connections of a server. Dropping it closes them, which drops the
/// handlers of their requests.
#[derive(Debug)]
pub struct Connections {
    router: Router,
    limits: Limits,
    /// A permit for each connection.
    permits: Arc<Semaphore>,
    is_draining: Arc<AtomicBool>,
    graceful: GracefulShutdown,
    cut: CancellationToken,
    _cut_on_drop: DropGuard,
}

impl Connections {
    /// Makes a server without connections.
    pub fn new(router: Router, limits: Limits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.max_connections));
        let is_draining = Arc::new(AtomicBool::new(false));
        let (available, draining) =
            (Arc::clone(&permits), Arc::clone(&is_draining));
        // One permit is kept for the next client, so if none is available,
        // other clients may wait for the permit of this connection.
        let close = move |mut response: Response| {
            let is_last = available.available_permits() == 0;
            if is_last || draining.load(Ordering::Relaxed) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            ready(response)
        };
        let cut = CancellationToken::new();
        Self {
            router: router.layer(middleware::map_response(close)),
            limits,
            permits,
            is_draining,
            graceful: GracefulShutdown::new(),
            _cut_on_drop: cut.clone().drop_guard(),
            cut,
        }
    }

    /// Accepts connections until this future is dropped, and serves each in a
    /// task of its own. Those that are open stay open when it is dropped.
    pub async fn accept_all(&self, listener: &TcpListener) -> Infallible {
        loop {
            // The permit first: until there is one, the next client waits in
            // the system's queue, where it costs us nothing.
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            let stream = accept(listener).await;
            // The end of an answer must not wait for an acknowledgment. An
            // error means that the client has already left.
            if stream.set_nodelay(true).is_ok() {
                self.serve(stream, permit);
            }
        }
    }

    fn serve(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_timeout));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(self.limits.max_head)
            .half_close(self.limits.half_close)
            .serve_connection(
                TokioIo::new(Box::pin(stream)),
                TowerToHyperService::new(self.router.clone()),
            );
        let connection = self.graceful.watch(connection);
        let cut = self.cut.clone();
        tokio::spawn(async move {
            let end = cut.run_until_cancelled(connection).await;
            if let Some(Err(error)) = end {
                debug!("a connection failed: {error}"); // the client's fault
            }
            drop(permit);
        });
    }

    /// Closes each connection after its next answer from now on, so that its
    /// client connects again, perhaps to another server.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Closes each connection as soon as no request runs on it. What still
    /// runs after the grace period is canceled, and then this returns false.
    pub async fn shutdown(self, grace: Duration) -> bool {
        let Self { graceful, _cut_on_drop, .. } = self;
        timeout(grace, graceful.shutdown()).await.is_ok()
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Usually the system is out of descriptors, and gets some
                // back as connections end. Without a pause this would be a
                // busy loop.
                warn!("cannot accept a connection: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
