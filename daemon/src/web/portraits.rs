//! `/api/portraits` and below characters and places: reference sheets, and what people and the judge say of their pictures.

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Decider, Decision, PictureState, Reason, Rejection},
    ids::{CharacterId, EpisodeId, LocationId, PortraitId, ProjectId},
    journal::EventKind,
    media::MediaFacts,
    order::Role,
    portrait::{Portrait, PortraitSource},
    take::Verdict,
    views::{PortraitOwner, PortraitView},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    doors::{Reader, Reviewer, Writer},
    problem::{Code, Problem},
    services::PortraitSheet,
    uploads,
};
use crate::{events::StudioEvent, store};

/// Longest note, in characters.
const LONGEST_NOTE: usize = 2000;
/// Longest words of a refinement, in characters.
const LONGEST_WORDS: usize = 500;
/// How far a refinement may leave the picture it begins with, in percent.
const STRENGTHS: std::ops::RangeInclusive<u32> = 5..=95;

/// The reference sheet of a character: every portrait, newest first, and what is being made.
#[utoipa::path(get, path = "/api/characters/{id}/portraits", tag = "portraits", params(("id" = CharacterId, Path)),
    responses((status = 200, body = PortraitSheet)))]
pub async fn of_character(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<PortraitSheet>, Problem> {
    Ok(Json(state.services()?.portraits.sheet(PortraitOwner::Character(door.of)).await?))
}

/// The establishing pictures of a place, newest first, and what is being made.
#[utoipa::path(get, path = "/api/locations/{id}/portraits", tag = "portraits", params(("id" = LocationId, Path)),
    responses((status = 200, body = PortraitSheet)))]
pub async fn of_location(
    door: Reader<LocationId>,
    State(state): State<super::AppState>,
) -> Result<Json<PortraitSheet>, Problem> {
    Ok(Json(state.services()?.portraits.sheet(PortraitOwner::Location(door.of)).await?))
}

/// Which views are made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PortraitsWanted)]
pub struct Wanted {
    /// Each is made once; without any, the whole sheet as the settings have it.
    #[serde(default)]
    views: Vec<PortraitView>,
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortraitsAsked)]
pub struct Asked {
    /// How many portraits will be made.
    portraits: usize,
}

async fn make(
    state: &super::AppState,
    owner: PortraitOwner,
    views: Vec<PortraitView>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let portraits = state.services()?.portraits.make(owner, views).await?;
    state.events.tell(StudioEvent::Portraits { owner });
    Ok((StatusCode::ACCEPTED, Json(Asked { portraits })))
}

/// Has portraits of a character made, all at once, from words alone: those there are stay.
#[utoipa::path(post, path = "/api/characters/{id}/portraits", tag = "portraits", params(("id" = CharacterId, Path)),
    request_body = Wanted, responses((status = 202, body = Asked)))]
pub async fn make_of_character(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let Json(Wanted { views }) = wanted?;
    make(&state, PortraitOwner::Character(door.of), views).await
}

/// Has an establishing picture of a place made, from words alone: those there are stay.
#[utoipa::path(post, path = "/api/locations/{id}/portraits", tag = "portraits", params(("id" = LocationId, Path)),
    request_body = Wanted, responses((status = 202, body = Asked)))]
pub async fn make_of_location(
    door: Writer<LocationId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let Json(Wanted { views }) = wanted?;
    make(&state, PortraitOwner::Location(door.of), views).await
}

/// Whose reference sheets were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Completed {
    /// Who, and which places, had neither references nor portraits.
    of: Vec<PortraitOwner>,
}

/// Has whole reference sheets made, all at once, of everybody who appears in an episode and of every place in it who has
/// neither references nor portraits.
#[utoipa::path(post, path = "/api/episodes/{id}/portraits", tag = "portraits", params(("id" = EpisodeId, Path)),
    responses((status = 202, body = Completed)))]
pub async fn of_episode(
    door: Writer<EpisodeId>,
    State(state): State<super::AppState>,
) -> Result<(StatusCode, Json<Completed>), Problem> {
    let of = state.services()?.portraits.complete_episode(door.of).await?;
    Ok((StatusCode::ACCEPTED, Json(Completed { of })))
}

/// Has whole reference sheets made, all at once, of every character and every place of a project who has neither
/// references nor portraits.
#[utoipa::path(post, path = "/api/projects/{id}/portraits", tag = "portraits", params(("id" = ProjectId, Path)),
    responses((status = 202, body = Completed)))]
pub async fn of_project(
    door: Writer<ProjectId>,
    State(state): State<super::AppState>,
) -> Result<(StatusCode, Json<Completed>), Problem> {
    let of = state.services()?.portraits.complete_project(door.of).await?;
    Ok((StatusCode::ACCEPTED, Json(Completed { of })))
}

/// What a file shows, and what it is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sent {
    /// What it shows.
    view: PortraitView,
    /// Its name, as people know it; only shown.
    #[serde(default)]
    name: String,
}

/// What a file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SentPlace {
    /// Its name, as people know it; only shown.
    #[serde(default)]
    name: String,
}

