//! Metrics over HTTP: what was counted and what stands, for Prometheus.

use axum::{
    extract::State,
    http::{HeaderName, header},
};

use super::{doors::Reader, problem::Problem};
use crate::{
    metrics::{MEDIA_TYPE, Snapshot},
    store,
};

/// Counters and gauges of the studio as `OpenMetrics` text, for Prometheus and its like; see docs/operate.md.
#[utoipa::path(get, path = "/metrics", tag = "studio",
    responses((status = 200, description = "OpenMetrics 1.0 text", content_type = "application/openmetrics-text",
        body = String)))]
pub async fn metrics(
    _: Reader,
    State(state): State<super::AppState>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let tasks = store::counts::by_stage(&state.db).await?;
    let word = |state| serde_json::to_value(state).ok()?.as_str().map(str::to_owned);
    let tasks =
        tasks.into_iter().filter_map(|(state, stage, count)| Some((word(state)?, stage.word(), count))).collect();
    let mut workers = Vec::new();
    for (engine, seat) in &*state.engines {
        let offer = seat.engine.offer();
        for worker in offer.iter().flat_map(|offer| offer.borrow().seats.clone()) {
            workers.push((engine.clone(), worker.facts.seat, worker.away.is_none()));
        }
    }
    let standing = Snapshot {
        tasks,
        // Without a conductor nothing waits in it.
        ready: state.conductor.view().await.map_or(0, |view| view.ready.iter().sum()),
        cards: state.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default(),
        workers,
        listeners: state.hub.listeners(),
        inbox: state.conductor.waiting(),
    };
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], state.metrics.text(&standing)))
}
