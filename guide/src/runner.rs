//! Runs examples for a page of the served book: `POST /run/NAME` answers with a line of JSON for
//! each `Event`, as it happens.
//!
//! Whoever can send a request here can start a program, so a request must come from a page of this
//! book. The server listens on the loopback address only, [`crate::server`] turns away requests
//! for another host, and a run needs a header that another site's page could send only after a
//! preflight, which nobody answers. A request names an example and nothing else.
//!
//! The answer owns the run: when the reader stops it, or leaves, the connection closes, the answer
//! is dropped, and with it the program's whole process tree.
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_stream::stream;
use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use harness::costs::Costs;
use harness::examples::{Example, Workspace};
use harness::recording::{Recording, Run};
use harness::run::{self, Build, End, Limits, Program, Running, Stream as Output};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use tokio::time;

use crate::compare;
use crate::timeline::{self, Track};
use crate::words::ENGLISH;

/// The header that a run needs, with any value.
pub const HEADER: &str = "x-run-example";
/// The runs at once; one more is refused.
pub const MOST_RUNS: usize = 4;
/// A picture this often while a program runs.
const PICTURE: Duration = Duration::from_millis(100);

/// What all runs share.
#[derive(Debug, Clone)]
pub struct Runner {
    root: PathBuf,
    limits: Limits,
    places: Arc<Semaphore>,
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

/// The query of a request: `?language=rust`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    language: Language,
}

/// What happens in a run, as the page is told.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    /// Cargo or the compiler says something.
    Compiler { text: String },
    /// The compiler refused the program; this is the last event.
    Refused,
    /// The program has started.
    Started,
    /// The program has printed a line, so many seconds after its start.
    Line { at: f64, stream: Output, text: String },
    /// The picture of the run so far: SVG.
    Timeline { svg: String },
    /// The program has ended; this is the last event.
    Ended { outcome: String, success: bool, costs: String },
    /// The run could not be made; this is the last event.
    Failed { reason: String },
}

impl Runner {
    /// Runs examples of the workspace at `root`, each within these limits.
    pub fn new(root: PathBuf, limits: Limits) -> Self {
        Self { root, limits, places: Arc::new(Semaphore::new(MOST_RUNS)) }
    }

    /// Runs one program, and gives each event. Dropping the stream ends the program.
    fn run(
        self,
        workspace: Workspace,
        example: Example,
        language: Language,
    ) -> impl Stream<Item = Event> {
        stream! {
            let program = match language {
                Language::Rust => {
                    // The compiler's lines come while it is still at work.
                    let (say, mut said) = mpsc::unbounded_channel();
                    let build = run::build(&workspace, &example, |line| {
                        say.send(line.text).ok();
                    });
                    tokio::pin!(build);
                    let built = loop {
                        tokio::select! {
                            biased;
                            Some(text) = said.recv() => yield Event::Compiler { text },
                            built = &mut build => break built,
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
                        yield Event::Failed { reason: ENGLISH.live.no_python.into() };
                        return;
                    }
                },
            };

            // On the axis of the recorded run, so that the two can be compared.
            let recorded = Recording::read(&workspace, &example).ok().flatten();
            let axis = recorded.map_or(0.0, |it| it.runs().map(|(_, run)| run.wall).fold(0.0, f64::max));
            for await event in self.follow(program, &example.name, axis) {
                yield event;
            }
        }
    }

    fn follow(&self, program: Program, name: &str, axis: f64) -> impl Stream<Item = Event> {
        stream! {
            let mut running = match Running::start(&program, self.limits) {
                Ok(running) => running,
                Err(error) => {
                    yield failed(&error);
                    return;
                }
            };
            yield Event::Started;

            let started = time::Instant::now();
            let mut pictures = time::interval(PICTURE);
            let mut lines = Vec::new();
            let picture = |run: &Run, ended| {
                let track = Track { ended, ..Track::of(run, "") };
                let id = format!("live-{name}");
                let svg = timeline::draw(&id, &[track], axis, &ENGLISH).into_string();
                Event::Timeline { svg }
            };
            loop {
                tokio::select! {
                    line = running.line() => match line {
                        Some(line) => {
                            let at = line.at.as_secs_f64();
                            lines.push(line.clone());
                            yield Event::Line { at, stream: line.stream, text: line.text };
                        }
                        None => break,
                    },
                    _ = pictures.tick() => {
                        let so_far = Costs { wall: started.elapsed(), ..Costs::default() };
                        yield picture(&Run::new(String::new(), String::new(), &lines, 0, &so_far), false);
                    }
                }
            }
            match running.end().await {
                Ok((end, costs)) => {
                    let run = Run::new(String::new(), String::new(), &lines, 0, &costs);
                    yield picture(&run, true);
                    let (outcome, success) = match end {
                        End::Exited(status) => (status.to_string(), status.success()),
                        End::PastLimit => {
                            let limit = format!("{:?}", self.limits.time);
                            (ENGLISH.live.at_limit.replace("{limit}", &limit), false)
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

/// Answers `POST /run/NAME?language=rust`.
pub async fn start(
    State(runner): State<Runner>,
    Path(name): Path<String>,
    Query(Choice { language }): Query<Choice>,
    request: Request,
) -> Response {
    if let Err((status, reason)) = may_run(request.headers(), request.body()) {
        return (status, reason).into_response();
    }
    let root = runner.root.clone();
    let Ok(Ok(workspace)) = tokio::task::spawn_blocking(move || Workspace::find(&root)).await
    else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the examples cannot be read").into_response();
    };
    let Some(example) = workspace.examples.get(&name).cloned() else {
        return (StatusCode::NOT_FOUND, "there is no such example").into_response();
    };
    if language == Language::Python && example.python.is_none() {
        return (StatusCode::NOT_FOUND, "it has no Python counterpart").into_response();
    }
    let Ok(place) = Arc::clone(&runner.places).try_acquire_owned() else {
        let busy =
            format!("{MOST_RUNS} programs are running already; try again when one has ended");
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], busy)
            .into_response();
    };

    let events = runner.run(workspace, example, language).map(move |event| {
        let _held_until_the_end = &place;
        let mut line = serde_json::to_string(&event).unwrap_or_default();
        line.push('\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(events)).into_response()
}

/// Whether a request to run something may come from a page of this book, and holds nothing else.
fn may_run(headers: &HeaderMap, body: &Body) -> Result<(), (StatusCode, &'static str)> {
    if !headers.contains_key(HEADER) {
        return Err((StatusCode::FORBIDDEN, "only a page of this book can run an example"));
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let host = headers.get(header::HOST).map_or(&b""[..], |host| host.as_bytes());
        if origin.as_bytes().strip_prefix(b"http://") != Some(host) {
            return Err((StatusCode::FORBIDDEN, "only a page of this book can run an example"));
        }
    }
    if !body.is_end_stream() {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "a run takes no input"));
    }
    Ok(())
}

/// What can be run on this machine, for the page to offer: answers `GET /run`.
pub async fn languages() -> Json<Vec<&'static str>> {
    let python = run::interpreter().await.map(|_| "python");
    Json(std::iter::once("rust").chain(python).collect())
}
