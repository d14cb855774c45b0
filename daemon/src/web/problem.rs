//! Problem: every refusal as RFC 9457 problem+json, with a stable code.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use studio_core::text::HasNul;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::{
    conductor::{self, Refusal},
    store, trace,
};

/// What kind of refusal it is, for programs; the sentence beside it is for people and may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProblemCode)]
pub enum Code {
    /// 400: the request cannot be understood.
    BadRequest,
    /// 401: nobody knows who asks.
    LoginNeeded,
    /// 401: the password is not right, or none is set.
    WrongPassword,
    /// 403: a page of another site asks.
    ForeignOrigin,
    /// 403: the page was opened by a name that is not the studio's.
    ForeignHost,
    /// 403: the token lacks the scope.
    NotAllowed,
    /// 403: the token is for another project.
    OtherProject,
    /// 404: there is no such thing.
    NotFound,
    /// 405: the address does not answer to this method.
    MethodNotAllowed,
    /// 409: the state of things forbids it, for a reason that only the sentence names.
    Conflict,
    /// 409: a task that is over cannot be steered.
    TaskOver,
    /// 409: only before a task that waits can another one be put.
    TaskNotWaiting,
    /// 409: only a task that waits or runs can be cancelled.
    TaskNotOpen,
    /// 409: only a task that failed or was cancelled can be tried again.
    TaskNotFailed,
    /// 409: the task belongs to no episode.
    TaskWithoutEpisode,
    /// 409: the task is part of a training, which asks for it itself.
    PartOfTraining,
    /// 409: there is no such card, engine or project to let rest.
    NoSuchScope,
    /// 409: a project has no models of its own that could leave a card.
    NothingToFree,
    /// 409: the episode is being made; it must end or be cancelled first.
    BeingMade,
    /// 409: how the episode was made is not known; produce it again.
    PlanUnknown,
    /// 409: the episode is in no library.
    NotInLibrary,
    /// 409: the settings name no library.
    NoLibrary,
    /// 409: the settings name nobody who could do it.
    NotConfigured,
    /// 409: the task is no take, and only takes are judged.
    NoTake,
    /// 409: the part is not made yet.
    NotMade,
    /// 409: it was made anew since it was seen.
    MadeAnew,
    /// 409: only pictures, clips, lines and music can be locked or replaced.
    NoPart,
    /// 409: only pictures of shots are made from a source picture.
    NoSource,
    /// 409: the screenplay no longer has the part.
    NotInScript,
    /// 409: nothing is locked or put in its place.
    NothingLocked,
    /// 409: of this part there are no further takes.
    HasNoTakes,
    /// 409: the studio does not keep the file.
    FileNotKept,
    /// 409: the file is not of the kind its place takes.
    WrongFile,
    /// 409: nothing waits for this approval.
    NothingAwaits,
    /// 409: what is to be approved is not all made.
    NotAllMade,
    /// 409: a project of this short name is there already.
    ProjectExists,
    /// 409: as many stories as may wait are waiting.
    TooManyStories,
    /// 409: a character or a place has as many references as it may have.
    SheetFull,
    /// 409: the portrait is approved, and so a reference of its sheet.
    PortraitApproved,
    /// 409: of this dataset nothing is approved, so there is nothing to train on.
    NothingApproved,
    /// 409: as many videos as may wait are waiting.
    TooManyIngests,
    /// 409: the ingest is over and cannot be stopped.
    IngestOver,
    /// 409: there is no picture that the judge could be asked about.
    NothingToReview,
    /// 409: no vision model is among the settings that could look.
    NoEyes,
    /// 409: the review is over and cannot be stopped.
    ReviewOver,
    /// 409: the program that fetches videos is not installed.
    NoDownloader,
    /// 403: the address is one of the house, or leads to one; nothing is fetched there.
    HouseAddress,
    /// 409: too few pictures are approved for a training.
    TooFewApproved,
    /// 409: the settings lack what a training needs.
    NotTrainable,
    /// 409: the same was trained in the same way already.
    TrainedAlready,
    /// 409: a training of the character is not over.
    TrainingBusy,
    /// 409: the training is over.
    TrainingOver,
    /// 409: films use the LoRA.
    LoraInUse,
    /// 409: a request with the same idempotency key is being carried out.
    StillRunning,
    /// 412: somebody else has changed it.
    Changed,
    /// 413: more than this address takes.
    TooLarge,
    /// 415: the content is not of a kind that is taken.
    WrongKind,
    /// 422: what came has mistakes, one on a line.
    Mistakes,
    /// 429: too many tries.
    SlowDown,
    /// 500: a fault of the studio itself.
    Internal,
    /// 503: the disk of the studio is full.
    DiskFull,
    /// 503: not here, or not now.
    Unavailable,
}

