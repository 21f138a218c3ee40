//! One line in the log for each request.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, info, info_span};

/// Logs a request when it ends, even if its client leaves before the answer.
///
/// Each request gets an id, which is also in the log lines of the worker that
/// runs its job.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Relaxed);
    let id = format!("{:x}-{number}", std::process::id());
    let span = info_span!("request", id);
    request.extensions_mut().insert(RequestId(id));
    log_when_done(request, next).instrument(span).await
}

/// The name of a request in the log.
#[derive(Clone)]
pub(crate) struct RequestId(pub String);

async fn log_when_done(request: Request, next: Next) -> Response {
    if !tracing::enabled!(tracing::Level::INFO) {
        return next.run(request).await;
    }
    let mut line = Line {
        request: format!("{} {}", request.method(), request.uri()),
        began: Instant::now(),
        status: None,
    };
    let response = next.run(request).await;
    line.status = Some(response.status());
    response
}

/// Written when it is dropped, which is also how a future is canceled.
struct Line {
    request: String,
    began: Instant,
    status: Option<StatusCode>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { request, began, status } = self;
        let took = began.elapsed();
        match status {
            Some(status) => info!("{request} -> {status} in {took:.1?}"),
            None => info!("{request} -> client gone after {took:.1?}"),
        }
    }
}
