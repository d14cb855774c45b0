//! `/api/characters/{id}/dataset/captions` and `/tags`: what is told of all pictures of a dataset in training.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Called, Caption, Cell, LONGEST_CAPTION, Picture, PictureState, Replacement, TagCount, Visit},
    ids::{CharacterId, PictureId},
    journal::EventKind,
};
use utoipa::ToSchema;

use super::{
    dataset_reviews::ReviewView,
    dataset_services::Meant,
    doors::{Reader, Writer},
    problem::Problem,
};
use crate::{events::StudioEvent, store};

/// Bytes of what is taken back at once: the longest captions of ten thousand pictures, before and after.
pub const MOST_RESTORED: usize = 64 << 20;

/// What is replaced, and in the captions of which pictures.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptionsReplace {
    /// What is looked for, letter by letter, 1 to 2000 characters.
    find: String,
    /// What stands there afterwards, at most 2000 characters; empty: nothing.
    #[serde(default)]
    replace: String,
    /// Only where it is no part of a longer word.
    #[serde(default)]
    whole_word: bool,
    /// Only says what would change.
    #[serde(default)]
    dry_run: bool,
    /// Only of pictures in this state.
    #[serde(default)]
    state: Option<PictureState>,
    /// Only of pictures that show that, by axis.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    cell: Cell,
}

impl CaptionsReplace {
    fn meant(&self, picture: &Picture) -> bool {
        let shows = |(axis, word): (&String, &String)| picture.cell.get(axis) == Some(word);
        self.state.is_none_or(|state| state == picture.state) && self.cell.iter().all(shows)
    }
}

/// A caption before and after.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptionChange {
    /// Of which picture.
    picture: PictureId,
    /// As it was.
    before: String,
    /// As it is now; empty: it has none any more.
    after: String,
    /// A person had written what was there before.
    by_person: bool,
}

/// What was replaced, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptionsReplaced {
    /// Captions that were looked at.
    looked_at: usize,
    /// Those that differ, the oldest picture first.
    changed: Vec<CaptionChange>,
    /// It is kept; false after a dry run.
    kept: bool,
}

/// Finds words in the written captions of a dataset and replaces them: all of it is kept, or nothing.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/captions/replace", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = CaptionsReplace,
    responses((status = 200, body = CaptionsReplaced)))]
pub async fn replace(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<CaptionsReplace>, JsonRejection>,
) -> Result<Json<CaptionsReplaced>, Problem> {
    let (id, Json(wanted)) = (door.of, wanted?);
    store::characters::get(&state.db, id).await?;
    if wanted.find.is_empty() {
        return Err(Problem::bad_request("find is empty; say what is to be replaced"));
    }
    if [&wanted.find, &wanted.replace].into_iter().any(|text| text.chars().count() > LONGEST_CAPTION) {
        return Err(Problem::bad_request(format!("find and replace have at most {LONGEST_CAPTION} characters")));
    }
    let (find, replace) = (wanted.find.clone(), wanted.replace.clone());
    let replacement = Replacement { find, replace, whole_word: wanted.whole_word };
    let _one_at_a_time = state.writing.lock().await;
    let pictures = store::dataset_pictures::of_character(&state.db, id).await?;
    let mut answer = CaptionsReplaced { looked_at: 0, changed: Vec::new(), kept: !wanted.dry_run };
    for picture in pictures.iter().filter(|picture| wanted.meant(picture)) {
        let Some(caption) = &picture.caption else { continue };
        answer.looked_at += 1;
        let Some(after) = replacement.of(&caption.text) else { continue };
        if after.chars().count() > LONGEST_CAPTION {
            let why = format!("the caption of {} would be longer than {LONGEST_CAPTION} characters", picture.id);
            return Err(Problem::bad_request(format!("{why}; nothing was changed")));
        }
        let Caption { text, by_person } = caption.clone();
        answer.changed.push(CaptionChange { picture: picture.id, before: text, after, by_person });
    }
    if wanted.dry_run || answer.changed.is_empty() {
        return Ok(Json(answer));
    }
    let mut tx = state.db.begin().await?;
    for CaptionChange { picture, after, .. } in &answer.changed {
        let caption = (!after.is_empty()).then(|| Caption { text: after.clone(), by_person: true });
        store::dataset_pictures::set_caption(&mut tx, *picture, caption.as_ref()).await?;
        state.changed(&mut tx, EventKind::PictureChanged, &picture.to_string()).await?;
    }
    tx.commit().await?;
    state.events.tell(StudioEvent::Dataset { character: id });
    Ok(Json(answer))
}

