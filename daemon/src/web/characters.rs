//! `/api/characters`: who appears or speaks, how they look and sound.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    character::{Character, Sheet},
    ids::{CharacterId, ContentHash, ProjectId},
    journal::EventKind,
    order::AssetRef,
    production::engine::DRAFT_VOICE,
    shot::ShotType,
    take::Subject,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    lists::{self, Limit, Names, has},
    patch,
    problem::Problem,
};
use crate::store::{
    self,
    takes::{Asked, Placed},
};

/// A character named in the address.
type Named = Result<Path<CharacterId>, PathRejection>;
/// Longest text of an audition, in characters.
const LONGEST_AUDITION: usize = 300;

/// A character with what people said of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CharacterCard {
    character: Character,
    sheet: Sheet,
    /// Entity tag of the sheet, for `If-Match`.
    tag: String,
    /// Their first reference, else the newest picture of them alone.
    picture: Option<ContentHash>,
}

impl CharacterCard {
    /// With its tag and a picture.
    pub async fn of(state: &super::State, character: Character, sheet: Sheet) -> Result<Self, Problem> {
        let asked = Asked {
            project: Some(character.project_id),
            subject: Some(Subject::Still),
            character: Some(character.name.clone()),
            limit: 20,
            ..Asked::default()
        };
        let mut picture = sheet.references.first().map(|reference| reference.hash);
        if picture.is_none() {
            let takes = store::takes::page(&state.db, &asked).await?;
            let alone = |view: &&Placed| view.plan.characters == [character.name.as_str()];
            // The nearer the camera, the better the likeness.
            let near = |view: &&Placed| match view.plan.shot_type {
                ShotType::CloseUp | ShotType::ExtremeCloseUp => 2,
                ShotType::Medium => 1,
                _ => 0,
            };
            picture = takes.iter().filter(alone).max_by_key(near).or(takes.first()).map(|view| view.take.asset);
        }
        Ok(Self { tag: patch::tag(&sheet), character, sheet, picture })
    }
}

/// Everybody in a project, by short name.
pub async fn of_project(state: &super::State, project: ProjectId) -> Result<Vec<CharacterCard>, Problem> {
    let mut sheets: BTreeMap<_, _> = store::characters::sheets(&state.db, project).await?.into_iter().collect();
    let mut cards = Vec::new();
    for one in store::characters::of_project(&state.db, project).await? {
        let sheet = sheets.remove(&one.id).unwrap_or_default();
        cards.push(CharacterCard::of(state, one, sheet).await?);
    }
    Ok(cards)
}

/// Which characters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those of this project.
    project: Option<ProjectId>,
    /// Only those with this in their name.
    q: Option<String>,
    /// By `name`, or the `newest` first.
    #[serde(default)]
    #[param(inline)]
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: Option<CharacterId>,
    /// At most this many, 1..=500; usually 100.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 500)]
    limit: Limit,
}

/// One page of characters.
#[derive(Debug, Serialize, ToSchema)]
pub struct CharacterPage {
    characters: Vec<CharacterCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<CharacterId>,
}

/// Characters.
#[utoipa::path(get, path = "/api/characters", tag = "characters", params(Which),
    responses((status = 200, body = CharacterPage), Problem))]
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<CharacterPage>, Problem> {
    let Query(which) = which?;
    let mut all = Vec::new();
    for project in lists::projects(&state, which.project).await? {
        all.extend(store::characters::of_project(&state.db, project).await?);
    }
    all.retain(|one| has(&one.name, which.q.as_deref()));
    match which.sort {
        Names::Name => all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id))),
        Names::Newest => all.sort_by_key(|one| std::cmp::Reverse(one.id)),
    }
    let (page, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    let mut characters = Vec::with_capacity(page.len());
    for one in page {
        let sheet = store::characters::sheet(&state.db, one.id).await?;
        characters.push(CharacterCard::of(&state, one, sheet).await?);
    }
    Ok(Json(CharacterPage { characters, next }))
}

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
    patch::kept(&state, sheet.files()).await?;
    let mut tx = state.db.begin().await?;
    store::characters::set_sheet(&mut tx, id, &sheet).await?;
    state.changed(&mut tx, EventKind::CharacterChanged, &id.to_string()).await?;
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
    /// In the draft voice, whatever the voice in films is.
    #[serde(default)]
    draft: bool,
}

/// A recording of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Spoken {
    file: AssetRef,
    /// The engine that spoke.
    by: String,
    /// Why it is not the voice of the films; `None` when it is, or the draft was asked for.
    stands_in: Option<String>,
}

/// Has a character say something with the voice it has in films; the draft stands in while that would disturb a card.
#[utoipa::path(post, path = "/api/characters/{id}/audition", tag = "characters", params(("id" = CharacterId, Path)),
    request_body = Audition, responses((status = 200, body = Spoken), Problem))]
pub async fn audition(
    State(state): State<super::State>,
    id: Named,
    what: Result<Json<Audition>, JsonRejection>,
) -> Result<Json<Spoken>, Problem> {
    let (Path(id), Json(Audition { text, draft })) = (id?, what?);
    let length = text.trim().chars().count();
    if !(1..=LONGEST_AUDITION).contains(&length) || !text.chars().any(char::is_alphanumeric) {
        return Err(Problem::bad_request(format!("give a sentence of 1 to {LONGEST_AUDITION} characters to say")));
    }
    store::characters::get(&state.db, id).await?;
    let (media, text) = (&state.services()?.media, text.trim());
    let speaker = media.speaker();
    let stands_in = if draft { None } else { state.conductor.view().await?.busy(&speaker) };
    let draft = draft || stands_in.is_some();
    let spoken = media.audition(id, text, draft).await?;
    let stands_in = stands_in.or(spoken.stands_in);
    let by = if draft || stands_in.is_some() { DRAFT_VOICE.into() } else { speaker };
    Ok(Json(Spoken { file: spoken.file, by, stands_in }))
}
