//! Screenplays: they come in as Fountain, are read as they are written, and are changed shot by shot.
//!
//! The text is the one truth. Whatever a person changes of it is kept at once; it is made when they ask for it.

use std::{collections::HashMap, fmt::Write};

use axum::{
    Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, JsonRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use studio_core::{
    character::CharacterProfile,
    fountain,
    ids::EpisodeId,
    scene::Look,
    script::{self, Script, ShotChange, change_shot, order_scenes},
    shot::{ShotPlan, Transition},
    units::Millis,
};
use utoipa::ToSchema;

use super::{
    doors::{Common, Reader, Writer},
    episodes::{self, Otherwise},
    merge_patch,
    problem::{self, Problem},
};
use crate::{
    conductor::{Defaults, ProduceOptions},
    store,
};

/// Largest screenplay, in bytes: as much as the parser takes.
pub const LARGEST: usize = 10 * 1024 * 1024;

/// An episode that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    episode: EpisodeId,
}

/// Begins an episode from a screenplay in Fountain; the body is its text, at most 10 MiB.
///
/// With `hold` it is only kept. Mistakes are answered one on a line, with line and column.
#[utoipa::path(post, path = "/api/import", tag = "screenplays", params(ProduceOptions),
    request_body(content = String, content_type = "text/plain"), responses((status = 202, body = Begun)))]
pub async fn import(
    _: Writer,
    State(state): State<super::AppState>,
    options: Result<Query<ProduceOptions>, QueryRejection>,
    text: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    let Query(options) = options?;
    let text = text?;
    let hold = options.hold;
    let produce = state.services()?.productions.production(&text, options, Defaults::BySettings).await?;
    let episode = if hold { state.conductor.write(produce).await? } else { state.conductor.produce(produce).await? };
    Ok((StatusCode::ACCEPTED, Json(Begun { episode })))
}

/// A screenplay as the studio understands it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Reading {
    /// Title of the film; empty when there are mistakes.
    title: String,
    /// The series it names.
    show: Option<String>,
    /// Season and number it names.
    season: Option<u32>,
    episode: Option<u32>,
    /// How long it is planned, in milliseconds.
    planned_ms: u64,
    characters: Vec<ReadCharacter>,
    scenes: Vec<ReadScene>,
    /// What cannot be understood; then nothing else is here.
    mistakes: Vec<Mistake>,
    /// What was read otherwise than it may have been meant, in order of its place.
    remarks: Vec<ReadRemark>,
}

/// Something a writer should know of a screenplay that can be read all the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadRemark {
    /// Line it is about, from 1.
    line: u32,
    /// What was understood, and what to write when something else is meant.
    message: String,
}

/// Somebody of a screenplay.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadCharacter {
    name: String,
    profile: CharacterProfile,
    /// Lines they say.
    lines: usize,
}

/// A scene of a screenplay.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadScene {
    number: u32,
    title: String,
    heading: String,
    /// Line of the heading, from 1.
    line: u32,
    /// What the heading says beside place and hour, as written.
    qualifiers: Vec<String>,
    look: Look,
    transition: Transition,
    planned_ms: u64,
    shots: Vec<ReadShot>,
}

/// A shot of a screenplay.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadShot {
    number: u32,
    /// Line of its first paragraph, from 1.
    line: u32,
    plan: ShotPlan,
}

/// Something that cannot be understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mistake {
    line: u32,
    column: u32,
    message: String,
}

/// Screenplays that are read at a time: a long one takes hundreds of megabytes while it is, and the films being made
/// need the processor, too. Others wait.
pub const READ_AT_A_TIME: usize = 2;

/// Reads a text when it is its turn, on a thread that may take its time, and does `then` with what it says.
async fn in_turn<T: Send + 'static>(
    state: &super::AppState,
    text: impl AsRef<[u8]> + Send + 'static,
    then: impl FnOnce(Result<Script, Vec<fountain::ScriptError>>) -> T + Send + 'static,
) -> Result<T, Problem> {
    let defaults = defaults(state);
    let read = state.reading.take(move || then(script::read(text.as_ref(), &defaults)));
    read.await.map_err(|error| Problem::internal(error.to_string()))
}