async fn send(
    state: &super::AppState,
    owner: PortraitOwner,
    sent: Sent,
    body: Body,
) -> Result<(StatusCode, Json<Portrait>), Problem> {
    let file = uploads::kept(state, body, Role::Picture).await?;
    let MediaFacts::Still { size } = file.facts else {
        return Err(Problem::wrong_kind("by its content it is no picture"));
    };
    let _one_at_a_time = state.writing.lock().await;
    if let Some(known) = store::portraits::of_file(&state.db, owner, sent.view, file.asset.hash).await? {
        return Ok((StatusCode::OK, Json(known)));
    }
    let now = state.guard.now();
    let portrait = Portrait {
        id: PortraitId(state.guard.id()),
        owner,
        view: sent.view,
        file: file.asset,
        size,
        state: PictureState::Pending,
        source: PortraitSource::Upload { name: uploads::shown_name(&sent.name) },
        made: None,
        verdict: None,
        decision: None,
        created: now,
    };
    let decision = Decision { by: Decider::Person, at: now, reason: Reason::Good, note: String::new() };
    let mut tx = state.db.begin().await?;
    store::portraits::insert(&mut tx, &portrait).await?;
    // Whoever sends one wants it.
    if !store::portraits::decide(&mut tx, &state.db, &portrait, PictureState::Approved, Some(&decision)).await? {
        return Err(full());
    }
    state.changed(&mut tx, EventKind::PortraitAdded, &portrait.id.to_string()).await?;
    sheet_changed(state, &mut tx, owner).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Portraits { owner });
    let portrait = store::portraits::get(&state.db, portrait.id).await?;
    Ok((StatusCode::CREATED, Json(portrait)))
}

/// Takes a picture (64 MiB) as a portrait of a character; the body is the file itself. It is approved: whoever sends one
/// wants it. The same file again of the same view changes nothing, and answers 200.
#[utoipa::path(post, path = "/api/characters/{id}/portraits/upload", tag = "portraits",
    params(("id" = CharacterId, Path), Sent),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Portrait), (status = 200, body = Portrait)))]
pub async fn send_of_character(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    sent: Result<Query<Sent>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<Portrait>), Problem> {
    let (id, Query(sent)) = (door.of, sent?);
    store::characters::get(&state.db, id).await?;
    if sent.view == PortraitView::Establishing {
        return Err(Problem::bad_request("a character has no view establishing; name one of theirs, e.g. full_body"));
    }
    send(&state, PortraitOwner::Character(id), sent, body).await
}

/// Takes a picture (64 MiB) as the establishing picture of a place; the body is the file itself. It is approved: whoever
/// sends one wants it. The same file again changes nothing, and answers 200.
#[utoipa::path(post, path = "/api/locations/{id}/portraits/upload", tag = "portraits",
    params(("id" = LocationId, Path), SentPlace),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Portrait), (status = 200, body = Portrait)))]
pub async fn send_of_location(
    door: Writer<LocationId>,
    State(state): State<super::AppState>,
    sent: Result<Query<SentPlace>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<Portrait>), Problem> {
    let (id, Query(SentPlace { name })) = (door.of, sent?);
    store::locations::get(&state.db, id).await?;
    send(&state, PortraitOwner::Location(id), Sent { view: PortraitView::Establishing, name }, body).await
}

/// Has the same view made once more, with another seed; this one stays.
#[utoipa::path(post, path = "/api/portraits/{id}/again", tag = "portraits", params(("id" = PortraitId, Path)),
    responses((status = 202, body = Asked)))]
pub async fn again(
    door: Writer<PortraitId>,
    State(state): State<super::AppState>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let portrait = store::portraits::get(&state.db, door.of).await?;
    make(&state, portrait.owner, vec![portrait.view]).await
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refined {
    /// In words, 1 to 500 characters, e.g. "older, grey beard".
    words: String,
    /// How far the new one may leave this one, 5..=95 percent: low keeps nearly everything, high little.
    #[serde(default = "middling")]
    strength_percent: u32,
}

fn middling() -> u32 {
    55
}

/// Has one made that begins with this one and follows the words: image to image. This one stays.
#[utoipa::path(post, path = "/api/portraits/{id}/refine", tag = "portraits", params(("id" = PortraitId, Path)),
    request_body = Refined, responses((status = 202, body = Asked)))]
pub async fn refine(
    door: Writer<PortraitId>,
    State(state): State<super::AppState>,
    wanted: Result<Json<Refined>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let (id, Json(Refined { words, strength_percent })) = (door.of, wanted?);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if !(1..=LONGEST_WORDS).contains(&words.chars().count()) || !words.chars().any(char::is_alphanumeric) {
        return Err(Problem::bad_request(format!("say in 1 to {LONGEST_WORDS} characters what is to be different")));
    }
    if !STRENGTHS.contains(&strength_percent) {
        let (low, high) = (STRENGTHS.start(), STRENGTHS.end());
        return Err(Problem::bad_request(format!("strength_percent is {strength_percent}; give {low} to {high}")));
    }
    let portrait = store::portraits::get(&state.db, id).await?;
    state.services()?.portraits.refine(id, words, strength_percent).await?;
    state.events.tell(StudioEvent::Portraits { owner: portrait.owner });
    Ok((StatusCode::ACCEPTED, Json(Asked { portraits: 1 })))
}

