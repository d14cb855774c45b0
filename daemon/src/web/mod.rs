//! Web: what the studio answers on the network. THE route table is [`routes`].

mod fleet;
mod page;
mod problem;
mod tasks;

use axum::{
    Json, Router,
    extract::Request,
    http::{
        HeaderMap,
        header::{HOST, ORIGIN},
    },
    middleware::Next,
    response::Response,
    routing::{get, post},
};
use problem::Problem;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    conductor::{Context, Handle},
    events::Events,
    store::Db,
};

/// What every endpoint may use.
#[derive(Clone)]
pub struct State {
    db: Db,
    conductor: Handle,
    events: Events,
}

impl State {
    /// The store to read and the conductor to ask.
    pub fn new(context: &Context, conductor: Handle) -> Self {
        Self { db: context.db.clone(), conductor, events: context.events.clone() }
    }
}

/// Every endpoint.
pub fn routes(state: State) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/health", get(health))
        .route("/api/version", get(version))
        .route("/api/tasks", get(tasks::list))
        .route("/api/tasks/{id}", get(tasks::one))
        .route("/api/tasks/{id}/preview", get(tasks::preview))
        .route("/api/tasks/{id}/cancel", post(tasks::cancel))
        .route("/api/tasks/{id}/retry", post(tasks::retry))
        .route("/api/tasks/{id}/steer", post(fleet::steer))
        .route("/api/fleet", get(fleet::view))
        .route("/api/fleet/plan", get(fleet::plan))
        .route("/api/fleet/durations", get(fleet::durations))
        .route("/api/fleet/pause", post(fleet::pause))
        .route("/api/motion-presets", get(motion_presets))
        .route("/api/tasks/{id}/opinion", post(tasks::opinion))
        .route("/api/tasks/{id}/hand", post(tasks::hand))
        .route("/api/fleet/resume", post(fleet::resume))
        .route("/api/episodes/{id}/costs", get(fleet::costs))
        .fallback(|| async { Problem::no_such_address() })
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .layer(axum::middleware::from_fn(same_origin))
        .with_state(state)
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
    let closed = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(door, routes(state)).with_graceful_shutdown(closed).await {
        tracing::error!(%error, "failed to answer on the network");
    }
}

/// `ok` when the database answers; 503 otherwise.
async fn health(axum::extract::State(state): axum::extract::State<State>) -> Result<&'static str, Problem> {
    state.db.ping().await?;
    Ok("ok")
}

/// What may move in a shot of each type.
async fn motion_presets() -> Json<&'static [studio_core::motion::Preset]> {
    Json(&studio_core::motion::PRESETS)
}

/// Name and version of the program.
async fn version() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "name": "studiod", "version": env!("CARGO_PKG_VERSION") }))
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
