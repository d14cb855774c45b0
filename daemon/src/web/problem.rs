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

use crate::{conductor, store, trace};

/// A refusal; the one place where a kind of error becomes a status.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[serde(skip)]
    http: StatusCode,
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: String,
    /// The request's id, as it stands in the log; the header `x-request-id` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
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

    /// The page was opened by a name that is not the studio's.
    pub fn foreign_host(host: &str) -> Self {
        let detail = format!("this studio does not answer to the name '{host}'; add it to web.hosts in the settings");
        Self::new(StatusCode::FORBIDDEN, "foreign_host", "not by this name", detail)
    }

    /// Nobody knows who asks.
    pub fn login_needed() -> Self {
        let detail = "log in, or send a token as 'Authorization: Bearer'; the owner gives them out under Settings";
        Self::new(StatusCode::UNAUTHORIZED, "login_needed", "who are you?", detail)
    }

    /// The password is not right.
    pub fn wrong_password(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "wrong_password", "that did not work", detail)
    }

    /// Too many tries.
    pub fn slow_down() -> Self {
        let detail = "too many tries from your address; wait a minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "slow_down", "not so fast", detail)
    }

    /// The token may not do that.
    pub fn not_allowed(needs: studio_core::access::Scope) -> Self {
        let detail = format!("this token may not do that; it needs the scope '{needs:?}'").to_lowercase();
        Self::new(StatusCode::FORBIDDEN, "not_allowed", "this token may not do that", detail)
    }

    /// The token is for another project.
    pub fn other_project(project: studio_core::ids::ProjectId) -> Self {
        let detail = format!("this token sees only the project {project}; ask for lists with ?project={project}");
        Self::new(StatusCode::FORBIDDEN, "other_project", "this token may not see that", detail)
    }

    /// Somebody else has changed it.
    pub fn changed() -> Self {
        let detail = "it has changed since you read it; read it again and repeat your change";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "somebody else was faster", detail)
    }

    /// The state of things forbids it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "the state of things forbids it", detail)
    }

    /// More than this address takes.
    pub fn too_large(remedy: &str) -> Self {
        let detail = format!("the body is larger than this address takes; {remedy}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "that is too much", detail)
    }

    /// The content is not of a kind that is taken.
    pub fn wrong_kind(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_kind", "nobody here can use that", detail)
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
        Self { http, status: http.as_u16(), code, title, detail: detail.into(), request_id: None }
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
            return Self::too_large("send less");
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
        let request_id = trace::request().map(|id| id.as_str().to_owned());
        (self.http, kind, Json(Self { request_id, ..self })).into_response()
    }
}
