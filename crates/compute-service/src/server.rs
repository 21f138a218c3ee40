//! The port of the service and its graceful shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use bounded_http::{Connections, Limits};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::signals::Signals;

/// Connections that the system keeps in its own queue until we accept them.
const BACKLOG: u32 = 4096;

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
    let limits = Limits { max_connections, ..Limits::default() };
    let connections = Connections::new(router, limits);

    // ANCHOR: shutdown
    tokio::select! {
        never = connections.accept_all(&listener) => match never {},
        () = signals.next() => {}
    }
    stopping.cancel(); // from here on, /ready answers 503
    connections.drain(); // and a connection is closed after its next answer
    let stop = async {
        // A load balancer needs some time to notice. Until then it sends new
        // clients here, and a closed port would refuse them.
        if !drain.is_zero() {
            info!("draining: accepting connections for another {drain:?}");
            timeout(drain, connections.accept_all(&listener)).await.ok();
        }
        drop(listener); // from here on, a new connection is refused
        info!("stopping: running requests have {grace:?} to finish");
        if connections.shutdown(grace).await {
            info!("every request has been answered");
        } else {
            warn!("the grace period is over: requests have been canceled");
        }
    };
    // Dropping `stop` closes the connections, which stops their jobs.
    tokio::select! {
        () = stop => {}
        () = signals.next() => warn!("a second signal: stopping at once"),
    }
    // ANCHOR_END: shutdown
}