impl Code {
    /// Its word, as it is answered and kept.
    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl From<&Refusal> for Code {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TaskOver { .. } => Self::TaskOver,
            Refusal::TaskNotWaiting { .. } => Self::TaskNotWaiting,
            Refusal::TaskNotOpen { .. } => Self::TaskNotOpen,
            Refusal::TaskNotFailed { .. } => Self::TaskNotFailed,
            Refusal::TaskWithoutEpisode { .. } => Self::TaskWithoutEpisode,
            Refusal::PartOfTraining { .. } => Self::PartOfTraining,
            Refusal::NoSuchScope { .. } => Self::NoSuchScope,
            Refusal::NothingToFree { .. } => Self::NothingToFree,
            Refusal::BeingMade { .. } => Self::BeingMade,
            Refusal::PlanUnknown { .. } => Self::PlanUnknown,
            Refusal::NotInLibrary { .. } => Self::NotInLibrary,
            Refusal::NoTake { .. } => Self::NoTake,
            Refusal::NotMade { .. } => Self::NotMade,
            Refusal::MadeAnew { .. } => Self::MadeAnew,
            Refusal::NoPart { .. } => Self::NoPart,
            Refusal::HasNoSource { .. } => Self::NoSource,
            Refusal::WrongStrength { .. } => Self::BadRequest,
            Refusal::NotInScript { .. } => Self::NotInScript,
            Refusal::NothingLocked { .. } => Self::NothingLocked,
            Refusal::HasNoTakes { .. } => Self::HasNoTakes,
            Refusal::FileNotKept { .. } => Self::FileNotKept,
            Refusal::WrongFile { .. } => Self::WrongFile,
            Refusal::NothingAwaits { .. } => Self::NothingAwaits,
            Refusal::NotAllMade { .. } => Self::NotAllMade,
        }
    }
}

