//! Serves the book to the reader on this machine, and builds it again when its sources change.
pub mod csp;
pub mod runner;
pub mod watchdog;
pub mod words;

use std::convert::Infallible;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bounded_http::Connections;
use data_encoding::BASE64URL_NOPAD;
use futures::StreamExt;
use harness::examples::Workspace;
use harness::run::{BUILD_LIMIT, Limits};
use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio_stream::wrappers::WatchStream;
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use self::runner::Runner;
use self::watchdog::Watchdog;
use crate::book::repository::Repository;
use crate::book::{self, For};

/// The newest version of the book that could be built.
#[derive(Debug, Clone)]
struct Edition {
    /// Differs from the id of any other edition, including those of an earlier server.
    id: String,
    /// The folder of its files, removed with the last edition that names it.
    folder: Arc<TempDir>,
    /// The Content-Security-Policy of its pages.
    policy: HeaderValue,
    /// The reason if a newer one could not be built.
    fault: Option<String>,
    /// Dropped after the folder, which is in it.
    _home: Arc<Home>,
}

/// The server's own folder in cargo's target folder, for its editions. A server that is killed
/// leaves it behind, but the system releases its lock, so the next server can tell and removes it.
#[derive(Debug)]
struct Home {
    folder: TempDir,
    _lock: File,
}

/// The file in a server's folder that is locked as long as the server runs.
const LOCK: &str = "lock";

impl Home {
    fn new(target: &Path) -> io::Result<Self> {
        fs::create_dir_all(target)?;
        for entry in fs::read_dir(target)? {
            let folder = entry?.path();
            let ours = folder
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"book-"));
            if ours && File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
                fs::remove_dir_all(folder).ok(); // or another server has been faster
            }
        }
        let folder = tempfile::Builder::new().prefix("book-").tempdir_in(target)?;
        // Locked before it has its name: another server never finds it unlocked.
        let unnamed = folder.path().join("new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }
}

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The limits of each program that a reader runs. Default: the default limits of a run.
    pub run: Limits,
    /// The time limit of the build before a run. Default: 10 minutes.
    pub build: Duration,
    /// The limits of the connections. Default: the default limits, with heads of up to 64 KiB, because
    /// a browser sends the cookies of all servers on this machine, and with half-closed clients.
    pub http: bounded_http::Limits,
    /// Pages at once that are told of changes to the book; one more gets 503. Default: 64.
    pub live: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let http = bounded_http::Limits {
            max_head: 64 << 10,
            half_close: true,
            ..bounded_http::Limits::default()
        };
        Self { run: Limits::default(), build: BUILD_LIMIT, http, live: 64 }
    }
}

/// A server of the book that has a port, and a first edition to serve on it.
#[derive(Debug)]
pub struct Server {
    root: PathBuf,
    settings: Settings,
    listener: TcpListener,
    changes: Changes,
    first: Edition,
    home: Arc<Home>,
    key: String,
    watchdog: Option<Watchdog>,
}

