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
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{Stream, StreamExt};
use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::WatchStream;
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::book::{self, For};
use crate::examples::Workspace;

/// The book as it is served: the newest one that could be built.
#[derive(Debug, Clone)]
struct Edition {
    /// Differs from that of any other edition, also of an earlier server.
    id: String,
    /// The folder that holds it, removed with the last edition that names it.
    folder: Arc<TempDir>,
    /// What keeps a newer one from being built.
    fault: Option<String>,
}

/// A server of the book that has a port, and a first edition to serve on it.
#[derive(Debug)]
pub struct Server {
    root: PathBuf,
    listener: TcpListener,
    first: Edition,
}

impl Server {
    /// Takes a port on 127.0.0.1, any that is free if it is 0, and builds the book of the
    /// workspace at `root`.
    ///
    /// # Errors
    ///
    /// When the port cannot be had, or the book has a fault.
    pub async fn start(root: PathBuf, port: u16) -> Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!("port {port} is in use; choose another with --port"),
            _ => anyhow!("cannot listen on port {port}: {error}; choose another with --port"),
        })?;
        let folder = build(root.clone()).await?;
        Ok(Self { root, listener, first: Edition { id: new_id(), folder, fault: None } })
    }

    /// The address of the front page.
    ///
    /// # Errors
    ///
    /// When the system does not tell the port.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}/", self.listener.local_addr()?))
    }

    /// Serves the book, and builds it again whenever it changes. Ends only by an error.
    ///
    /// # Errors
    ///
    /// When the system does not let us watch for changes.
    pub async fn run(self) -> Result<()> {
        let (editions, newest) = watch::channel(self.first);
        tokio::select! {
            served = axum::serve(self.listener, router(newest)) => served.context("serving the book"),
            stopped = rebuild_on_change(self.root, editions) => stopped,
        }
    }
}

fn router(newest: watch::Receiver<Edition>) -> Router {
    Router::new()
        .route("/live", get(live))
        .fallback(page)
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        ))
        .with_state(newest)
}

async fn page(State(newest): State<watch::Receiver<Edition>>, request: Request) -> Response {
    let folder = Arc::clone(&newest.borrow().folder);
    let files = ServeDir::new(folder.path())
        .not_found_service(ServeFile::new(folder.path().join("404.html")));
    match files.oneshot(request).await {
        Ok(response) => response.into_response(),
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

fn new_id() -> String {
    format!("{:x}", RandomState::new().hash_one(()))
}

/// Builds the book into a new folder in cargo's target folder. The examples are looked up
/// anew, since one may have been added.
async fn build(root: PathBuf) -> Result<Arc<TempDir>> {
    tokio::task::spawn_blocking(move || {
        let workspace = Workspace::find(&root)?;
        std::fs::create_dir_all(&workspace.target)
            .and_then(|()| tempfile::Builder::new().prefix("book-").tempdir_in(&workspace.target))
            .with_context(|| format!("making a folder in {}", workspace.target.display()))
            .and_then(|folder| {
                book::build(&workspace, folder.path(), For::Server)?;
                Ok(Arc::new(folder))
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
            Ok(folder) => {
                println!("The book has changed");
                editions.send_replace(Edition { id: new_id(), folder, fault: None });
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
        if entry.file_name().to_string_lossy().starts_with("examples-") {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
