//! `/api/characters/{id}/loras`, `/api/projects/{id}/loras`, `/api/kept-loras`: LoRAs the studio looks after, and which of them films use.

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{CharacterId, LoraId, ProjectId},
    lora::{MOST_STRENGTH, lora_name},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    doors::{Reader, Writer},
    problem::Problem,
    training_services::{KeptLoraView, LoraOwner, SaidOfLora},
    uploads::{Came, shown_name},
};
use crate::store;

/// Largest LoRA that is taken, in bytes.
pub const LARGEST: u64 = 4 << 30;
/// Longest word a LoRA is called with, in characters.
const LONGEST_TRIGGER: usize = 60;

/// LoRAs of a character or of a project, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptLoraList {
    loras: Vec<KeptLoraView>,
}

/// LoRAs of a character: trained and imported ones, what each says of itself, and which films use.
#[utoipa::path(get, path = "/api/characters/{id}/loras", tag = "loras", params(("id" = CharacterId, Path)),
    responses((status = 200, body = KeptLoraList)))]
pub async fn of_character(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
) -> Result<Json<KeptLoraList>, Problem> {
    store::characters::get(&state.db, door.of).await?;
    Ok(Json(KeptLoraList { loras: state.services()?.trainings.loras_of(LoraOwner::Character(door.of)).await? }))
}

/// LoRAs that are for whole films of a project: of its style, or of things its screenplays ask for by name.
#[utoipa::path(get, path = "/api/projects/{id}/loras", tag = "loras", params(("id" = ProjectId, Path)),
    responses((status = 200, body = KeptLoraList)))]
pub async fn of_project(
    door: Reader<ProjectId>,
    State(state): State<super::AppState>,
) -> Result<Json<KeptLoraList>, Problem> {
    store::projects::get(&state.db, door.of).await?;
    Ok(Json(KeptLoraList { loras: state.services()?.trainings.loras_of(LoraOwner::Project(door.of)).await? }))
}

/// What a file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LoraFileName {
    /// Its name, as people know it; its file in ComfyUI's folder is called after it.
    #[serde(default)]
    name: String,
}

/// Takes a LoRA from outside for a character (safetensors, 4 GiB); the body is the file itself. What it was trained for is read
/// from its header; films use it when a person says so.
#[utoipa::path(post, path = "/api/characters/{id}/loras", tag = "loras",
    params(("id" = CharacterId, Path), LoraFileName),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = KeptLoraView)))]
pub async fn import(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    called: Result<Query<LoraFileName>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<KeptLoraView>), Problem> {
    let Query(LoraFileName { name }) = called?;
    store::characters::get(&state.db, door.of).await?;
    taken(&state, LoraOwner::Character(door.of), body, &name).await
}

/// Takes a LoRA from outside for the whole films of a project (safetensors, 4 GiB); the body is the file itself. What it was trained for
/// is read from its header; films use it when a person says so: in every picture, or where a screenplay asks for its name.
#[utoipa::path(post, path = "/api/projects/{id}/loras", tag = "loras",
    params(("id" = ProjectId, Path), LoraFileName),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = KeptLoraView)))]
pub async fn import_for_project(
    door: Writer<ProjectId>,
    State(state): State<super::AppState>,
    called: Result<Query<LoraFileName>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<KeptLoraView>), Problem> {
    let Query(LoraFileName { name }) = called?;
    store::projects::get(&state.db, door.of).await?;
    taken(&state, LoraOwner::Project(door.of), body, &name).await
}

async fn taken(
    state: &super::AppState,
    of: LoraOwner,
    body: Body,
    name: &str,
) -> Result<(StatusCode, Json<KeptLoraView>), Problem> {
    let came = Came::receive(state, body, LARGEST).await?;
    let (file, name) = (came.file(), shown_name(name));
    let lora = state.services()?.trainings.import_lora(of, &file, &name).await?;
    Ok((StatusCode::CREATED, Json(lora)))
}

/// What a person says of a LoRA; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLora {
    /// The word it is called with in prompts, at most 60 characters; empty: none.
    trigger: Option<String>,
    /// How strongly it acts, in percent, 1..=200.
    #[schema(minimum = 1, maximum = 200)]
    strength: Option<u32>,
    /// What screenplays ask for it by, at most 40 characters, e.g. `red dress`; empty: films use it without being asked.
    name: Option<String>,
    /// Where it is asked for, the character's LoRA without a name is left out, as one that makes them as a child needs it. Only one of
    /// a character, with a name, can.
    instead: Option<bool>,
}

/// Changes what a LoRA is called with and asked for by, or how strongly it acts.
#[utoipa::path(patch, path = "/api/kept-loras/{id}", tag = "loras", params(("id" = LoraId, Path)),
    request_body = ChangeLora, responses((status = 200, body = KeptLoraView)))]
pub async fn change(
    door: Writer<LoraId>,
    State(state): State<super::AppState>,
    said: Result<Json<ChangeLora>, JsonRejection>,
) -> Result<Json<KeptLoraView>, Problem> {
    let Json(ChangeLora { trigger, strength, name, instead }) = said?;
    if strength.is_some_and(|strength| !(1..=MOST_STRENGTH).contains(&strength)) {
        return Err(Problem::bad_request("strength must be 1 to 200 percent"));
    }
    let unfit = |word: &String| word.chars().count() > LONGEST_TRIGGER || word.contains([',', '\n']);
    if trigger.as_ref().is_some_and(unfit) {
        return Err(Problem::bad_request("trigger is a word of at most 60 characters, without a comma"));
    }
    let name = match name.as_deref().map(str::trim) {
        None | Some("") => name.map(|_| String::new()),
        Some(text) => Some(lora_name(text).ok_or_else(|| {
            Problem::bad_request("name is at most 40 characters without a comma, colon, bracket or percent sign")
        })?),
    };
    let said = SaidOfLora { trigger, strength, name, instead };
    Ok(Json(state.services()?.trainings.say_of_lora(door.of, said).await?))
}

/// Has films use this LoRA from now on, in place of whichever they used of the same name, whose it is, for its architecture. An episode
/// that is there is made anew where it is made with it, when it is produced again.
#[utoipa::path(post, path = "/api/kept-loras/{id}/use", tag = "loras", params(("id" = LoraId, Path)),
    responses((status = 200, body = KeptLoraView)))]
pub async fn make_active(
    door: Writer<LoraId>,
    State(state): State<super::AppState>,
) -> Result<Json<KeptLoraView>, Problem> {
    Ok(Json(state.services()?.trainings.use_lora(door.of, true).await?))
}

/// Has films use this LoRA no longer, and none in its place.
#[utoipa::path(delete, path = "/api/kept-loras/{id}/use", tag = "loras", params(("id" = LoraId, Path)),
    responses((status = 200, body = KeptLoraView)))]
pub async fn make_idle(
    door: Writer<LoraId>,
    State(state): State<super::AppState>,
) -> Result<Json<KeptLoraView>, Problem> {
    Ok(Json(state.services()?.trainings.use_lora(door.of, false).await?))
}

/// Takes a LoRA that films do not use out of the library, and its file out of ComfyUI's folder.
#[utoipa::path(delete, path = "/api/kept-loras/{id}", tag = "loras", params(("id" = LoraId, Path)),
    responses((status = 204)))]
pub async fn remove(door: Writer<LoraId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.services()?.trainings.remove_lora(door.of).await?;
    Ok(StatusCode::NO_CONTENT)
}
