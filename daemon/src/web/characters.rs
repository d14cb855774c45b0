//! `/api/characters`: who appears or speaks, how they look and sound.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
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
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader, Writer},
    merge_patch::{self, Editable, MergePatch},
    pagination::{Names, list_query},
    problem::{self, Problem},
    sheets::{self, Described},
};
use crate::store::{
    self, Db, Tx,
    takes::{self, Placed},
};

/// A change of a character's sheet.
type SheetPatch = MergePatch<Sheet>;
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

impl Editable for Sheet {
    type Id = CharacterId;
    const CHANGED: EventKind = EventKind::CharacterChanged;

    async fn load(db: &Db, id: CharacterId) -> store::Result<Self> {
        store::characters::sheet(db, id).await
    }

    async fn keep(&self, tx: &mut Tx<'_>, id: CharacterId) -> store::Result<()> {
        store::characters::set_sheet(tx, id, self).await
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }

    fn files(&self) -> impl Iterator<Item = &AssetRef> + Send {
        self.files()
    }
}

impl Described for Character {
    type Id = CharacterId;
    type Sheet = Sheet;
    type Card = CharacterCard;

    fn id(&self) -> CharacterId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn get(db: &Db, id: CharacterId) -> store::Result<Self> {
        store::characters::get(db, id).await
    }

    async fn of_project(db: &Db, project: ProjectId) -> store::Result<Vec<Self>> {
        store::characters::readable(db, project).await
    }

    async fn card(self, state: &super::AppState, sheet: Sheet) -> Result<CharacterCard, Problem> {
        let mut picture = sheet.references.first().map(|reference| reference.hash);
        if picture.is_none() {
            picture = likeness(&state.db, &self).await?;
        }
        Ok(CharacterCard { tag: merge_patch::tag(&sheet), character: self, sheet, picture })
    }
}

/// The newest picture of somebody alone, else any with them.
async fn likeness(db: &Db, character: &Character) -> Result<Option<ContentHash>, Problem> {
    let asked = takes::Filter {
        project: Some(character.project_id),
        subject: Some(Subject::Still),
        character: Some(character.name.clone()),
        limit: 20,
        ..takes::Filter::default()
    };
    let takes = store::takes::page(db, &asked).await?;
    let alone = |view: &&Placed| view.plan.characters == [character.name.as_str()];
    // The nearer the camera, the better the likeness.
    let near = |view: &&Placed| match view.plan.shot_type {
        ShotType::CloseUp | ShotType::ExtremeCloseUp => 2,
        ShotType::Medium => 1,
        _ => 0,
    };
    Ok(takes.iter().filter(alone).max_by_key(near).or(takes.first()).map(|view| view.take.asset))
}

list_query! {
    /// Which characters are asked for, and in which order.
    ListQuery of project {
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those with this in their name.
        q: Option<String>,
    }
    /// By `name`, or the `newest` first.
    sort: Names,
    /// Only those that come after this one: the `next` of the page before.
    after: CharacterId,
}

/// One page of characters.
#[derive(Debug, Serialize, ToSchema)]
pub struct CharacterPage {
    characters: Vec<CharacterCard>,
    /// Where the next page begins; `None` on the last one.
    next: Option<CharacterId>,
}

/// Lists characters with their sheets, page by page.
#[utoipa::path(get, path = "/api/characters", tag = "characters", params(ListQuery),
    responses((status = 200, body = CharacterPage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<CharacterPage>, Problem> {
    let Listed(which) = door.of;
    let ListQuery { project, q, sort, after, limit } = which;
    let wanted = sheets::Wanted { project, q: q.as_deref(), sort, after, limit };
    let (characters, next) = sheets::page::<Character>(&state, wanted).await?;
    Ok(Json(CharacterPage { characters, next }))
}

/// One character; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/characters/{id}", tag = "characters", params(("id" = CharacterId, Path)),
    responses((status = 200, body = CharacterCard)))]
pub async fn one(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let card = sheets::card::<Character>(&state, id).await?;
    Ok((merge_patch::tagged(&card.tag), Json(card)))
}

/// Changes how a character looks and sounds: a merge patch of the sheet. It counts when an episode is made next.
#[utoipa::path(patch, path = "/api/characters/{id}", tag = "characters", params(("id" = CharacterId, Path)),
    request_body(content = SheetPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = CharacterCard), problem::Stale))]
pub async fn change(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    patch: SheetPatch,
) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let sheet = merge_patch::change(&state, &door, &headers, &patch).await?;
    let card = Character::get(&state.db, id).await?.card(&state, sheet).await?;
    Ok((merge_patch::tagged(&card.tag), Json(card)))
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
    request_body = Audition, responses((status = 200, body = Spoken)))]
pub async fn audition(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    what: Result<Json<Audition>, JsonRejection>,
) -> Result<Json<Spoken>, Problem> {
    let (id, Json(Audition { text, draft })) = (door.of, what?);
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
