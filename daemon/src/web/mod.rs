//! Web: what the studio answers on the network. THE route table is [`table`].

mod assets;
mod episodes;
mod fleet;
mod live;
mod page;
mod problem;
mod projects;
mod screenplays;
mod takes;
mod tasks;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    http::{
        HeaderMap,
        header::{HOST, ORIGIN},
    },
    middleware::Next,
    response::Response,
    routing::get,
};
use problem::Problem;
pub use screenplays::{Producer, Unwilling, Wanted};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    conductor::{Context, Handle},
    events::Events,
    files::DataDir,
    store::Db,
};

/// What every endpoint may use.
#[derive(Clone)]
pub struct State {
    db: Db,
    conductor: Handle,
    events: Events,
    data: DataDir,
    hub: live::Hub,
    producer: screenplays::AnyProducer,
    /// Cancelled when the studio closes: what would be told for ever ends.
    stop: CancellationToken,
}

impl State {
    /// The store to read and the conductor to ask.
    pub fn new(context: &Context, conductor: Handle) -> Self {
        Self {
            db: context.db.clone(),
            conductor,
            events: context.events.clone(),
            data: context.data.clone(),
            hub: live::Hub::default(),
            producer: None,
            stop: CancellationToken::new(),
        }
    }

    /// The same, with somebody who makes productions of screenplays.
    #[must_use]
    pub fn with_producer(self, producer: Arc<dyn Producer>) -> Self {
        Self { producer: Some(producer), ..self }
    }
}

/// The contract, as `docs/api/openapi.json` has it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "studiod",
        description = "A film studio on a home PC. Every button of the page is one of these calls."
    ),
    components(schemas(problem::Problem, live::Told))
)]
struct Contract;

/// THE route table.
fn table() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(Contract::openapi())
        .routes(routes!(health))
        .routes(routes!(version))
        .routes(routes!(motion_presets))
        .routes(routes!(projects::list))
        .routes(routes!(projects::one))
        .routes(routes!(screenplays::import).layer(DefaultBodyLimit::max(screenplays::LARGEST)))
        .routes(routes!(episodes::list))
        .routes(routes!(episodes::one))
        .routes(routes!(episodes::decisions))
        .routes(routes!(episodes::produce))
        .routes(routes!(episodes::cancel))
        .routes(routes!(takes::list))
        .routes(routes!(takes::shot))
        .routes(routes!(takes::opinion))
        .routes(routes!(takes::hand))
        .routes(routes!(assets::one))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::one))
        .routes(routes!(tasks::preview))
        .routes(routes!(tasks::cancel))
        .routes(routes!(tasks::retry))
        .routes(routes!(tasks::opinion))
        .routes(routes!(tasks::hand))
        .routes(routes!(fleet::steer))
        .routes(routes!(fleet::view))
        .routes(routes!(fleet::plan))
        .routes(routes!(fleet::durations))
        .routes(routes!(fleet::pause))
        .routes(routes!(fleet::resume))
        .routes(routes!(fleet::costs))
        .routes(routes!(live::live))
        .routes(routes!(live::events))
}

/// The contract as JSON, the same at every build.
pub fn contract() -> String {
    let (_, contract) = table().split_for_parts();
    let mut text = contract.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Every endpoint.
pub fn routes(state: State) -> Router {
    let (router, _) = table().split_for_parts();
    router
        .route("/", get(page::page))
        .route("/api/openapi.json", get(openapi))
        .fallback(|| async { Problem::no_such_address() })
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .layer(axum::middleware::from_fn(same_origin))
        .with_state(state)
}

/// The contract.
async fn openapi() -> ([(axum::http::HeaderName, &'static str); 1], String) {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], contract())
}

/// Keeps pages of other sites from driving the studio: a browser says where a request comes from, and that must be
/// the studio itself. Scripts say nothing and are welcome.
async fn same_origin(request: Request, next: Next) -> Result<Response, Problem> {
    match foreign_origin(request.headers()) {
        Some(origin) => Err(Problem::foreign(&origin)),
        None => Ok(next.run(request).await),
    }
}

/// Where the request comes from, when that is another place than the studio.
fn foreign_origin(headers: &HeaderMap) -> Option<String> {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = said(ORIGIN)?;
    let place = origin.split_once("://").map_or(origin, |(_, place)| place);
    (said(HOST) != Some(place)).then(|| origin.to_owned())
}

/// Answers until `stop`, then lets requests under way finish.
pub async fn serve(door: TcpListener, state: State, stop: CancellationToken) {
    let state = State { stop: stop.clone(), ..state };
    let closed = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(door, routes(state)).with_graceful_shutdown(closed).await {
        tracing::error!(%error, "failed to answer on the network");
    }
}

/// `ok` when the database answers; 503 otherwise.
#[utoipa::path(get, path = "/health", tag = "studio", responses((status = 200, body = String), Problem))]
async fn health(axum::extract::State(state): axum::extract::State<State>) -> Result<&'static str, Problem> {
    state.db.ping().await?;
    Ok("ok")
}

/// What may move in a shot of each type.
#[utoipa::path(get, path = "/api/motion-presets", tag = "studio",
    responses((status = 200, body = Vec<studio_core::motion::Preset>)))]
async fn motion_presets() -> Json<&'static [studio_core::motion::Preset]> {
    Json(&studio_core::motion::PRESETS)
}

/// Name and version of the program.
#[utoipa::path(get, path = "/api/version", tag = "studio", responses((status = 200, body = Version)))]
async fn version() -> Json<Version> {
    Json(Version { name: "studiod", version: env!("CARGO_PKG_VERSION") })
}

/// Which program this is.
#[derive(Debug, Serialize, ToSchema)]
struct Version {
    name: &'static str,
    version: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_studios_own_pages_may_drive_it() {
        let asked = |origin: Option<&str>| {
            let mut headers = HeaderMap::from_iter([(HOST, "studio.local:8401".parse().unwrap())]);
            headers.extend(origin.map(|origin| (ORIGIN, origin.parse().unwrap())));
            foreign_origin(&headers)
        };
        assert_eq!(asked(None), None, "a script");
        assert_eq!(asked(Some("http://studio.local:8401")), None, "the studio's page");
        assert!(asked(Some("http://evil.example")).is_some() && asked(Some("null")).is_some());
    }
}
