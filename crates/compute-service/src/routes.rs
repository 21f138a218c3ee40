//! The routes and their answers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::middleware;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::{OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::jobs::{Jobs, Load};
use crate::refusal::{Invalid, Message, Refusal};
use crate::request_log::{self, RequestId};

/// The largest body, in bytes. No route reads one.
const MAX_BODY: usize = 16 << 10;

#[derive(Clone)]
struct Service {
    jobs: Arc<Jobs>,
    max_n: u64,
    stopping: CancellationToken,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "compute-service",
        description = "Computes sums of squares, and stays responsive while it does.",
    ),
    paths(compute, health, ready)
)]
struct Description;

/// Returns the service's routes. `/ready` answers 503 once `stopping` is canceled.
pub fn router(
    jobs: Arc<Jobs>,
    max_n: u64,
    stopping: CancellationToken,
) -> Router {
    Router::new()
        .route("/compute/{n}", get(compute))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .merge(
            SwaggerUi::new("/docs")
                .url("/openapi.json", Description::openapi())
                // By default the page requests a badge from an online service.
                .config(Config::default().validator_url("none")),
        )
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(middleware::from_fn(request_log::log))
        .with_state(Service { jobs, max_n, stopping })
}

#[derive(Serialize, ToSchema)]
struct Answer {
    /// The sum of i² for each i below n. It is exact, and may need more than
    /// 64 bits.
    #[schema(schema_with = integer)]
    result: u128,
}

/// Compute the sum of i² for each i below n
#[utoipa::path(
    get,
    path = "/compute/{n}",
    params(("n" = i64, Path, description = "The number of terms", example = 10)),
    responses(
        (status = 200, body = Answer),
        (status = 422, description = "n is not an integer, or too large", body = Invalid),
        (status = 503, description = "The queue is full; try again later", body = Message),
        (status = 504, description = "The deadline has passed", body = Message),
    )
)]
async fn compute(
    State(service): State<Service>,
    Extension(RequestId(trace)): Extension<RequestId>,
    Path(input): Path<String>,
) -> Result<Json<Answer>, Refusal> {
    let n = parse(input, service.max_n).map_err(Refusal::Invalid)?;
    let result = service.jobs.sum_of_squares(n, trace).await?;
    Ok(Json(Answer { result }))
}

/// Parses n: decimal digits, and perhaps a sign. A negative n has no terms, as
/// 0, and an n over `max` is refused.
fn parse(input: String, max: u64) -> Result<u64, Invalid> {
    let digits = input.strip_prefix(['+', '-']).unwrap_or(&input);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Invalid::not_an_integer(input));
    }
    if input.starts_with('-') {
        return Ok(0);
    }
    let n = digits.parse().ok().filter(|&n| n <= max);
    n.ok_or_else(|| Invalid::too_large(input, max))
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    #[serde(flatten)]
    load: Load,
}

/// Check that the service is alive, and see how busy it is
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
async fn health(State(service): State<Service>) -> Json<Health> {
    Json(Health { status: "ok", load: service.jobs.load() })
}

#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
}

/// Check whether to send requests here
///
/// A load balancer should stop as soon as the answer is 503.
#[utoipa::path(
    get,
    path = "/ready",
    responses(
        (status = 200, body = Ready),
        (status = 503, description = "The service is stopping", body = Message),
    )
)]
async fn ready(
    State(service): State<Service>,
) -> Result<Json<Ready>, Refusal> {
    if service.stopping.is_cancelled() {
        return Err(Refusal::Stopping);
    }
    Ok(Json(Ready { status: "ready" }))
}

/// Returns the figures of the queue, for Prometheus. Only `--offload nats` has a
/// queue.
async fn metrics(
    State(service): State<Service>,
) -> Result<String, Refusal> {
    service.jobs.metrics().await.ok_or(Refusal::NotFound)
}

/// Describes an integer of any size, the only kind that JSON has.
fn integer() -> utoipa::openapi::schema::Object {
    utoipa::openapi::schema::Object::with_type(
        utoipa::openapi::schema::Type::Integer,
    )
}