impl Server {
    /// Binds a port on 127.0.0.1, any free one if it is 0, and builds the book of the workspace at
    /// `root`.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound, or the book has a fault.
    pub async fn start(root: PathBuf, port: u16, settings: Settings) -> Result<Self> {
        let address = (Ipv4Addr::LOCALHOST, port);
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow!("port {port} is in use; choose another with --port"),
            _ => anyhow!("cannot listen on port {port}: {error}; choose another with --port"),
        })?;
        ensure!(
            root.is_dir(),
            "the folder of the examples, {}, is missing; if it has moved, build guide again there",
            root.display()
        );
        let prepare = spawn_blocking({
            let root = root.clone();
            move || {
                let workspace = Workspace::find(&root)?;
                let target = &workspace.target;
                let home = Home::new(target);
                let home =
                    home.with_context(|| format!("making a folder in {}", target.display()))?;
                // Before the first build, so that no change is missed.
                anyhow::Ok((Arc::new(home), Changes::watch(&workspace)?))
            }
        });
        let (home, changes) = prepare.await.context("reading the workspace")??;
        let first = build(root.clone(), Arc::clone(&home)).await?;
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| anyhow!("no random key for runs: {error}"))?;
        let key = BASE64URL_NOPAD.encode(&key);
        Ok(Self { root, settings, listener, changes, first, home, key, watchdog: None })
    }

    /// Has a watchdog end the builds and the runs of this server if it is killed.
    pub fn watched_by(self, watchdog: Watchdog) -> Self {
        Self { watchdog: Some(watchdog), ..self }
    }

    /// The address of the front page.
    ///
    /// # Errors
    ///
    /// When the system does not report the port.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}/", self.listener.local_addr()?))
    }

    /// The folder of the book's first edition. It is removed when the book has changed.
    pub fn first_edition(&self) -> &Path {
        self.first.folder.path()
    }

    /// The key that a run needs.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address of the front page with the key, to be given to the reader only.
    ///
    /// # Errors
    ///
    /// When the system does not report the port.
    pub fn link(&self) -> Result<String> {
        Ok(format!("{}#run={}", self.url()?, self.key))
    }

    /// Writes a file that only the reader can read, and that leads a browser to the [`Self::link`].
    /// As an argument of the browser the link itself could be seen by all users of the machine.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn link_file(&self) -> Result<PathBuf> {
        let file = self.home.folder.path().join("open.html");
        let link = self.link()?;
        let page =
            format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={link}\">\n");
        fs::write(&file, page).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }

    /// Serves the book, and builds it again whenever it changes. Dropping the future closes all
    /// connections and kills all programs that readers run.
    ///
    /// # Errors
    ///
    /// When the system does not let us listen, or watch for changes.
    pub async fn run(self) -> Result<Infallible> {
        let port = self.listener.local_addr()?.port();
        let (editions, newest) = watch::channel(self.first);
        let runner = Runner::new(self.root.clone(), self.settings, &self.key, self.watchdog);
        let router = router(newest, runner, port, self.settings.live);
        let connections = Connections::new(router, self.settings.http);
        tokio::select! {
            never = connections.accept_all(&self.listener) => match never {},
            stopped = rebuild_on_change(self.changes, self.root, editions, self.home) => stopped,
        }
    }
}

fn router(newest: watch::Receiver<Edition>, runner: Runner, port: u16, max_live: usize) -> Router {
    let runs = Router::new()
        .route("/run", get(runner::languages))
        .route("/run/{name}", post(runner::start))
        .with_state(runner);
    let live_permits = Arc::new(Semaphore::new(max_live));
    let set =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Router::new()
        .route("/live", get(live))
        .with_state(Live { newest: newest.clone(), permits: live_permits })
        .merge(runs)
        .fallback_service(get(page).with_state(newest))
        .layer(middleware::from_fn_with_state(port, only_this_host))
        .layer(set(header::CACHE_CONTROL, "no-cache"))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// Rejects a request that was meant for another host. Otherwise a name that a foreign DNS server
/// resolves to 127.0.0.1 (DNS rebinding) would make our pages part of a foreign site.
async fn only_this_host(State(port): State<u16>, request: Request, next: Next) -> Response {
    match host(request.headers()) {
        None => (StatusCode::BAD_REQUEST, "a request needs exactly one Host").into_response(),
        Some(host) if is_ours(host, port) => next.run(request).await,
        Some(_) => (StatusCode::MISDIRECTED_REQUEST, "this is not that host").into_response(),
    }
}

/// Returns the value of the only Host header.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// Returns true if a host is this server on this port. Clients leave out port 80, the default of HTTP.
fn is_ours(host: &str, port: u16) -> bool {
    let (name, its_port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let names = ["127.0.0.1", "localhost", "localhost."];
    names.iter().any(|our| our.eq_ignore_ascii_case(name)) && its_port == port.to_string()
}

/// Serves a file of the book.
async fn page(State(newest): State<watch::Receiver<Edition>>, request: Request) -> Response {
    /// Longer than any path in the book, and accepted as a file name by all systems.
    const MAX_PATH: usize = 255;

    let edition = newest.borrow().clone();
    let folder = edition.folder.path();
    let missing = ServeFile::new(folder.join("404.html"));
    let response = if request.uri().path().len() > MAX_PATH {
        None
    } else {
        let files = ServeDir::new(folder).not_found_service(missing.clone());
        let Ok(response) = files.oneshot(request).await;
        // A redirect to a folder could lead to another host, and no folder has a page of its own.
        Some(response).filter(|response| response.status() != StatusCode::TEMPORARY_REDIRECT)
    };
    let mut response = match response {
        Some(response) => response.into_response(),
        None => {
            let Ok(page) = missing.oneshot(Request::new(Body::empty())).await;
            (StatusCode::NOT_FOUND, page).into_response()
        }
    };
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, edition.policy);
    response
}

/// The state of `/live`.
#[derive(Debug, Clone)]
struct Live {
    newest: watch::Receiver<Edition>,
    permits: Arc<Semaphore>,
}

/// Tells the pages the newest edition, and the reason if the next one could not be built.
async fn live(State(live): State<Live>) -> Response {
    // Each write also shows whether the page is still there.
    const KEEP_ALIVE: Duration = Duration::from_secs(2);

    let Ok(permit) = live.permits.try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open").into_response();
    };
    let events = WatchStream::new(live.newest).map(move |edition| {
        let _keep = &permit; // until the page leaves
        Ok::<_, Infallible>(match edition.fault {
            None => Event::default().event("edition").data(edition.id),
            Some(fault) => Event::default().event("fault").data(fault),
        })
    });
    Sse::new(events).keep_alive(KeepAlive::default().interval(KEEP_ALIVE)).into_response()
}