/// A refusal; the one place where a kind of error becomes a status.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    #[serde(skip)]
    http: StatusCode,
    /// The status of the answer.
    status: u16,
    code: Code,
    /// The kind in words, the same for all of a kind.
    title: &'static str,
    /// What this one is about, in a sentence with the remedy.
    detail: String,
    /// The request's id, as it stands in the log; the header `x-request-id` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// There is nothing of that kind.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such thing", detail)
    }

    /// The request itself cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, "the request cannot be understood", detail)
    }

    /// Nothing is at this address.
    pub fn no_such_address() -> Self {
        let detail = "nothing is at this address; the API begins at /api/";
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such thing", detail)
    }

    /// The address is right, the method is not.
    pub fn no_such_method() -> Self {
        let detail = "this address does not answer to this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, Code::MethodNotAllowed, "the method is not possible here", detail)
    }

    /// A page of another site asked for it.
    pub fn foreign(origin: &str) -> Self {
        let detail = format!("pages of {origin} may not use the studio; open the studio's own page");
        Self::new(StatusCode::FORBIDDEN, Code::ForeignOrigin, "not from this page", detail)
    }

    /// The page was opened by a name that is not the studio's.
    pub fn foreign_host(host: &str) -> Self {
        let detail = format!("this studio does not answer to the name '{host}'; add it to web.hosts in the settings");
        Self::new(StatusCode::FORBIDDEN, Code::ForeignHost, "not by this name", detail)
    }

    /// Nobody knows who asks.
    pub fn login_needed() -> Self {
        let detail = "log in, or send a token as 'Authorization: Bearer'; the owner gives them out under Settings";
        Self::new(StatusCode::UNAUTHORIZED, Code::LoginNeeded, "who are you?", detail)
    }

    /// The password is not right.
    pub fn wrong_password(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Code::WrongPassword, "that did not work", detail)
    }

    /// Too many tries.
    pub fn slow_down() -> Self {
        let detail = "too many tries from your address; wait a minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, Code::SlowDown, "not so fast", detail)
    }

    /// The token may not do that.
    pub fn not_allowed(needs: studio_core::access::Scope) -> Self {
        let detail = format!("this token may not do that; it needs the scope '{}'", needs.word());
        Self::new(StatusCode::FORBIDDEN, Code::NotAllowed, "this token may not do that", detail)
    }

    /// The token is for another project.
    pub fn other_project(project: studio_core::ids::ProjectId) -> Self {
        let detail = format!("this token sees only the project {project}; ask for lists with ?project={project}");
        Self::new(StatusCode::FORBIDDEN, Code::OtherProject, "this token may not see that", detail)
    }

    /// Somebody else has changed it.
    pub fn changed() -> Self {
        let detail = "it has changed since you read it; read it again and repeat your change";
        Self::new(StatusCode::PRECONDITION_FAILED, Code::Changed, "somebody else was faster", detail)
    }

    /// The state of things forbids it.
    pub fn conflict(code: Code, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "the state of things forbids it", detail)
    }

    /// The address to fetch from is one of the house, or leads to one.
    pub fn house_address(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, Code::HouseAddress, "not from this address", detail)
    }

    /// More than this address takes.
    pub fn too_large(remedy: &str) -> Self {
        let detail = format!("the body is larger than this address takes; {remedy}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, "that is too much", detail)
    }

    /// The content is not of a kind that is taken.
    pub fn wrong_kind(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::WrongKind, "nobody here can use that", detail)
    }

    /// What came has mistakes, one on a line.
    pub fn mistakes(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, Code::Mistakes, "it has mistakes; nothing was begun", detail)
    }

    /// Not here, or not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, "not possible at the moment", detail)
    }

    /// A fault of the studio itself.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "something broke", detail)
    }

    /// Its code, and its sentence.
    pub fn told(self) -> (Code, String) {
        (self.code, self.detail)
    }

    fn new(http: StatusCode, code: Code, title: &'static str, detail: impl Into<String>) -> Self {
        Self { http, status: http.as_u16(), code, title, detail: detail.into(), request_id: None }
    }
}

/// 401 and 429, in the contract of what takes a password.
pub struct WrongPassword;
/// 412, in the contract of what takes `If-Match`.
pub struct Stale;
/// 409, in the contract of what is made of approved pictures.
pub struct NothingApproved;

impl IntoResponses for WrongPassword {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let all = [("401", "that is not the password, or none is set"), ("429", "too many tries")];
        all.map(|(status, about)| (status.to_owned(), RefOr::T(refusal(about)))).into()
    }
}

impl IntoResponses for Stale {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        [("412".to_owned(), RefOr::T(refusal("somebody else has changed it since you read it")))].into()
    }
}

impl IntoResponses for NothingApproved {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        [("409".to_owned(), RefOr::T(refusal("of this dataset nothing is approved")))].into()
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
        match nul_in(&rejection) {
            Some(nul) => Self::bad_request(nul.to_string()),
            None => Self::bad_request(rejection.body_text()),
        }
    }
}

/// That a body ended because a text in it has the character NUL.
pub fn nul_in<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a HasNul> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let detail = error.to_string();
        match error {
            store::Error::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, Code::NotFound, "there is no such thing", detail)
            }
            store::Error::TitleTaken(_) => Self::conflict(Code::ProjectExists, detail),
            store::Error::Conflict(_) => Self::conflict(Code::Conflict, detail),
            store::Error::DiskFull(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::DiskFull, "the disk is full", detail)
            }
            store::Error::Busy(_) | store::Error::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, "not possible at the moment", detail)
            }
            _ => Self::internal(detail),
        }
    }
}

impl From<conductor::Error> for Problem {
    fn from(error: conductor::Error) -> Self {
        match error {
            conductor::Error::Store(error) => error.into(),
            conductor::Error::Refused(refusal @ Refusal::WrongStrength { .. }) => {
                Self::bad_request(refusal.to_string())
            }
            conductor::Error::Refused(refusal) => Self::conflict(Code::from(&refusal), refusal.to_string()),
            conductor::Error::Broken(detail) => Self::internal(detail),
            other => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                Code::Unavailable,
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

/// A refusal as the contract has it.
pub fn refusal(about: &str) -> openapi::Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(about).content("application/problem+json", content).build()
}
