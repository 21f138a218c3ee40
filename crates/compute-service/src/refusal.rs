//! Every answer that is not the requested one, in FastAPI's words where FastAPI
//! has any.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::jobs::NoAnswer;

pub enum Refusal {
    NotFound,
    MethodNotAllowed,
    Invalid(Invalid),
    NoAnswer(NoAnswer),
    Stopping,
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
            Self::MethodNotAllowed => message(
                StatusCode::METHOD_NOT_ALLOWED,
                "Method Not Allowed",
            ),
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
            Self::NoAnswer(NoAnswer::Unreachable(error)) => {
                error!("a job was not sent: {error:#}");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut response =
                    message(status, "The queue cannot be reached");
                let seconds = HeaderValue::from_static("5");
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                response
            }
            Self::NoAnswer(NoAnswer::DeadlinePassed) => message(
                StatusCode::GATEWAY_TIMEOUT,
                "The deadline has passed",
            ),
            Self::NoAnswer(NoAnswer::Failed(error)) => {
                // The client cannot fix it, so the reason goes to the log.
                error!("a job failed: {error:#}");
                message(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal Server Error",
                )
            }
            Self::Stopping => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                message(status, "The service is stopping")
            }
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Message {
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

    /// FastAPI's answer for a parameter declared as `Path(le=…)`.
    pub fn too_large(input: String, le: u64) -> Self {
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
            detail: [Detail {
                r#type,
                loc: ["path", "n"],
                msg,
                input,
                ctx,
            }],
        }
    }
}
