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
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_stream::stream;
use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{self, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use harness::examples::{Example, Workspace};
use harness::kept::recording::{Recording, Run};
use harness::run::machine::Machine;
use harness::run::{self, Build, Building, End, Program, Running, Stream as Output, TimedLine};
use picture::Track;
use process_tree::activity::Activity;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{self, Instant};

use crate::figures::words::ENGLISH;
use crate::figures::{compare, recorded};
use crate::serve::watchdog::Watchdog;
use crate::serve::{Settings, words};

/// The header that a run needs. Its value is the key of the server.
pub const HEADER: &str = "x-run-example";
/// The number of runs at once; one more is rejected.
pub const MAX_RUNS: usize = 4;
/// The time between two pictures of a program that runs.
const PICTURE: Duration = Duration::from_millis(100);
/// The time between two events of a build that prints nothing. Each write to a connection also shows
/// whether the reader is still there.
const BUILDING: Duration = Duration::from_secs(1);

/// The state that all runs share.
#[derive(Debug, Clone)]
pub struct Runner {
    root: PathBuf,
    settings: Settings,
    key: Arc<str>,
    watchdog: Option<Watchdog>,
    permits: Arc<Semaphore>,
}

/// A program of an example.
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

/// An event of a run, in the form that the page receives.
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

/// A program that a request asks for.
struct Job {
    workspace: Workspace,
    example: Example,
    language: Language,
    /// The length of the recorded run in seconds. The live run is drawn on the same axis, so that the
    /// two can be compared.
    axis: f64,
}

impl Job {
    /// Finds the program in the workspace at `root`.
    fn find(root: &Path, name: &str, choice: Choice) -> Result<Self, (StatusCode, String)> {
        let missing = |what: &str| (StatusCode::NOT_FOUND, what.to_owned());
        let workspace = Workspace::find(root).map_err(|error| {
            let reason = format!("the examples cannot be read: {error:#}");
            (StatusCode::INTERNAL_SERVER_ERROR, reason)
        })?;
        let example = workspace.examples.get(name);
        let mut example = example.ok_or_else(|| missing("there is no such example"))?;
        if let Some(variant) = &choice.variant {
            let variant = example.variant(variant);
            example = &variant.map_err(|_| missing("the example has no such variant"))?.example;
        }
        if choice.language == Language::Python && example.python_command().is_none() {
            return Err(missing("the example has no Python counterpart"));
        }
        let recording = Recording::read(&workspace, example).unwrap_or_else(|error| {
            writeln!(io::stderr(), "a run without its recorded run: {error:#}").ok();
            None
        });
        let runs = recording.iter().flat_map(Recording::runs);
        let axis = runs.map(|(_, run)| run.wall).fold(0.0, f64::max);
        Ok(Self { example: example.clone(), language: choice.language, axis, workspace })
    }
}

impl Runner {
    /// Runs examples of the workspace at `root`, each within the limits of the settings, for requests
    /// that have the key. The watchdog learns of each build and run.
    pub fn new(root: PathBuf, settings: Settings, key: &str, watchdog: Option<Watchdog>) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_RUNS));
        Self { root, settings, key: key.into(), watchdog, permits }
    }

    /// Runs one program, and returns its events. Dropping the stream ends the program.
    fn run(self, job: Job, permit: OwnedSemaphorePermit) -> impl Stream<Item = Event> {
        let permit = Arc::new(permit);
        stream! {
            let Job { workspace, example, language, axis } = job;
            let program = match language {
                Language::Rust => {
                    let mut building = match Building::start(&workspace, &example, self.settings.build) {
                        Ok(building) => building,
                        Err(error) => {
                            yield failed(&error);
                            return;
                        }
                    };
                    self.hold(building.id(), building.ended(), Arc::clone(&permit));
                    let start = Instant::now();
                    let mut ticks = time::interval(BUILDING);
                    loop {
                        tokio::select! {
                            biased;
                            line = building.line() => match line {
                                Some(text) => yield Event::Compiler { text },
                                None => break,
                            },
                            _ = ticks.tick() => {
                                yield Event::Building { seconds: start.elapsed().as_secs() };
                            }
                        }
                    }
                    match building.end().await {
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
            for await event in self.follow(program, &example.name, axis, permit) {
                yield event;
            }
        }
    }

    /// Keeps a permit, and has the watchdog guard a process group, until none of its processes is
    /// left, even if the answer is never read.
    fn hold(
        &self,
        group: u32,
        ended: impl Future<Output = ()> + Send + 'static,
        permit: Arc<OwnedSemaphorePermit>,
    ) {
        let guard = self.watchdog.as_ref().map(|watchdog| watchdog.guard(group));
        tokio::spawn(async move {
            ended.await;
            drop((guard, permit));
        });
    }

    fn follow(
        &self,
        program: Program,
        name: &str,
        axis: f64,
        permit: Arc<OwnedSemaphorePermit>,
    ) -> impl Stream<Item = Event> {
        stream! {
            let limits = self.settings.run;
            let mut running = match Running::start(&program, limits) {
                Ok(running) => running,
                Err(error) => {
                    yield failed(&error);
                    return;
                }
            };
            self.hold(running.id(), running.ended(), permit);
            yield Event::Started;

            let start = Instant::now();
            let mut pictures = time::interval(PICTURE);
            let mut lines: Vec<TimedLine> = Vec::new();
            let cores = Machine::this().cores;
            let picture = |lines: &[TimedLine], wall: f64, activity: Option<&Activity>, ended| {
                let lines = recorded::lines(lines);
                let track = Track::new(lines, wall).ended(ended).activity(activity, cores);
                let id = format!("live-{name}");
                let svg = picture::draw(&id, &[track], axis, ENGLISH.picture).into_string();
                Event::Timeline { svg }
            };
            loop {
                tokio::select! {
                    line = running.line() => match line {
                        Some(line) => {
                            let line = TimedLine::from(line);
                            lines.push(line.clone());
                            yield Event::Line { at: line.at, stream: line.stream, text: line.text };
                        }
                        None => break,
                    },
                    _ = pictures.tick() => {
                        let activity = running.activity().await;
                        let wall = start.elapsed().as_secs_f64();
                        yield picture(&lines, wall, activity.as_ref(), false);
                    }
                }
            }
            match running.end().await {
                Ok((end, costs)) => {
                    let run = Run::new(String::new(), String::new(), lines, 0, costs);
                    yield picture(&run.lines, run.wall, run.activity.as_ref(), true);
                    let (outcome, success) = match end {
                        End::Exited(status) => (status.to_string(), status.success()),
                        End::PastLimit => {
                            let limit = format!("{:?}", limits.time);
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
    extract::Path(name): extract::Path<String>,
    Query(choice): Query<Choice>,
    request: Request,
) -> Response {
    if let Err((status, reason)) = may_run(request.headers(), request.body(), &runner.key) {
        return (status, reason).into_response();
    }
    let root = runner.root.clone();
    let job = match spawn_blocking(move || Job::find(&root, &name, choice)).await {
        Ok(Ok(job)) => job,
        Ok(Err(answer)) => return answer.into_response(),
        Err(panic) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()).into_response();
        }
    };
    let Ok(permit) = Arc::clone(&runner.permits).try_acquire_owned() else {
        let busy = format!(
            "{MAX_RUNS} programs are already running; try again when one of them has ended"
        );
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], busy)
            .into_response();
    };

    let lines = runner.run(job, permit).map(|event| {
        let line = serde_json::to_string(&event)?; // an error closes the connection
        serde_json::Result::Ok(Bytes::from(line + "\n"))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// Checks that a request to run an example comes from the reader and from a page of this book, and
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
