//! `/api/pictures`: pictures of datasets, and what people and the judge say of them.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    character::Character,
    dataset::{
        Called, Caption, Cell, Coverage, Dataset, Decider, Decision, Picture, PictureState, Reason, Rejection,
        caption_of, handed_over, moment as after, placing_of,
    },
    ids::{CharacterId, PictureId, ProjectId},
    journal::EventKind,
    units::Millis,
};
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader, Reviewer, Writer},
    pagination::{Sort, list_query},
    problem::Problem,
};
use crate::{events::StudioEvent, store};

/// Longest note, and longest caption, in characters.
const LONGEST: usize = 2000;

list_query! {
    /// Which pictures are asked for, and in which order.
    ListQuery of project {
        /// Only those of this character's dataset.
        character: Option<CharacterId>,
        /// Only those of characters of this project.
        project: Option<ProjectId>,
        /// Only those in this state.
        state: Option<PictureState>,
        /// Only those that wait for a person.
        #[serde(default)]
        awaiting: bool,
        /// Near-duplicates of others, too.
        #[serde(default)]
        duplicates: bool,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: PictureId,
}

/// One page of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub struct PicturePage {
    pictures: Vec<Picture>,
    /// How many there are, this page and everything before it included.
    left: u64,
    /// Where the next page begins; `None` on the last one.
    next: Option<PictureId>,
}

/// Hashes are the studio's own: nobody outside can do anything with them.
fn shown(picture: Picture) -> Picture {
    Picture { print: None, ..picture }
}

/// Pictures of datasets, newest first.
#[utoipa::path(get, path = "/api/pictures", tag = "pictures", params(ListQuery),
    responses((status = 200, body = PicturePage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<PicturePage>, Problem> {
    let Listed(which) = door.of;
    let asked = store::dataset_pictures::Filter {
        character: which.character,
        project: which.project,
        state: which.state,
        awaiting: which.awaiting,
        duplicates: which.duplicates,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let left = store::dataset_pictures::count(&state.db, &asked).await?;
    let pictures = store::dataset_pictures::page(&state.db, &asked).await?;
    let next = which.limit.next(&pictures, |picture| picture.id);
    Ok(Json(PicturePage { pictures: pictures.into_iter().map(shown).collect(), left, next }))
}

/// A picture with those that are like it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholePicture {
    picture: Picture,
    /// Near-duplicates grouped under it.
    duplicates: Vec<Picture>,
    /// The rejected picture it was to mend.
    mends: Option<PictureId>,
    /// Pictures that were made to mend it.
    mended_by: Vec<PictureId>,
}

/// One picture with everything that is known of it.
#[utoipa::path(get, path = "/api/pictures/{id}", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 200, body = WholePicture)))]
pub async fn one(door: Reader<PictureId>, State(state): State<super::AppState>) -> Result<Json<WholePicture>, Problem> {
    let picture = store::dataset_pictures::get(&state.db, door.of).await?;
    let others = store::dataset_pictures::of_character(&state.db, picture.character_id).await?;
    let mends = picture.made.as_ref().and_then(|made| made.tried.repairs);
    let repairs = |other: &&Picture| other.made.as_ref().and_then(|made| made.tried.repairs) == Some(picture.id);
    let mended_by = others.iter().filter(repairs).map(|other| other.id).collect();
    let duplicates = others.iter().filter(|other| other.duplicate_of == Some(picture.id));
    let duplicates = duplicates.cloned().map(shown).collect();
    Ok(Json(WholePicture { picture: shown(picture), duplicates, mends, mended_by }))
}

/// What somebody says of a picture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// It is trained on.
    good: bool,
    /// What is wrong with it; without any, that it does not look as it should.
    #[serde(default)]
    categories: Vec<Rejection>,
    /// Anything else, at most 2000 characters.
    #[serde(default)]
    note: String,
}

impl Decided {
    /// Keeps it of these pictures of a dataset, all or nothing.
    pub(super) async fn keep(
        self,
        state: &super::AppState,
        character: CharacterId,
        pictures: &[Picture],
    ) -> Result<(), Problem> {
        if self.note.chars().count() > LONGEST {
            return Err(Problem::bad_request(format!("the note is longer than {LONGEST} characters; shorten it")));
        }
        let mut categories = self.categories;
        if !self.good && categories.is_empty() {
            categories.push(Rejection::WrongAppearance);
        }
        if self.good && !categories.is_empty() {
            return Err(Problem::bad_request("a good picture has no categories of what is wrong; leave them out"));
        }
        categories.sort_unstable();
        categories.dedup();
        let (state_now, reason) = if self.good {
            (PictureState::Approved, Reason::Good)
        } else {
            (PictureState::Rejected, Reason::Rejected { categories })
        };
        let _one_at_a_time = state.writing.lock().await;
        let dataset = store::datasets::get(&state.db, character).await?;
        let at = moment(state, &dataset).await?;
        let decision = Decision { by: Decider::Person, at, reason, note: self.note };
        let mut tx = state.db.begin().await?;
        for picture in pictures {
            if self.good {
                // Whoever wants it does not take it for a copy, also when it has become one since it was read.
                store::dataset_pictures::ungroup(&mut tx, picture.id).await?;
            }
            store::dataset_pictures::set_decision(&mut tx, picture.id, state_now, Some(&decision)).await?;
            state.changed(&mut tx, EventKind::PictureChanged, &picture.id.to_string()).await?;
        }
        tx.commit().await?;
        state.events.tell(StudioEvent::Dataset { character });
        Ok(())
    }
}

/// A moment after every decision of a dataset, whatever the clock was set to meanwhile.
pub(super) async fn moment(state: &super::AppState, dataset: &Dataset) -> Result<Millis, Problem> {
    let last = store::dataset_pictures::last_decided(&state.db, dataset.character_id).await?;
    Ok(after(dataset, last, state.guard.now()))
}

async fn as_it_is(state: &super::AppState, id: PictureId) -> Result<Json<Picture>, Problem> {
    Ok(Json(shown(store::dataset_pictures::get(&state.db, id).await?)))
}

/// Approves or rejects a picture; it overrules the judge.
#[utoipa::path(put, path = "/api/pictures/{id}/decision", tag = "pictures", params(("id" = PictureId, Path)),
    request_body = Decided, responses((status = 200, body = Picture)))]
