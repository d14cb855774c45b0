//! Web: what the studio answers on the network. THE route table is [`routes`].

mod page;
mod problem;
mod tasks;

use axum::{
    Json, Router,
    routing::{get, post},
};
use problem::Problem;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    conductor::{Context, Handle},
    store::Db,
};

/// What every endpoint may use.
#[derive(Clone)]
pub struct State {
    db: Db,
    conductor: Handle,
}

impl State {
    /// The store to read and the conductor to ask.
    pub fn new(context: &Context, conductor: Handle) -> Self {
        Self { db: context.db.clone(), conductor }
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
        .route("/api/tasks/{id}/cancel", post(tasks::cancel))
        .route("/api/tasks/{id}/retry", post(tasks::retry))
        .fallback(|| async { Problem::no_such_address() })
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .with_state(state)
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

/// Name and version of the program.
async fn version() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "name": "studiod", "version": env!("CARGO_PKG_VERSION") }))
}
