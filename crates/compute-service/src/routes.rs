//! What the service answers, in FastAPI's words where FastAPI has any.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::{error, info};
use utoipa::{OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::integer::Integer;
use crate::jobs::{Jobs, Load, NoAnswer};

/// No route takes a body, so a small one is enough to be polite.
const MOST_BODY: usize = 16 << 10;

#[derive(Clone)]
struct Service {
    jobs: Arc<Jobs>,
    max_n: u64,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "compute-service", description = "Computes, and responds."),
    paths(compute, health)
)]
struct Description;

pub fn router(jobs: Arc<Jobs>, max_n: u64) -> Router {
    Router::new()
        .route("/compute/{n}", get(compute))
        .route("/health", get(health))
        .merge(
            SwaggerUi::new("/docs")
                .url("/openapi.json", Description::openapi())
                // By default the page asks an online service for a badge.
                .config(Config::default().validator_url("none")),
        )
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(RequestBodyLimitLayer::new(MOST_BODY))
        .layer(middleware::from_fn(log))
        .with_state(Service { jobs, max_n })
}

#[derive(Serialize, ToSchema)]
struct Answer {
    /// The sum of i² for each i below n, exact. It may be larger than what 64
    /// bits hold.
    #[schema(schema_with = integer)]
    result: u128,
}

/// The sum of i² for each i below n
#[utoipa::path(
    get,
    path = "/compute/{n}",
    params(("n" = i64, Path, description = "How many terms", example = 10)),
    responses(
        (status = 200, body = Answer),
        (status = 422, description = "n is no integer or too large", body = Invalid),
        (status = 503, description = "The queue is full", body = Message),
        (status = 504, description = "The deadline has passed", body = Message),
    )
)]
async fn compute(
    State(service): State<Service>,
    Integer { input, value }: Integer,
) -> Result<Json<Answer>, Refusal> {
    let n = u64::try_from(value).ok().filter(|&n| n <= service.max_n);
    let n = n.ok_or_else(|| {
        Refusal::Invalid(Invalid::too_large(input, service.max_n))
    })?;
    let result = service.jobs.sum_of_squares(n).await?;
    Ok(Json(Answer { result }))
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    #[serde(flatten)]
    load: Load,
}

/// Whether the service lives, and how busy it is
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
async fn health(State(service): State<Service>) -> Json<Health> {
    Json(Health { status: "ok", load: service.jobs.load() })
}

/// Any answer but the one that was asked for.
pub enum Refusal {
    NotFound,
    MethodNotAllowed,
    Invalid(Invalid),
    NoAnswer(NoAnswer),
}

impl From<NoAnswer> for Refusal {
    fn from(reason: NoAnswer) -> Self {
        Self::NoAnswer(reason)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let message = |status: StatusCode, detail| {
            (status, Json(Message { detail })).into_response()
        };
        match self {
            Self::NotFound => message(StatusCode::NOT_FOUND, "Not Found"),
            Self::MethodNotAllowed => {
                message(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            }
            Self::Invalid(invalid) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(invalid))
                    .into_response()
            }
            Self::NoAnswer(NoAnswer::QueueFull) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut response = message(status, "The queue is full");
                let seconds = HeaderValue::from_static("1");
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                response
            }
            Self::NoAnswer(NoAnswer::Deadline) => {
                message(StatusCode::GATEWAY_TIMEOUT, "The deadline has passed")
            }
            Self::NoAnswer(NoAnswer::Failed(error)) => {
                // The client cannot mend it, so the reason is for the log.
                error!("a job failed: {error:#}");
                message(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal Server Error",
                )
            }
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Message {
    detail: &'static str,
}

/// The body of a 422.
#[derive(Serialize, ToSchema)]
pub struct Invalid {
    detail: [Detail; 1],
}

#[derive(Serialize, ToSchema)]
struct Detail {
    #[schema(example = "int_parsing")]
    r#type: &'static str,
    #[schema(example = json!(["path", "n"]))]
    loc: [&'static str; 2],
    msg: String,
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Limit>,
}

#[derive(Serialize, ToSchema)]
struct Limit {
    le: u64,
}

impl Invalid {
    pub fn not_an_integer(input: String) -> Self {
        let msg = "Input should be a valid integer, unable to parse string as \
                   an integer";
        Self::new("int_parsing", msg.to_owned(), input, None)
    }

    pub fn too_long(input: String) -> Self {
        let msg = "Unable to parse input string as an integer, exceeded \
                   maximum size";
        Self::new("int_parsing_size", msg.to_owned(), input, None)
    }

    /// What FastAPI says of a parameter declared as `Path(le=…)`.
    fn too_large(input: String, le: u64) -> Self {
        let msg = format!("Input should be less than or equal to {le}");
        Self::new("less_than_equal", msg, input, Some(Limit { le }))
    }

    fn new(
        r#type: &'static str,
        msg: String,
        input: String,
        ctx: Option<Limit>,
    ) -> Self {
        Self {
            detail: [Detail { r#type, loc: ["path", "n"], msg, input, ctx }],
        }
    }
}

/// An integer of any size: JSON knows no other.
fn integer() -> utoipa::openapi::schema::Object {
    utoipa::openapi::schema::Object::with_type(
        utoipa::openapi::schema::Type::Integer,
    )
}

/// One line for each request, also for one whose client has left.
async fn log(request: Request, next: Next) -> Response {
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
