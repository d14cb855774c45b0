//! `/api/characters`: who appears or speaks, how they look and sound.

use axum::{
    Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::HeaderMap,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{character::Sheet, ids::CharacterId, order::AssetRef};
use utoipa::ToSchema;

use super::{patch, problem::Problem, projects::CharacterCard};
use crate::store;

/// A character named in the address.
type Named = Result<Path<CharacterId>, PathRejection>;
/// Longest text of an audition, in characters.
const LONGEST_AUDITION: usize = 300;

/// One character; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/characters/{id}", tag = "characters", params(("id" = CharacterId, Path)),
    responses((status = 200, body = CharacterCard), Problem))]
pub async fn one(State(state): State<super::State>, id: Named) -> Result<impl IntoResponse, Problem> {
    let Path(id) = id?;
    let sheet = store::characters::sheet(&state.db, id).await?;
    let character = store::characters::get(&state.db, id).await?;
    Ok((patch::tagged(&patch::tag(&sheet)), Json(CharacterCard::of(&state, character, sheet).await?)))
}

/// Changes how a character looks and sounds: a merge patch of the sheet. It counts when an episode is made next.
#[utoipa::path(patch, path = "/api/characters/{id}", tag = "characters", params(("id" = CharacterId, Path)),
    request_body(content = Object, content_type = "application/merge-patch+json"),
    responses((status = 200, body = CharacterCard), Problem))]
pub async fn change(
    State(state): State<super::State>,
    id: Named,
    headers: HeaderMap,
    change: Result<patch::MergePatch, Problem>,
) -> Result<impl IntoResponse, Problem> {
    let (Path(id), patch::MergePatch(change)) = (id?, change?);
    let _one_at_a_time = state.writing.lock().await;
    let now = store::characters::sheet(&state.db, id).await?;
    patch::unchanged(&headers, &patch::tag(&now))?;
    let sheet: Sheet = patch::merged(&now, &change)?;
    sheet.check().map_err(Problem::bad_request)?;
    for file in sheet.references.iter().chain(&sheet.sample) {
        if store::assets::get(&state.db, file.hash).await?.is_none() {
            return Err(Problem::bad_request(format!("the studio keeps no file {}; upload it first", file.hash)));
        }
    }
    let mut tx = state.db.begin().await?;
    store::characters::set_sheet(&mut tx, id, &sheet).await?;
    state.changed(&mut tx, "character.changed", &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    let character = store::characters::get(&state.db, id).await?;
    Ok((patch::tagged(&patch::tag(&sheet)), Json(CharacterCard::of(&state, character, sheet).await?)))
}

/// What is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Audition {
    /// 1 to 300 characters.
    text: String,
}

/// A recording of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Spoken {
    file: AssetRef,
}

/// Has a character say something, in the draft voice.
#[utoipa::path(post, path = "/api/characters/{id}/audition", tag = "characters", params(("id" = CharacterId, Path)),
    request_body = Audition, responses((status = 200, body = Spoken), Problem))]
pub async fn audition(
    State(state): State<super::State>,
    id: Named,
    what: Result<Json<Audition>, JsonRejection>,
) -> Result<Json<Spoken>, Problem> {
    let (Path(id), Json(Audition { text })) = (id?, what?);
    let length = text.trim().chars().count();
    if !(1..=LONGEST_AUDITION).contains(&length) || !text.chars().any(char::is_alphanumeric) {
        return Err(Problem::bad_request(format!("give a sentence of 1 to {LONGEST_AUDITION} characters to say")));
    }
    store::characters::get(&state.db, id).await?;
    let file = state.workshop()?.audition(id, text.trim()).await?;
    Ok(Json(Spoken { file }))
}
