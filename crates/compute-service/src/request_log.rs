//! One line in the log for each request.

use std::time::Instant;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tracing::info;

/// Logs a request when it ends, even if its client leaves before the answer.
pub async fn log(request: Request, next: Next) -> Response {
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
