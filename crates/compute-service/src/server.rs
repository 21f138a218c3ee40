//! Connections and their end: their number is bounded, a slow client is cut
//! off, and the shutdown is graceful.
//!
//! `axum::serve` has no limits and no grace period, so this is the loop that it
//! hides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::signals::Signals;

/// Connections that the system keeps in its own queue until we accept them.
const BACKLOG: u32 = 4096;
/// The largest request line and headers together, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The time limit for a request's head, which includes the pause since the
/// client's previous request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for a client to read some of the answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Binds a port.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Lets us bind a port whose connections ended a moment ago. Windows allows
    // that anyway, and there the option would let two programs share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The shutdown of a server.
pub struct Shutdown {
    /// Canceled at the first signal.
    pub stopping: CancellationToken,
    /// The time for which the server then still accepts connections.
    pub drain: Duration,
    /// The time that running requests then have to finish.
    pub grace: Duration,
}

/// Serves until the first signal, and then shuts down gracefully. A second
/// signal ends it at once.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    mut signals: Signals,
    Shutdown { stopping, drain, grace }: Shutdown,
) {
    let connections = Connections::new(router, max_connections, &stopping);
    let cut = connections.cut.clone();

    // ANCHOR: shutdown
    tokio::select! {
        () = connections.accept_all(&listener) => {}
        () = signals.next() => {}
    }
    stopping.cancel(); // from here on, /ready answers 503
    let stop = async {
        // A load balancer needs some time to notice. Until then it sends new
        // clients here, and a closed port would refuse them.
        if !drain.is_zero() {
            info!("draining: accepting connections for another {drain:?}");
            timeout(drain, connections.accept_all(&listener)).await.ok();
        }
        drop(listener); // from here on, a new connection is refused
        info!("stopping: running requests have {grace:?} to finish");
        match timeout(grace, connections.graceful.shutdown()).await {
            Ok(()) => info!("every request has been answered"),
            Err(_) => warn!("the grace period is over: canceling requests"),
        }
    };
    tokio::select! {
        () = stop => {}
        () = signals.next() => warn!("a second signal: stopping at once"),
    }
    cut.cancel(); // closes the connections, which stops their jobs
    // ANCHOR_END: shutdown
}

/// The open connections.
struct Connections {
    router: Router,
    /// A permit for each connection.
    permits: Arc<Semaphore>,
    graceful: GracefulShutdown,
    cut: CancellationToken,
}

impl Connections {
    fn new(
        router: Router,
        max_connections: usize,
        stopping: &CancellationToken,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(max_connections));
        let (available, stopping) =
            (Arc::clone(&permits), stopping.clone());
        // When other clients wait for the permit of a connection, or should go
        // to another server, the connection is closed after this answer.
        let close = move |mut response: Response| {
            if available.available_permits() == 0 || stopping.is_cancelled()
            {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            std::future::ready(response)
        };
        Self {
            router: router.layer(middleware::map_response(close)),
            permits,
            graceful: GracefulShutdown::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Accepts connections until this future is dropped.
    async fn accept_all(&self, listener: &TcpListener) {
        // The permit first: until there is one, the next client waits in the
        // system's queue, where it costs us nothing.
        while let Ok(permit) =
            Arc::clone(&self.permits).acquire_owned().await
        {
            let stream = accept(listener).await;
            // An answer is one small write. An error means that the client has
            // already left.
            if stream.set_nodelay(true).is_ok() {
                self.spawn(stream, permit);
            }
        }
    }

    fn spawn(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        // Without `half_close`, which would hide from hyper that a client has
        // left, so that its job would run on.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(
                TokioIo::new(Box::pin(stream)),
                TowerToHyperService::new(self.router.clone()),
            );
        let connection = self.graceful.watch(connection);
        let cut = self.cut.clone();
        tokio::spawn(async move {
            if let Some(Err(error)) =
                cut.run_until_cancelled(connection).await
            {
                debug!("a connection failed: {error}"); // the client's fault
            }
            drop(permit);
        });
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Usually the system is out of descriptors, and gets some back
                // as connections end. Without a pause this would be a busy loop.
                warn!("cannot accept a connection: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
