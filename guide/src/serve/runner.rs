//! Runs examples for a page of the served book: `POST /run/NAME` answers with a line of JSON for
//! each `Event`, as it happens.
//!
//! A request that gets through starts a program, so it must come from the reader and from a page of
//! this book. The server listens on the loopback address only, and [`crate::serve`] rejects
//! requests for another host. A run needs a header that a page of another site could send only
//! after a preflight, which the server does not answer. A request names an example, or one of the
//! variants that the example declares, and nothing else.
//!
//! Other users of the same machine can connect to the loopback address too, and read the book. So
//! the value of the header is a key that they cannot know: it is random, new for each start of the
//! server, and part of the address that `guide` prints, behind the `#`. A browser does not send that
//! part, and keeps what the page stores separately for each port, whereas a cookie would go to every
//! server on the machine. The page stores the key, removes it from the address, and sends it with
//! each run. Without the key the book can be read, and Run says where to find it.
//!
//! The answer owns the run: when the reader stops it or leaves, the connection closes, the answer is
//! dropped, and the program is killed with its whole process tree.
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::figures::recorded;
use anyhow::Result;
use async_stream::stream;
use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use harness::examples::{Example, Workspace};
use harness::kept::recording::{Recording, Run};
use harness::run::machine::Machine;
use harness::run::{self, Build, End, Limits, Program, Running, Stream as Output, TimedLine};
use process_tree::activity::Activity;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time;

use crate::figures::compare;
use crate::figures::words::ENGLISH;
use crate::serve::watchdog::Watchdog;
use crate::serve::words;
use picture::Track;

/// The header that a run needs. Its value is the key of the server.
pub const HEADER: &str = "x-run-example";
/// The runs at once; one more is rejected.
pub const MOST_RUNS: usize = 4;
/// The time between two pictures of a program that runs.
const PICTURE: Duration = Duration::from_millis(100);
/// The time between two events of a build that prints nothing. Each write to a connection also shows
/// whether the reader is still there.
const BUILDING: Duration = Duration::from_secs(1);

/// What all runs share.
#[derive(Debug, Clone)]
pub struct Runner {
    root: PathBuf,
    limits: Limits,
    key: Arc<str>,
    watchdog: Option<Watchdog>,
    permits: Arc<Semaphore>,
}

/// Which program of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// The Rust program.
    Rust,
    /// Its Python counterpart.
    Python,
}

/// The query of a request: `?language=rust`, or `?language=rust&variant=NAME`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    language: Language,
    variant: Option<String>,
}

/// What happens in a run, in the form that the page receives.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    /// The build is still under way, this many seconds after its start.
    Building { seconds: u64 },
    /// Cargo or the compiler prints a line.
    Compiler { text: String },
    /// The compiler rejected the program; this is the last event.
    Refused,
    /// The program has started.
    Started,
    /// The program has printed a line, this many seconds after its start.
    Line { at: f64, stream: Output, text: String },
    /// The picture of the run so far: HTML, or nothing as long as there is nothing to see.
    Timeline { svg: String },
    /// The program has ended; this is the last event.
    Ended { outcome: String, success: bool, costs: String },
    /// The program could not be run; this is the last event.
    Failed { reason: String },
}

impl Runner {
    /// Runs examples of the workspace at `root`, each within these limits, for requests that have
    /// the key. The watchdog learns of each run.
    pub fn new(root: PathBuf, limits: Limits, key: &str, watchdog: Option<Watchdog>) -> Self {
        let permits = Arc::new(Semaphore::new(MOST_RUNS));
        Self { root, limits, key: key.into(), watchdog, permits }
    }

    /// Runs one program, and returns its events. Dropping the stream ends the program.
    fn run(
        self,
        workspace: Workspace,
        example: Example,
        language: Language,
        permit: OwnedSemaphorePermit,
    ) -> impl Stream<Item = Event> {
        stream! {
            let program = match language {
                Language::Rust => {
                    // The compiler's lines are sent while it still works.
                    let (say, mut said) = mpsc::unbounded_channel();
                    let build = run::build(&workspace, &example, |line| {
                        say.send(line.text).ok();
                    });
                    tokio::pin!(build);
                    let began = time::Instant::now();
                    let mut ticks = time::interval(BUILDING);
                    let built = loop {
                        tokio::select! {
                            biased;
                            Some(text) = said.recv() => yield Event::Compiler { text },
                            built = &mut build => break built,
                            _ = ticks.tick() => {
                                yield Event::Building { seconds: began.elapsed().as_secs() };
                            }
                        }
                    };
                    while let Ok(text) = said.try_recv() {
                        yield Event::Compiler { text };
                    }
                    match built {
                        Ok(Build::Done(program)) => program,
                        Ok(Build::Refused) => {
                            yield Event::Refused;
                            return;
                        }
                        Err(error) => {
                            yield failed(&error);
                            return;
                        }
                    }
                }
                Language::Python => match run::python(&workspace, &example).await {
                    Some(program) => program,
                    None => {
                        yield Event::Failed { reason: words::ENGLISH.no_python.into() };
                        return;
                    }
                },
            };

            // On the axis of the recorded run, so that the two can be compared.
            let recorded = Recording::read(&workspace, &example).ok().flatten();
            let axis = recorded.map_or(0.0, |it| it.runs().map(|(_, run)| run.wall).fold(0.0, f64::max));
            for await event in self.follow(program, &example.name, axis, permit) {
                yield event;
            }
        }
    }

