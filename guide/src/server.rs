//! Serves the book to the reader at this machine, and builds it again when it changes.
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{Stream, StreamExt};
use harness::examples::Workspace;
use harness::run::Limits;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time;
use tokio_stream::wrappers::WatchStream;
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::book::{self, For};
use crate::csp;
use crate::runner::{self, Runner};

/// The book as it is served: the newest one that could be built.
#[derive(Debug, Clone)]
struct Edition {
    /// Differs from that of any other edition, also of an earlier server.
    id: String,
    /// The folder that holds it, removed with the last edition that names it.
    folder: Arc<TempDir>,
    /// The Content-Security-Policy of its pages.
    policy: HeaderValue,
    /// What keeps a newer one from being built.
    fault: Option<String>,
}

/// A server of the book that has a port, and a first edition to serve on it.
#[derive(Debug)]
pub struct Server {
    root: PathBuf,
    limits: Limits,
    listener: TcpListener,
    first: Edition,
}

/// Connections at once; further ones wait.
const MOST_CONNECTIONS: usize = 256;
/// The time that a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

impl Server {
    /// Takes a port on 127.0.0.1, any that is free if it is 0, and builds the book of the
    /// workspace at `root`. The examples that readers run are held to the limits.
    ///
    /// # Errors
    ///
    /// When the port cannot be had, or the book has a fault.
    pub async fn start(root: PathBuf, port: u16, limits: Limits) -> Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!("port {port} is in use; choose another with --port"),
            _ => anyhow!("cannot listen on port {port}: {error}; choose another with --port"),
        })?;
        let first = build(root.clone()).await?;
        Ok(Self { root, limits, listener, first })
    }

    /// The address of the front page.
    ///
    /// # Errors
    ///
    /// When the system does not tell the port.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}/", self.listener.local_addr()?))
    }

    /// Serves the book, and builds it again whenever it changes. Ends only by an error. When it
    /// is dropped, all connections are closed and all examples that readers run are ended.
    ///
    /// # Errors
    ///
    /// When the system does not let us listen, or watch for changes.
    pub async fn run(self) -> Result<()> {
        let port = self.listener.local_addr()?.port();
        let (editions, newest) = watch::channel(self.first);
        let runner = Runner::new(self.root.clone(), self.limits);
        tokio::select! {
            served = accept(self.listener, router(newest, runner, port)) => served,
            stopped = rebuild_on_change(self.root, editions) => stopped,
        }
    }
}

/// Serves connections, with the time limit for slow clients that `axum::serve` does not have.
async fn accept(listener: TcpListener, router: Router) -> Result<()> {
    // Dropping the set aborts its tasks.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                let Ok((stream, _)) = accepted else {
                    // Out of descriptors, or a client that has already left: it passes.
                    time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let service = TowerToHyperService::new(router.clone());
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .serve_connection(TokioIo::new(stream), service);
                connections.spawn(async {
                    connection.await.ok(); // a client that goes away or talks nonsense
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

fn router(newest: watch::Receiver<Edition>, runner: Runner, port: u16) -> Router {
    let no_cache = HeaderValue::from_static("no-cache");
    let runs = Router::new()
        .route("/run", get(runner::languages))
        .route("/run/{name}", post(runner::start))
        .with_state(runner);
    Router::new()
        .route("/live", get(live))
        .fallback(page)
        .with_state(newest)
        .merge(runs)
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, no_cache))
        .layer(middleware::from_fn_with_state(port, only_this_host))
}

/// Turns away a request that was meant for another host. A name that somebody else's server
/// resolves to 127.0.0.1 (DNS rebinding) would otherwise make our pages theirs.
async fn only_this_host(State(port): State<u16>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    match host {
        Some(host) if ours.iter().any(|our| our == host) => next.run(request).await,
        _ => (StatusCode::MISDIRECTED_REQUEST, "this is not that host").into_response(),
    }
}

async fn page(State(newest): State<watch::Receiver<Edition>>, request: Request) -> Response {
    let edition = newest.borrow().clone();
    let folder = edition.folder.path();
    let files = ServeDir::new(folder).not_found_service(ServeFile::new(folder.join("404.html")));
    match files.oneshot(request).await {
        Ok(response) => {
            let mut response = response.into_response();
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, edition.policy);
            response
        }
        Err(never) => match never {},
    }
}

/// Tells the pages which edition is the newest, and what is wrong with the next one.
async fn live(
    State(newest): State<watch::Receiver<Edition>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = WatchStream::new(newest).map(|edition| {
        Ok(match edition.fault {
            None => Event::default().event("edition").data(edition.id),
            Some(fault) => Event::default().event("fault").data(fault),
        })
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Builds the book into a new folder in cargo's target folder. The examples are looked up
/// anew, since one may have been added.
async fn build(root: PathBuf) -> Result<Edition> {
    tokio::task::spawn_blocking(move || {
        let workspace = Workspace::find(&root)?;
        let folder = std::fs::create_dir_all(&workspace.target)
            .and_then(|()| tempfile::Builder::new().prefix("book-").tempdir_in(&workspace.target))
            .with_context(|| format!("making a folder in {}", workspace.target.display()))?;
        book::build(&workspace, folder.path(), For::Server)?;
        Ok(Edition {
            id: format!("{:x}", RandomState::new().hash_one(())),
            policy: csp::policy(folder.path())?,
            folder: Arc::new(folder),
            fault: None,
        })
    })
    .await
    .context("building the book")?
}

/// Watches what the book is made of, and replaces the edition after each change.
async fn rebuild_on_change(root: PathBuf, editions: watch::Sender<Edition>) -> Result<()> {
    let (changed, mut changes) = mpsc::unbounded_channel();
    let on_event = move |result: DebounceEventResult| {
        // Reading a file is an event too, and building reads them all.
        let matters = result.map_or(true, |events| events.iter().any(|e| !e.kind.is_access()));
        if matters {
            changed.send(()).ok();
        }
    };
    let mut watcher = new_debouncer(Duration::from_millis(100), None, on_event)
        .context("watching for changes")?;
    for folder in watched(&root)? {
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .with_context(|| format!("watching {}", folder.display()))?;
    }

    while changes.recv().await.is_some() {
        while changes.try_recv().is_ok() {}
        match build(root.clone()).await {
            Ok(edition) => {
                println!("The book has changed");
                editions.send_replace(edition);
            }
            Err(error) => {
                eprintln!("The book cannot be built; the last one is still served.\n{error:#}");
                editions.send_modify(|edition| edition.fault = Some(format!("{error:#}")));
            }
        }
    }
    Ok(())
}

fn watched(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("guide"), root.join("tests/snapshots")];
    for entry in std::fs::read_dir(root).with_context(|| format!("reading {}", root.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("examples-") || name == "crates" {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
