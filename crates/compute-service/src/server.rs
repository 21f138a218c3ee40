//! Connections: so many and no more, none that dawdles, and an orderly end.
//!
//! `axum::serve` has no limits and no grace time, so this is the loop it hides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// With the default limit of 1024 open files this leaves some for the rest.
const MOST_CONNECTIONS: usize = 900;
/// Connections that the system keeps for us until we accept them.
const MOST_UNACCEPTED: u32 = 4096;
/// The request line and all headers, in bytes.
const MOST_HEAD: usize = 16 << 10;
/// For a request's head to arrive, also after the request before it.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For the client to take some of the answer.
const WRITE_TIME: Duration = Duration::from_secs(10);

/// Takes a port.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A port whose connections ended a moment ago is free to us. On Windows
    // it always is, and there the option would let two programs share it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MOST_UNACCEPTED)
}

/// Serves until the first signal, then answers what has been asked. Returns
/// when that is done, at the second signal, or when the grace time is over.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    mut signals: Signals,
    grace: Duration,
) -> Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let router = router.layer({
        let places = Arc::clone(&places);
        middleware::map_response(move |mut response: Response| {
            if places.available_permits() == 0 {
                // Others wait for the place of this connection.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            std::future::ready(response)
        })
    });

    let graceful = GracefulShutdown::new();
    let cut = CancellationToken::new();
    loop {
        // The place first: a client without one waits in the system's queue,
        // where it costs nothing.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await?;
            anyhow::Ok((accept(&listener).await, place))
        };
        let (stream, place) = tokio::select! {
            accepted = accepted => accepted.context("accepting connections")?,
            () = signals.next() => break,
        };
        let stream = match with_limits(stream) {
            Ok(stream) => TokioIo::new(stream),
            Err(_) => continue, // it has already gone
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(MOST_HEAD)
            .serve_connection(stream, TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        let cut = cut.clone();
        tokio::spawn(async move {
            if let Some(Err(error)) = cut.run_until_cancelled(connection).await
            {
                debug!("a connection failed: {error}"); // the client's doing
            }
            drop(place);
        });
    }

    drop(listener); // a new connection is refused from here on
    info!("stopping; running requests have {grace:?}");
    tokio::select! {
        ended = timeout(grace, graceful.shutdown()) => match ended {
            Ok(()) => info!("all requests are answered"),
            Err(_) => warn!("the grace time is over"),
        },
        () = signals.next() => warn!("a second signal: stopping at once"),
    }
    cut.cancel(); // what still runs loses its client, and so is stopped
    Ok(())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Most often there are no more descriptors. They come back as
                // connections end; to try again at once would be a busy loop.
                warn!("cannot accept a connection: {error}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

type Limited = std::pin::Pin<Box<TimeoutStream<TcpStream>>>;

fn with_limits(stream: TcpStream) -> std::io::Result<Limited> {
    stream.set_nodelay(true)?; // an answer is one small write
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    Ok(Box::pin(stream))
}

/// The signals that ask a service to stop: SIGTERM and Ctrl-C.
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// From here on they no longer end the process by themselves.
    #[cfg(unix)]
    pub fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// From here on they no longer end the process by themselves.
    #[cfg(windows)]
    pub fn listen() -> Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c();
        Ok(Self { interrupt: interrupt.context("listening for signals")? })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