    fn follow(
        &self,
        program: Program,
        name: &str,
        axis: f64,
        permit: OwnedSemaphorePermit,
    ) -> impl Stream<Item = Event> {
        stream! {
            let mut running = match Running::start(&program, self.limits) {
                Ok(running) => running,
                Err(error) => {
                    yield failed(&error);
                    return;
                }
            };
            // Both are held until no process is left, even if the answer is never read.
            let guard = self.watchdog.as_ref().map(|watchdog| watchdog.guard(running.id()));
            let ended = running.ended();
            tokio::spawn(async move {
                ended.await;
                drop((guard, permit));
            });
            yield Event::Started;

            let started = time::Instant::now();
            let mut pictures = time::interval(PICTURE);
            let mut lines: Vec<TimedLine> = Vec::new();
            let cores = Machine::this().cores;
            let picture = |lines: &[TimedLine], wall: Duration, activity: Option<&Activity>, ended| {
                let lines = recorded::lines(lines);
                let wall = wall.as_secs_f64();
                let track = Track::new(lines, wall).ended(ended).activity(activity, cores);
                let id = format!("live-{name}");
                let svg = picture::draw(&id, &[track], axis, ENGLISH.picture).into_string();
                Event::Timeline { svg }
            };
            loop {
                tokio::select! {
                    line = running.line() => match line {
                        Some(line) => {
                            let at = line.at.as_secs_f64();
                            lines.push(TimedLine::from(&line));
                            yield Event::Line { at, stream: line.stream, text: line.text };
                        }
                        None => break,
                    },
                    _ = pictures.tick() => {
                        yield picture(&lines, started.elapsed(), running.activity().as_ref(), false);
                    }
                }
            }
            match running.end().await {
                Ok((end, costs)) => {
                    let run = Run::new(String::new(), String::new(), &[], 0, &costs);
                    let run = Run { lines, ..run };
                    yield picture(&run.lines, costs.wall, run.activity.as_ref(), true);
                    let (outcome, success) = match end {
                        End::Exited(status) => (status.to_string(), status.success()),
                        End::PastLimit => {
                            let limit = format!("{:?}", self.limits.time);
                            (words::ENGLISH.at_limit.replace("{limit}", &limit), false)
                        }
                    };
                    yield Event::Ended { outcome, success, costs: compare::cost_line(&run, &ENGLISH) };
                }
                Err(error) => yield failed(&error),
            }
        }
    }
}

fn failed(error: &anyhow::Error) -> Event {
    Event::Failed { reason: format!("{error:#}") }
}

/// Answers `POST /run/NAME?language=rust`, and `&variant=VARIANT` for a variant of the example.
pub async fn start(
    State(runner): State<Runner>,
    Path(name): Path<String>,
    Query(Choice { language, variant }): Query<Choice>,
    request: Request,
) -> Response {
    if let Err((status, reason)) = may_run(request.headers(), request.body(), &runner.key) {
        return (status, reason).into_response();
    }
    let root = runner.root.clone();
    let found = tokio::task::spawn_blocking(move || Workspace::find(&root)).await;
    let workspace = match found.map_err(anyhow::Error::from).flatten() {
        Ok(workspace) => workspace,
        Err(error) => {
            let reason = format!("the examples cannot be read: {error:#}");
            return (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response();
        }
    };
    let Some(mut example) = workspace.examples.get(&name).cloned() else {
        return (StatusCode::NOT_FOUND, "there is no such example").into_response();
    };
    if let Some(variant) = variant {
        let Ok(variant) = example.variant(&variant) else {
            return (StatusCode::NOT_FOUND, "the example has no such variant").into_response();
        };
        example = variant.example.clone();
    }
    if language == Language::Python && example.python_command().is_none() {
        return (StatusCode::NOT_FOUND, "the example has no Python counterpart").into_response();
    }
    let Ok(permit) = Arc::clone(&runner.permits).try_acquire_owned() else {
        let busy = format!(
            "{MOST_RUNS} programs are already running; try again when one of them has ended"
        );
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], busy)
            .into_response();
    };

    let events = runner.run(workspace, example, language, permit).map(|event| {
        let mut line = serde_json::to_string(&event).unwrap_or_default();
        line.push('\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(events)).into_response()
}

/// Whether a request to run an example comes from the reader and from a page of this book, and
/// contains nothing else.
fn may_run(headers: &HeaderMap, body: &Body, key: &str) -> Result<(), (StatusCode, &'static str)> {
    let host = headers.get(header::HOST).map_or(&b""[..], |host| host.as_bytes());
    let ours = |origin: &HeaderValue| {
        let origin = origin.as_bytes().strip_prefix(b"http://");
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    };
    if !headers.contains_key(HEADER) || !headers.get_all(header::ORIGIN).iter().all(ours) {
        return Err((StatusCode::FORBIDDEN, "only a page of this book can run an example"));
    }
    if headers[HEADER].as_bytes() != key.as_bytes() {
        let reason = "a run needs a key: open the book by the address that guide printed when it \
                      was started, the whole of it";
        return Err((StatusCode::FORBIDDEN, reason));
    }
    if !body.is_end_stream() {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "a run takes no input"));
    }
    Ok(())
}

/// Answers `GET /run` with the languages that can be run on this machine.
pub async fn languages() -> Json<Vec<&'static str>> {
    let python = run::interpreter().await.map(|_| "python");
    Json(std::iter::once("rust").chain(python).collect())
}