/// What is to be as it was before it was replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptionsRestore {
    /// What was changed, as the replacement has answered.
    changed: Vec<CaptionChange>,
}

/// What is as it was before.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptionsRestored {
    /// How many captions are as they were before.
    restored: usize,
    /// How many stay as they are: they were changed since, or their picture is gone from the dataset.
    left: usize,
}

/// Takes a replacement back: every caption that still is what it made of it is again what it was before.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/captions/restore", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = CaptionsRestore,
    responses((status = 200, body = CaptionsRestored)))]
pub async fn restore(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<CaptionsRestore>, JsonRejection>,
) -> Result<Json<CaptionsRestored>, Problem> {
    let (id, Json(CaptionsRestore { changed })) = (door.of, wanted?);
    store::characters::get(&state.db, id).await?;
    if let Some(bad) = changed.iter().find(|one| {
        one.before.is_empty() || one.before.contains(['\n', '\r']) || one.before.chars().count() > LONGEST_CAPTION
    }) {
        let why = format!("'before' of {} is no line of 1 to {LONGEST_CAPTION} characters", bad.picture);
        return Err(Problem::bad_request(format!("{why}; send what the replacement has answered")));
    }
    let _one_at_a_time = state.writing.lock().await;
    let pictures = store::dataset_pictures::of_character(&state.db, id).await?;
    let now: BTreeMap<PictureId, String> = pictures
        .into_iter()
        .map(|picture| (picture.id, picture.caption.map(|caption| caption.text).unwrap_or_default()))
        .collect();
    let still: Vec<&CaptionChange> =
        changed.iter().filter(|one| now.get(&one.picture) == Some(&one.after) && one.before != one.after).collect();
    let mut tx = state.db.begin().await?;
    for one in &still {
        let caption = Caption { text: one.before.clone(), by_person: one.by_person };
        store::dataset_pictures::set_caption(&mut tx, one.picture, Some(&caption)).await?;
        state.changed(&mut tx, EventKind::PictureChanged, &one.picture.to_string()).await?;
    }
    tx.commit().await?;
    if !still.is_empty() {
        state.events.tell(StudioEvent::Dataset { character: id });
    }
    Ok(Json(CaptionsRestored { restored: still.len(), left: changed.len() - still.len() }))
}

/// Of which pictures a vision model writes the captions.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionsWanted {
    /// Also of those that a vision model has written before; what a person wrote stays in any case.
    all: bool,
    /// Exactly these, at most 500; none: all that the rest fits.
    pictures: Vec<PictureId>,
    /// Only of pictures in this state.
    state: Option<PictureState>,
}

/// Has a vision model say what pictures show, and writes their captions from that: what changes from picture to picture,
/// without trigger word, looks of the character and words of quality. They are placed by it, too. How far it is says the
/// review that is answered.
#[utoipa::path(post, path = "/api/characters/{id}/dataset/captions/write", tag = "datasets",
    params(("id" = CharacterId, Path)), request_body = CaptionsWanted, responses((status = 202, body = ReviewView)))]
pub async fn write(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<CaptionsWanted>, JsonRejection>,
) -> Result<(StatusCode, Json<ReviewView>), Problem> {
    let (id, Json(CaptionsWanted { all, pictures, state: only })) = (door.of, wanted?);
    let uncaptioned = !all && pictures.is_empty();
    let meant = Meant { pictures, state: only, uncaptioned, ..Meant::default() };
    let review = state.services()?.datasets.review_many(id, Visit::Describe, meant).await?;
    Ok((StatusCode::ACCEPTED, Json(review.into())))
}

/// What is told of the pictures a model is trained on.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetTags {
    /// The word every caption begins with.
    trigger: String,
    /// What comes after it; may be empty.
    class_word: String,
    /// What else is told, the commonest first.
    tags: Vec<TagCount>,
}

/// How often each tag is told of the approved pictures of a dataset: of the written captions, else of what a picture shows.
#[utoipa::path(get, path = "/api/characters/{id}/dataset/tags", tag = "datasets", params(("id" = CharacterId, Path)),
    responses((status = 200, body = DatasetTags)))]
pub async fn tags(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<DatasetTags>, Problem> {
    let (Called { trigger, class_word }, tags) = state.services()?.datasets.tags(door.of).await?;
    Ok(Json(DatasetTags { trigger, class_word, tags }))
}