pub async fn decide(
    door: Reviewer<PictureId>,
    State(state): State<super::AppState>,
    said: Result<Json<Decided>, JsonRejection>,
) -> Result<Json<Picture>, Problem> {
    let (id, Json(said)) = (door.of, said?);
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    said.keep(&state, picture.character_id, std::slice::from_ref(&picture)).await?;
    as_it_is(&state, id).await
}

/// Takes back what was decided of a picture, by a person or by the judge: it waits for a person.
#[utoipa::path(delete, path = "/api/pictures/{id}/decision", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 200, body = Picture)))]
pub async fn undecide(
    door: Reviewer<PictureId>,
    State(state): State<super::AppState>,
) -> Result<Json<Picture>, Problem> {
    let id = door.of;
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    let mut tx = state.db.begin().await?;
    store::dataset_pictures::set_decision(&mut tx, id, PictureState::Pending, None).await?;
    state.changed(&mut tx, EventKind::PictureChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Dataset { character: picture.character_id });
    as_it_is(&state, id).await
}

/// Has a picture judged once more, at once.
#[utoipa::path(post, path = "/api/pictures/{id}/review", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 202)))]
pub async fn review(door: Reviewer<PictureId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.services()?.datasets.review(door.of).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Asks for a rejected picture again, with what should mend it; refused when nothing is left to try.
#[utoipa::path(post, path = "/api/pictures/{id}/repair", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 202)))]
pub async fn repair(door: Writer<PictureId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.services()?.datasets.repair(door.of).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whose picture it really is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PictureReassigned)]
pub struct Reassigned {
    /// Somebody of the same project.
    character: CharacterId,
}

/// Moves a picture into another character's dataset, where it is looked at anew.
#[utoipa::path(post, path = "/api/pictures/{id}/reassign", tag = "pictures", params(("id" = PictureId, Path)),
    request_body = Reassigned, responses((status = 200, body = Picture)))]
pub async fn reassign(
    door: Reviewer<PictureId>,
    State(state): State<super::AppState>,
    to: Result<Json<Reassigned>, JsonRejection>,
) -> Result<Json<Picture>, Problem> {
    let (id, Json(Reassigned { character })) = (door.of, to?);
    // Nobody changes its caption meanwhile.
    let _one_at_a_time = state.writing.lock().await;
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    let (from, to) = (
        store::characters::get(&state.db, picture.character_id).await?,
        store::characters::get(&state.db, character).await?,
    );
    if from.project_id != to.project_id {
        return Err(Problem::bad_request(format!("{} belongs to another project", to.name)));
    }
    if from.id == to.id {
        return as_it_is(&state, id).await;
    }
    let there = store::dataset_pictures::of_character(&state.db, to.id).await?;
    if there.iter().any(|other| other.file.hash == picture.file.hash) {
        return Err(Problem::bad_request(format!("{} has this very picture already; remove it here", to.name)));
    }
    let caption = recalled(&state, &picture, &from, &to).await?;
    let mut tx = state.db.begin().await?;
    store::dataset_pictures::reassign(&mut tx, id, to.id).await?;
    if let Some(caption) = &caption {
        store::dataset_pictures::set_caption(&mut tx, id, Some(caption)).await?;
    }
    state.changed(&mut tx, EventKind::PictureChanged, &id.to_string()).await?;
    tx.commit().await?;
    for character in [from.id, to.id] {
        state.services()?.datasets.forget(character);
        state.events.tell(StudioEvent::Dataset { character });
    }
    as_it_is(&state, id).await
}

