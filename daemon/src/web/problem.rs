//! Problem: every refusal as RFC 9457 problem+json, with a stable code.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::{conductor, store};

/// A refusal; the one place where a kind of error becomes a status.
#[derive(Debug, Serialize, ToSchema)]
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

    /// What came has mistakes, one on a line.
    pub fn mistakes(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "mistakes", "it has mistakes; nothing was begun", detail)
    }

    /// Not here, or not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not possible at the moment", detail)
    }

    /// A fault of the studio itself.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something broke", detail)
    }

    fn new(http: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { http, status: http.as_u16(), code, title, detail: detail.into() }
    }
}

/// Every refusal of every endpoint has this form.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refusal = |about: &str| {
            let content = content.clone();
            RefOr::T(ResponseBuilder::new().description(about).content("application/problem+json", content).build())
        };
        let all = [("4XX", "the request cannot be carried out"), ("5XX", "the studio cannot carry it out now")];
        all.into_iter().map(|(status, about)| (status.to_owned(), refusal(about))).collect()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let detail = "the body is larger than this address takes; send less";
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "that is too much", detail);
        }
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
            _ => Self::internal(detail),
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