/// Builds the book into a new folder in the server's own. The examples are read again, because one
/// may have been added.
async fn build(root: PathBuf, home: Arc<Home>) -> Result<Edition> {
    spawn_blocking(move || {
        let workspace = Workspace::find(&root)?;
        let parent = home.folder.path();
        let folder = tempfile::Builder::new()
            .prefix("edition-")
            .tempdir_in(parent)
            .with_context(|| format!("making a folder in {}", parent.display()))?;
        let words = serde_json::to_string(&words::ENGLISH)?;
        let repository = Repository::find(&root);
        book::build(&workspace, folder.path(), For::Server { words }, repository.as_ref())?;
        let name = folder.path().file_name().context("the folder has a name")?;
        Ok(Edition {
            id: name.to_string_lossy().into_owned(), // with six random letters or digits
            policy: csp::policy(folder.path())?,
            folder: Arc::new(folder),
            fault: None,
            _home: home,
        })
    })
    .await
    .context("building the book")?
}

/// The changes of the sources of the book. Dropping it ends the watching.
struct Changes {
    events: mpsc::UnboundedReceiver<()>,
    _watcher: Box<dyn Send>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

impl Changes {
    /// Watches the sources of a workspace, from which its book is made.
    fn watch(workspace: &Workspace) -> Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let on_event = move |result: DebounceEventResult| {
            // Reading a file is an event too, and a build reads all of them.
            let matters = result.map_or(true, |events| events.iter().any(|e| !e.kind.is_access()));
            if matters {
                sender.send(()).ok();
            }
        };
        let mut watcher = new_debouncer(Duration::from_millis(100), None, on_event)
            .context("watching for changes")?;
        let mut watch = |folder: &Path, mode| {
            let watched = watcher.watch(folder, mode);
            watched.with_context(|| format!("watching {}", folder.display()))
        };
        watch(&workspace.root, RecursiveMode::NonRecursive)?;
        for folder in folders_of_sources(workspace)? {
            watch(&folder, RecursiveMode::Recursive)?;
        }
        Ok(Self { events, _watcher: Box::new(watcher) })
    }
}

/// Builds the book again after each change of its sources.
async fn rebuild_on_change(
    mut changes: Changes,
    root: PathBuf,
    editions: watch::Sender<Edition>,
    home: Arc<Home>,
) -> Result<Infallible> {
    while changes.events.recv().await.is_some() {
        while changes.events.try_recv().is_ok() {}
        // Printing may fail, for example because the terminal has been closed.
        match build(root.clone(), Arc::clone(&home)).await {
            Ok(edition) => {
                writeln!(io::stdout(), "The book has changed").ok();
                editions.send_replace(edition);
            }
            Err(error) => {
                let notice = "The book cannot be built; the last version is still served.";
                writeln!(io::stderr(), "{notice}\n{error:#}").ok();
                editions.send_modify(|edition| edition.fault = Some(format!("{error:#}")));
            }
        }
    }
    bail!("the system no longer reports changes of files")
}

/// Returns the folders of a workspace that contain sources: a page can show a file from any of them.
/// Cargo's target folder and hidden folders, such as that of git, contain none.
fn folders_of_sources(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let Workspace { root, target, .. } = workspace;
    let target = target.canonicalize()?;
    let mut folders = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("reading {}", root.display()))? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let folder = entry.path();
        if entry.file_type()?.is_dir() && !is_hidden && !target.starts_with(folder.canonicalize()?)
        {
            folders.push(folder);
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_port_may_be_left_out_of_the_host() {
        assert!(is_ours("127.0.0.1", 80) && is_ours("localhost:80", 80));
        assert!(is_ours("LocalHost.:3000", 3000));
        assert!(!is_ours("127.0.0.1", 3000) && !is_ours("127.0.0.1:80", 3000));
        assert!(!is_ours("localhost:3000.example", 3000) && !is_ours("example:3000", 3000));
    }
}
