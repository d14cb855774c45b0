//! `/api/characters/{id}/dataset/copies`: what the thresholds of near-duplicates group, before they are kept.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use studio_core::{dataset::CopiesPreview, ids::CharacterId};
use utoipa::IntoParams;

use super::{doors::Reader, problem::Problem};

/// Which thresholds are tried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Tried {
    /// Most bits of 256 in which the DCT hashes of a copy differ, 0..=48; that of the settings without.
    dct: Option<u32>,
    /// Most bits of 256 in which the gradient hashes of a copy differ, 0..=31; that of the settings without.
    gradient: Option<u32>,
}

/// Shows what other thresholds would group of the pictures there are, and which copies would stand for themselves; nothing is
/// changed.
///
/// Thresholds decide of pictures that show the same frame. What is cut or moved stays grouped as it is. Compared are hashes and
/// the tiny pictures that are kept with them; one that arrives is looked at itself besides, and may be left out then.
#[utoipa::path(get, path = "/api/characters/{id}/dataset/copies", tag = "datasets",
    params(("id" = CharacterId, Path), Tried), responses((status = 200, body = CopiesPreview)))]
pub async fn preview(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
    tried: Result<Query<Tried>, QueryRejection>,
) -> Result<Json<CopiesPreview>, Problem> {
    let (id, Query(Tried { dct, gradient })) = (door.of, tried?);
    crate::store::characters::get(&state.db, id).await?;
    Ok(Json(state.services()?.datasets.copies(id, [dct, gradient]).await?))
}
