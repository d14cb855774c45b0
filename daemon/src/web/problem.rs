//! Problem: every refusal as RFC 9457 problem+json, with a stable code.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{conductor, store};

/// A refusal; the one place where a kind of error becomes a status.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(skip)]
    http: StatusCode,
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// There is nothing of that kind.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing", detail)
    }

    /// The request itself cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "the request cannot be understood", detail)
    }

    /// Nothing is at this address.
    pub fn no_such_address() -> Self {
        let detail = "nothing is at this address; the API begins at /api/";
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing", detail)
    }

    /// The address is right, the method is not.
    pub fn no_such_method() -> Self {
        let detail = "this address does not answer to this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the method is not possible here", detail)
    }

    /// A page of another site asked for it.
    pub fn foreign(origin: &str) -> Self {
        let detail = format!("pages of {origin} may not use the studio; open the studio's own page");
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", "not from this page", detail)
    }

    fn new(http: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { http, status: http.as_u16(), code, title, detail: detail.into() }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let detail = error.to_string();
        match error {
            store::Error::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing", detail)
            }
            store::Error::Conflict(_) => {
                Self::new(StatusCode::CONFLICT, "conflict", "the state of things forbids it", detail)
            }
            store::Error::Busy(_) | store::Error::Unavailable(_) | store::Error::DiskFull(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not possible at the moment", detail)
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something broke", detail),
        }
    }
}

impl From<conductor::Error> for Problem {
    fn from(error: conductor::Error) -> Self {
        match error {
            conductor::Error::Store(error) => error.into(),
            conductor::Error::Refused(detail) => {
                Self::new(StatusCode::CONFLICT, "conflict", "the state of things forbids it", detail)
            }
            other => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "not possible at the moment",
                other.to_string(),
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.http, kind, Json(self)).into_response()
    }
}