/// What somebody wrote of a picture with the words of another dataset in front, with those of the one it comes into; `None`: it
/// stays as it is.
async fn recalled(
    state: &super::AppState,
    picture: &Picture,
    from: &Character,
    to: &Character,
) -> Result<Option<Caption>, Problem> {
    let Some(written) = picture.caption.as_ref().filter(|caption| caption.by_person) else { return Ok(None) };
    let (old, new) = (store::datasets::get(&state.db, from.id).await?, store::datasets::get(&state.db, to.id).await?);
    let (old, new) = (Called::of(&old.settings, &from.name), Called::of(&new.settings, &to.name));
    Ok(handed_over(&written.text, &old, &new).map(|text| Caption { text, ..written.clone() }))
}

/// What a person says of what a picture shows; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// What is told of it in training, without the trigger word; empty: nothing.
    caption: Option<String>,
    /// What it shows, by axis.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    cell: Option<Cell>,
    /// It is no copy of another one, whatever the hashes say.
    #[serde(default)]
    distinct: bool,
}

/// Says what a picture shows, in training and for what is asked next.
#[utoipa::path(patch, path = "/api/pictures/{id}", tag = "pictures", params(("id" = PictureId, Path)),
    request_body = Described, responses((status = 200, body = Picture)))]
pub async fn describe(
    door: Writer<PictureId>,
    State(state): State<super::AppState>,
    said: Result<Json<Described>, JsonRejection>,
) -> Result<Json<Picture>, Problem> {
    let (id, Json(Described { caption, cell, distinct })) = (door.of, said?);
    // Who replaces words in many captions has read this one, too.
    let _one_at_a_time = state.writing.lock().await;
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    let one_line = |text: &String| text.chars().count() <= LONGEST && !text.contains(['\n', '\r']);
    if caption.as_ref().is_some_and(|text| !one_line(text)) {
        return Err(Problem::bad_request(format!("a caption is one line of at most {LONGEST} characters")));
    }
    if let Some(cell) = &cell {
        state.services()?.datasets.may_show(picture.character_id, cell).await?;
    }
    let mut tx = state.db.begin().await?;
    // The judge may have placed it while this waited for its turn.
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    let mut placing = placing_of(&picture);
    let shows = cell.as_ref().unwrap_or(&picture.cell);
    if let Some(cell) = &cell {
        placing.said(&picture.cell, cell);
        store::dataset_pictures::place(&mut tx, id, cell, &placing).await?;
    }
    let automatic = picture.caption.as_ref().is_some_and(|caption| !caption.by_person);
    if let Some(text) = caption {
        let text = text.trim().to_owned();
        let caption = (!text.is_empty()).then_some(Caption { text, by_person: true });
        store::dataset_pictures::set_caption(&mut tx, id, caption.as_ref()).await?;
    } else if automatic && cell.is_some() {
        // What was written for the place it had is written for the one it has now.
        let dataset = store::datasets::get(&state.db, picture.character_id).await?;
        let text = caption_of(&placing, &dataset.settings.axes.unwrap_or_else(Coverage::shipped), shows);
        let caption = (!text.is_empty()).then_some(Caption { text, by_person: false });
        store::dataset_pictures::set_caption(&mut tx, id, caption.as_ref()).await?;
    }
    if distinct {
        store::dataset_pictures::ungroup(&mut tx, id).await?;
    }
    state.changed(&mut tx, EventKind::PictureChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Dataset { character: picture.character_id });
    as_it_is(&state, id).await
}

/// Takes a picture out of its dataset; its file goes when nothing else names it.
#[utoipa::path(delete, path = "/api/pictures/{id}", tag = "pictures", params(("id" = PictureId, Path)),
    responses((status = 204)))]
pub async fn remove(door: Writer<PictureId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    let picture = store::dataset_pictures::get(&state.db, id).await?;
    let mut tx = state.db.begin().await?;
    store::dataset_pictures::remove(&mut tx, id).await?;
    state.changed(&mut tx, EventKind::PictureChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.services()?.datasets.forget(picture.character_id);
    state.events.tell(StudioEvent::Dataset { character: picture.character_id });
    Ok(StatusCode::NO_CONTENT)
}