fn understood(read: Result<Script, Vec<fountain::ScriptError>>) -> Reading {
    match read {
        Ok(script) => reading(script),
        Err(mistakes) => {
            let mistakes =
                mistakes.into_iter().map(|one| Mistake { line: one.line, column: one.column, message: one.message });
            Reading { mistakes: mistakes.collect(), ..Reading::default() }
        }
    }
}

fn reading(script: Script) -> Reading {
    let mut spoken: HashMap<&str, usize> = HashMap::new();
    let shots = script.scenes.iter().flat_map(|scene| &scene.shots);
    for line in shots.flat_map(|shot| &shot.plan.lines) {
        *spoken.entry(&line.character).or_default() += 1;
    }
    let characters = script.characters.iter().map(|one| ReadCharacter {
        name: one.name.clone(),
        profile: one.profile.clone(),
        lines: spoken.get(one.name.as_str()).copied().unwrap_or_default(),
    });
    let characters = characters.collect();
    let scenes = script.scenes.into_iter().map(|scene| ReadScene {
        planned_ms: scene.shots.iter().map(|shot| shot.plan.planned_ms).sum(),
        number: scene.number,
        title: scene.title,
        heading: scene.heading,
        line: scene.line,
        qualifiers: scene.qualifiers,
        look: scene.look,
        transition: scene.transition,
        shots: scene
            .shots
            .into_iter()
            .map(|shot| ReadShot { number: shot.number, line: shot.line, plan: shot.plan })
            .collect(),
    });
    let scenes: Vec<ReadScene> = scenes.collect();
    Reading {
        title: script.title,
        show: script.show,
        season: script.season,
        episode: script.episode,
        planned_ms: scenes.iter().map(|scene| scene.planned_ms).sum(),
        characters,
        scenes,
        mistakes: Vec::new(),
        remarks: script.remarks.into_iter().map(|one| ReadRemark { line: one.line, message: one.message }).collect(),
    }
}

/// How screenplays are read here; a studio without settings reads English.
fn defaults(state: &super::AppState) -> script::Defaults {
    state.services().map(|services| services.productions.reading()).unwrap_or_default()
}

/// Reads a screenplay without keeping it: its scenes and shots, or its mistakes.
#[utoipa::path(post, path = "/api/screenplays/read", tag = "screenplays",
    request_body(content = String, content_type = "text/plain"), responses((status = 200, body = Reading)))]
pub async fn read(
    _: Reader<Common>,
    State(state): State<super::AppState>,
    text: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    // Written in its turn as well: what is understood takes many times the room of its text.
    let written = in_turn(&state, text?, |read| serde_json::to_vec(&understood(read))).await?;
    let written = written.map_err(|error| Problem::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], written).into_response())
}

/// The screenplay of an episode.
#[derive(Debug, Serialize, ToSchema)]
pub struct Screenplay {
    /// As it was written last.
    text: String,
    /// When that text was given to the studio.
    written: Millis,
    /// Entity tag, for `If-Match`.
    tag: String,
    /// The film is made of another text.
    ahead: bool,
    /// How the studio understands it.
    reading: Reading,
}

async fn screenplay(state: &super::AppState, id: EpisodeId) -> Result<Screenplay, Problem> {
    let (text, written) = kept(state, id).await?;
    let production = store::productions::of_episode(&state.db, id).await?;
    let (ahead, reading) = in_turn(state, text.clone(), move |read| {
        let same = |production: &Script| read.as_ref().is_ok_and(|read| read.films_as(production));
        let ahead = production.is_some_and(|production| !same(&production.script));
        (ahead, understood(read))
    })
    .await?;
    Ok(Screenplay { tag: merge_patch::tag(&text), text, written, ahead, reading })
}

async fn kept(state: &super::AppState, id: EpisodeId) -> Result<(String, Millis), Problem> {
    store::episodes::get(&state.db, id).await?;
    let found = store::screenplays::of_episode(&state.db, id).await?;
    let remedy = "its screenplay was never given to this studio; import it again";
    found.ok_or_else(|| Problem::not_found(remedy))
}

/// The screenplay of an episode; the answer's `ETag` is its `tag`.
#[utoipa::path(get, path = "/api/episodes/{id}/screenplay", tag = "screenplays", params(("id" = EpisodeId, Path)),
    responses((status = 200, body = Screenplay)))]
pub async fn one(door: Reader<EpisodeId>, State(state): State<super::AppState>) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let found = screenplay(&state, id).await?;
    Ok((merge_patch::tagged(&found.tag), Json(found)))
}

