//! `/api/characters/{id}/dataset/ingests`, `/api/ingests`: videos whose frames become pictures of a dataset.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Excerpt, Ingest, MOST_FRAMES},
    ids::{CharacterId, IngestId},
};
use utoipa::ToSchema;

use super::{
    doors::{Reader, Writer},
    problem::{Code, Problem},
    services::{IngestRefused, IngestView, ServiceError},
};
use crate::store;

/// Latest second of a video that can be named: a week.
const LATEST_S: f64 = 604_800.0;
/// Longest address, in characters.
const LONGEST_URL: usize = 2000;

/// A part of a video from seconds.
pub(super) fn excerpt(from_s: Option<f64>, to_s: Option<f64>, max: Option<u32>) -> Result<Excerpt, Problem> {
    let ms = |name: &str, seconds: f64| {
        if (0.0..=LATEST_S).contains(&seconds) {
            return Ok((seconds * 1000.0).round() as u64);
        }
        Err(Problem::bad_request(format!(
            "{name} is {seconds}; give seconds from the start of the video, 0 to {LATEST_S}"
        )))
    };
    let from_ms = from_s.map_or(Ok(0), |seconds| ms("from_s", seconds))?;
    let to_ms = to_s.map(|seconds| ms("to_s", seconds)).transpose()?;
    let excerpt = Excerpt { from_ms, to_ms, most: max.unwrap_or(MOST_FRAMES) };
    excerpt.check().map_err(Problem::bad_request)?;
    Ok(excerpt)
}

/// Ingests of a dataset, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct IngestList {
    ingests: Vec<IngestView>,
}

/// Videos whose frames become pictures of a dataset, the newest first: those on the way, and the last 30 that ended.
#[utoipa::path(get, path = "/api/characters/{id}/dataset/ingests", tag = "datasets", params(("id" = CharacterId, Path)),
    responses((status = 200, body = IngestList)))]
pub async fn list(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<IngestList>, Problem> {
    store::characters::get(&state.db, door.of).await?;
    let ingests = store::ingests::of_character(&state.db, door.of).await?;
    Ok(Json(IngestList { ingests: ingests.into_iter().map(IngestView::from).collect() }))
}

/// A video somewhere else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VideoAddress {
    /// Its address, `https://...`; of a site that yt-dlp knows.
    url: String,
    /// Whoever asks says that they may use it: their own, licensed, or in the public domain. Kept with every picture.
    #[serde(default)]
    may_use: bool,
    /// Where to begin in it, in seconds; its start without.
    from_s: Option<f64>,
    /// Where to end in it, in seconds; its end without.
    to_s: Option<f64>,
    /// Most frames that are taken, 1..=200, which is usual.
    max: Option<u32>,
}

/// Has a video fetched with yt-dlp, where that is installed, and frames of it taken into a dataset.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/ingests", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = VideoAddress, responses((status = 202, body = IngestView)))]
pub async fn fetch(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    said: Result<Json<VideoAddress>, JsonRejection>,
) -> Result<(StatusCode, Json<IngestView>), Problem> {
    let (id, Json(VideoAddress { url, may_use, from_s, to_s, max })) = (door.of, said?);
    if url.chars().count() > LONGEST_URL {
        return Err(Problem::bad_request(format!("url has more than {LONGEST_URL} characters; shorten it")));
    }
    let excerpt = excerpt(from_s, to_s, max)?;
    store::characters::get(&state.db, id).await?;
    let ingest = state.services()?.datasets.take_url(id, &url, may_use, excerpt).await?;
    Ok((StatusCode::ACCEPTED, Json(ingest.into())))
}

/// Stops a video that is taken in, or waits for it. Pictures that have arrived stay.
#[utoipa::path(post, path = "/api/ingests/{id}/cancel", tag = "datasets", params(("id" = IngestId, Path)),
    responses((status = 200, body = IngestView)))]
pub async fn cancel(door: Writer<IngestId>, State(state): State<super::AppState>) -> Result<Json<IngestView>, Problem> {
    let ingest = state.services()?.datasets.stop_ingest(door.of).await?;
    Ok(Json(ingest.into()))
}

impl From<Ingest> for IngestView {
    fn from(ingest: Ingest) -> Self {
        Self { said: ingest.fault.as_ref().map_or_else(String::new, ToString::to_string), ingest }
    }
}

impl From<IngestRefused> for ServiceError {
    fn from(refused: IngestRefused) -> Self {
        Self::Ingest(refused)
    }
}

impl From<IngestRefused> for Problem {
    fn from(refused: IngestRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            IngestRefused::TooMany { .. } => Self::conflict(Code::TooManyIngests, detail),
            IngestRefused::Over => Self::conflict(Code::IngestOver, detail),
            IngestRefused::NoDownloader { .. } => Self::conflict(Code::NoDownloader, detail),
            IngestRefused::House { .. } => Self::house_address(detail),
        }
    }
}