/// What somebody says of a portrait.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PortraitDecided)]
pub struct Decided {
    /// It is a reference from now on.
    good: bool,
    /// What is wrong with it, or anything else, at most 2000 characters.
    #[serde(default)]
    note: String,
}

/// Approves or rejects a portrait; it overrules the judge.
///
/// What is approved is a reference of the sheet: the whole figure, or the place, the first one, the face behind it, the
/// others after those. What is rejected is none any more. 16 references are the most a sheet takes: `sheet_full`.
#[utoipa::path(put, path = "/api/portraits/{id}/decision", tag = "portraits", params(("id" = PortraitId, Path)),
    request_body = Decided, responses((status = 200, body = Portrait)))]
pub async fn decide(
    door: Reviewer<PortraitId>,
    State(state): State<super::AppState>,
    said: Result<Json<Decided>, JsonRejection>,
) -> Result<Json<Portrait>, Problem> {
    let (id, Json(Decided { good, note })) = (door.of, said?);
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::bad_request(format!("the note is longer than {LONGEST_NOTE} characters; shorten it")));
    }
    let (now, reason) = if good {
        (PictureState::Approved, Reason::Good)
    } else {
        (PictureState::Rejected, Reason::Rejected { categories: vec![Rejection::WrongAppearance] })
    };
    let decision = Decision { by: Decider::Person, at: state.guard.now(), reason, note };
    settle(&state, id, now, Some(decision)).await
}

/// Takes back what was decided of a portrait, by a person or by the judge: it is no reference, and waits for a person.
#[utoipa::path(delete, path = "/api/portraits/{id}/decision", tag = "portraits", params(("id" = PortraitId, Path)),
    responses((status = 200, body = Portrait)))]
pub async fn undecide(
    door: Reviewer<PortraitId>,
    State(state): State<super::AppState>,
) -> Result<Json<Portrait>, Problem> {
    settle(&state, door.of, PictureState::Pending, None).await
}

async fn settle(
    state: &super::AppState,
    id: PortraitId,
    now: PictureState,
    decision: Option<Decision>,
) -> Result<Json<Portrait>, Problem> {
    let _one_at_a_time = state.writing.lock().await;
    let mut tx = state.db.begin().await?;
    let portrait = store::portraits::get(&state.db, id).await?;
    let file = store::assets::get(&state.db, portrait.file.hash).await?;
    if now == PictureState::Approved && file.is_none_or(|file| file.missing) {
        return Err(Problem::bad_request("its file has left the disk since it was rejected; have it made again"));
    }
    if !store::portraits::decide(&mut tx, &state.db, &portrait, now, decision.as_ref()).await? {
        return Err(full());
    }
    if decision.is_none() && portrait.verdict.is_none() {
        // It waits for a person, and not for the judge who has not looked yet.
        let reason = "not reviewed: a person took the decision back".to_owned();
        store::portraits::set_verdict(&mut tx, id, &Verdict { reason, ..Verdict::default() }).await?;
    }
    state.changed(&mut tx, EventKind::PortraitChanged, &id.to_string()).await?;
    sheet_changed(state, &mut tx, portrait.owner).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Portraits { owner: portrait.owner });
    Ok(Json(store::portraits::get(&state.db, id).await?))
}

/// Takes a portrait out; its file goes when nothing else names it. One that is approved is a reference, and stays:
/// `portrait_approved`.
#[utoipa::path(delete, path = "/api/portraits/{id}", tag = "portraits", params(("id" = PortraitId, Path)),
    responses((status = 204)))]
pub async fn remove(door: Writer<PortraitId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    let _one_at_a_time = state.writing.lock().await;
    let mut tx = state.db.begin().await?;
    let portrait = store::portraits::get(&state.db, id).await?;
    if portrait.state == PictureState::Approved {
        let why = "it is approved, and so a reference of its sheet; reject it, or take the approval back, first";
        return Err(Problem::conflict(Code::PortraitApproved, why));
    }
    store::portraits::remove(&mut tx, id).await?;
    state.changed(&mut tx, EventKind::PortraitChanged, &id.to_string()).await?;
    tx.commit().await?;
    state.events.tell(StudioEvent::Portraits { owner: portrait.owner });
    Ok(StatusCode::NO_CONTENT)
}

fn full() -> Problem {
    let most = studio_core::character::MOST_REFERENCES;
    let why = format!("the sheet has {most} references, and takes no more; take one out first");
    Problem::conflict(Code::SheetFull, why)
}

/// The references of a sheet may have changed.
async fn sheet_changed(state: &super::AppState, tx: &mut store::Tx<'_>, owner: PortraitOwner) -> Result<(), Problem> {
    match owner {
        PortraitOwner::Character(id) => state.changed(tx, EventKind::CharacterChanged, &id.to_string()).await,
        PortraitOwner::Location(id) => state.changed(tx, EventKind::LocationChanged, &id.to_string()).await,
    }
}