/// Writes the screenplay of an episode anew. It is kept at once, and made when the episode is produced next.
#[utoipa::path(put, path = "/api/episodes/{id}/screenplay", tag = "screenplays", params(("id" = EpisodeId, Path)),
    request_body(content = String, content_type = "text/plain"), responses((status = 200, body = Screenplay), problem::Stale))]
pub async fn write(
    door: Writer<EpisodeId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    text: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let (id, text) = (door.of, text?);
    let _one_at_a_time = state.writing.lock().await;
    if let Some((before, _)) = store::screenplays::of_episode(&state.db, id).await? {
        merge_patch::unchanged(&headers, &merge_patch::tag(&before))?;
    }
    keep(&state, id, &text).await?;
    let found = screenplay(&state, id).await?;
    Ok((merge_patch::tagged(&found.tag), Json(found)))
}

/// Keeps a text as the screenplay of this very episode, whatever its title page says.
async fn keep(state: &super::AppState, id: EpisodeId, text: &[u8]) -> Result<(), Problem> {
    let produce = episodes::as_written(state, id, text, Defaults::AsBefore, Otherwise::default()).await?;
    let written = state.conductor.write(produce).await?;
    debug_assert_eq!(written, id);
    Ok(())
}

/// The order of scenes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneOrder {
    /// Every scene once, by the number it has now.
    order: Vec<u32>,
}

/// Orders the scenes of an episode, in its screenplay.
#[utoipa::path(put, path = "/api/episodes/{id}/scenes/order", tag = "screenplays", params(("id" = EpisodeId, Path)),
    request_body = SceneOrder, responses((status = 200, body = Screenplay), problem::Stale))]
pub async fn order(
    door: Writer<EpisodeId>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    wanted: Result<Json<SceneOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let (id, Json(SceneOrder { order })) = (door.of, wanted?);
    let defaults = defaults(&state);
    changed(&state, id, &headers, |text| order_scenes(text, &order, &defaults)).await
}

/// Changes a shot of an episode, in its screenplay: a merge patch.
#[utoipa::path(patch, path = "/api/episodes/{id}/scenes/{scene}/shots/{shot}", tag = "screenplays",
    params(("id" = EpisodeId, Path), ("scene" = u32, Path), ("shot" = u32, Path)),
    request_body(content = ShotChange, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Screenplay), problem::Stale))]
pub async fn shot(
    door: Writer<(EpisodeId, u32, u32)>,
    State(state): State<super::AppState>,
    headers: HeaderMap,
    change: Result<merge_patch::Fields<ShotChange>, Problem>,
) -> Result<Response, Problem> {
    let ((id, scene, shot), merge_patch::Fields(change)) = (door.of, change?);
    let defaults = defaults(&state);
    changed(&state, id, &headers, |text| change_shot(text, (scene, shot), &change, &defaults)).await
}

async fn changed(
    state: &super::AppState,
    id: EpisodeId,
    headers: &HeaderMap,
    change: impl FnOnce(&str) -> Result<String, String>,
) -> Result<Response, Problem> {
    let _one_at_a_time = state.writing.lock().await;
    let (text, _) = kept(state, id).await?;
    merge_patch::unchanged(headers, &merge_patch::tag(&text))?;
    let text = change(&text).map_err(Problem::mistakes)?;
    keep(state, id, text.as_bytes()).await?;
    let found = screenplay(state, id).await?;
    Ok((merge_patch::tagged(&found.tag), Json(found)).into_response())
}

/// The screenplay of an episode as a file.
#[utoipa::path(get, path = "/api/episodes/{id}/screenplay.fountain", tag = "screenplays",
    params(("id" = EpisodeId, Path)),
    responses((status = 200, description = "the text", body = String, content_type = "text/plain")))]
pub async fn file(door: Reader<EpisodeId>, State(state): State<super::AppState>) -> Result<impl IntoResponse, Problem> {
    let id = door.of;
    let (text, _) = kept(&state, id).await?;
    let episode = store::episodes::get(&state.db, id).await?;
    let mut name = String::from("attachment; filename=\"");
    // Writing to a string cannot fail.
    let _ = write!(name, "{}.fountain\"", script::slug(&episode.title));
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], text))
}
