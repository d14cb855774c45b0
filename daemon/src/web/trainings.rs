//! `/api/trainings`, `/api/characters/{id}/trainings`: runs that train LoRAs on datasets.

use axum::{
    Json,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{CharacterId, TaskId, TrainingId},
    task::{Class, TaskState},
    training::{Probe, TrainedEpoch, Training, TrainingState},
};
use utoipa::ToSchema;

use super::{
    doors::{Reader, Writer},
    pagination::{Sort, list_query},
    problem::Problem,
    training_services::{StartTraining, TrainerView, TrainingCandidate, TrainingPreview},
};
use crate::store;

list_query! {
    /// Which runs are asked for, and in which order.
    TrainingListQuery {
        /// Only those in this state.
        state: Option<TrainingState>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: TrainingId,
}

/// A run, and how it stands in words.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrainingView {
    training: Training,
    /// Name of the character.
    character: String,
    /// How it stands, in one sentence.
    said: String,
    /// Epochs that are there.
    done: u32,
    /// The task that is at it, or that waits for its turn; `None`: none.
    task: Option<TaskId>,
    /// How that task stands.
    task_state: Option<TaskState>,
    /// Why it waits, or what it is at, in words; empty when there is nothing to say.
    doing: String,
    /// Share of the running slice that is done, 0-1; 0 when nothing runs.
    slice_done: f64,
    /// Milliseconds until the running slice is done, about; `None` when nobody can tell.
    slice_left_ms: Option<u64>,
    /// Shots of films that are made anew when films use an epoch of it: those that show its character alone.
    shots: u32,
    /// Episodes those shots are in.
    episodes: u32,
}

/// An epoch of a run, and what making it took.
#[derive(Debug, Serialize, ToSchema)]
pub struct EpochView {
    #[serde(flatten)]
    epoch: TrainedEpoch,
    /// Energy the card used meanwhile, in watt-hours; `None`: nobody measured it.
    energy_wh: Option<f64>,
    /// The most memory that was used on the card, in MiB; `None`: nobody measured it, or others used it, too.
    peak_mib: Option<u64>,
    /// How long it took, in milliseconds.
    took_ms: Option<u64>,
}

/// One page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingPage {
    trainings: Vec<TrainingView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TrainingId>,
}

/// A run with its epochs and the pictures that compare them.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingDetail {
    #[serde(flatten)]
    view: TrainingView,
    /// Its epochs, in order.
    epochs: Vec<EpochView>,
    /// The pictures that compare them, in the order they were asked for.
    probes: Vec<Probe>,
}

async fn view(state: &super::AppState, training: Training) -> Result<TrainingView, Problem> {
    let db = &state.db;
    let done = store::trainings::epochs(db, training.id).await?.last().map_or(0, |one| one.epoch);
    let character = store::characters::get(db, training.character_id).await?.name;
    let task = store::trainings::open_tasks(db, training.id).await?.into_iter().next();
    let known = match task {
        Some(id) => store::tasks::get(db, id).await.ok(),
        None => None,
    };
    let live = task.and_then(|id| state.events.live(id)).map(|live| live.doing).unwrap_or_default();
    let (shots, episodes) = match &state.services {
        Some(services) => services.trainings.shots_of(training.character_id).await?,
        None => (0, 0),
    };
    let trouble = state.services.as_ref().and_then(|services| services.trainings.trouble(training.id));
    let said = match (&training.fault, &training.choice) {
        (Some(fault), _) => fault.to_string(),
        (None, Some(choice)) => choice.to_string(),
        _ if trouble.is_some() => trouble.unwrap_or_default(),
        _ if training.paused => "rests, because a person said so".into(),
        _ => training.state.to_string(),
    };
    let waits = known.as_ref().map(|task| task.reason.clone()).unwrap_or_default();
    Ok(TrainingView {
        character,
        said,
        done,
        task,
        task_state: known.map(|task| task.state),
        doing: if live.what.is_empty() { waits } else { live.what },
        slice_done: live.done,
        slice_left_ms: live.left_ms,
        shots,
        episodes,
        training,
    })
}

/// Runs of a character, or of the whole studio.
async fn listed(
    state: &super::AppState,
    character: Option<CharacterId>,
    which: TrainingListQuery,
) -> Result<Json<TrainingPage>, Problem> {
    let asked = store::trainings::Filter {
        character,
        state: which.state,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let found = store::trainings::page(&state.db, asked).await?;
    let next = which.limit.next(&found, |one| one.id);
    let mut trainings = Vec::with_capacity(found.len());
    for training in found {
        trainings.push(view(state, training).await?);
    }
    Ok(Json(TrainingPage { trainings, next }))
}

/// Lists runs that train LoRAs, page by page.
#[utoipa::path(get, path = "/api/trainings", tag = "trainings", params(TrainingListQuery),
    responses((status = 200, body = TrainingPage)))]
pub async fn list(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<TrainingListQuery>, QueryRejection>,
) -> Result<Json<TrainingPage>, Problem> {
    let Query(which) = which?;
    listed(&state, None, which).await
}

/// Lists runs of a character, page by page.
#[utoipa::path(get, path = "/api/characters/{id}/trainings", tag = "trainings",
    params(("id" = CharacterId, Path), TrainingListQuery), responses((status = 200, body = TrainingPage)))]
pub async fn of_character(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
    which: Result<Query<TrainingListQuery>, QueryRejection>,
) -> Result<Json<TrainingPage>, Problem> {
    let Query(which) = which?;
    store::characters::get(&state.db, door.of).await?;
    listed(&state, Some(door.of), which).await
}

/// Says what a run would be trained on, what it would take and cost, and why it could not begin; nothing is begun.
#[utoipa::path(post, path = "/api/characters/{id}/trainings/preview", tag = "trainings",
    params(("id" = CharacterId, Path)), request_body = StartTraining, responses((status = 200, body = TrainingPreview)))]
pub async fn preview(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    asked: Result<Json<StartTraining>, JsonRejection>,
) -> Result<Json<TrainingPreview>, Problem> {
    let Json(asked) = asked?;
    store::characters::get(&state.db, door.of).await?;
    Ok(Json(state.services()?.trainings.preview(door.of, asked).await?))
}

/// Trains a LoRA on the approved pictures of a character's dataset, slice by slice. Its epochs are compared by pictures then,
/// and films use the best one when it is better than what they use.
#[utoipa::path(post, path = "/api/characters/{id}/trainings", tag = "trainings",
    params(("id" = CharacterId, Path)), request_body = StartTraining, responses((status = 201, body = TrainingView)))]
pub async fn start(
    door: Writer<CharacterId>,
    State(state): State<super::AppState>,
    asked: Result<Json<StartTraining>, JsonRejection>,
) -> Result<(StatusCode, Json<TrainingView>), Problem> {
    let Json(asked) = asked?;
    store::characters::get(&state.db, door.of).await?;
    let training = state.services()?.trainings.start(door.of, asked).await?;
    Ok((StatusCode::CREATED, Json(view(&state, training).await?)))
}

/// A run with its epochs, how their loss went, and the pictures that compare them.
#[utoipa::path(get, path = "/api/trainings/{id}", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 200, body = TrainingDetail)))]
pub async fn one(
    door: Reader<TrainingId>,
    State(state): State<super::AppState>,
) -> Result<Json<TrainingDetail>, Problem> {
    let training = store::trainings::get(&state.db, door.of).await?;
    let epochs = store::trainings::epochs(&state.db, door.of).await?;
    let probes = store::trainings::probes(&state.db, door.of).await?;
    let took = store::attempts::took(&state.db, door.of).await?;
    let view_of = |epoch: TrainedEpoch| {
        let took = epoch.attempt_id.and_then(|id| took.get(&id)).copied().unwrap_or_default();
        EpochView { epoch, energy_wh: took.energy_wh, peak_mib: took.peak_mib, took_ms: took.took_ms }
    };
    let epochs = epochs.into_iter().map(view_of).collect();
    Ok(Json(TrainingDetail { view: view(&state, training).await?, epochs, probes }))
}

/// The last lines that the trainer of a run wrote, as plain text.
#[utoipa::path(get, path = "/api/trainings/{id}/log", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn log(door: Reader<TrainingId>, State(state): State<super::AppState>) -> Result<impl IntoResponse, Problem> {
    store::trainings::get(&state.db, door.of).await?;
    let text = state.services()?.trainings.log(door.of).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text))
}

/// Lets a run rest: the slice that runs is finished, and nothing of it begins.
#[utoipa::path(post, path = "/api/trainings/{id}/pause", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 200, body = TrainingView)))]
pub async fn pause(
    door: Writer<TrainingId>,
    State(state): State<super::AppState>,
) -> Result<Json<TrainingView>, Problem> {
    let training = state.services()?.trainings.rest(door.of, true).await?;
    Ok(Json(view(&state, training).await?))
}

/// Lets a run that rests go on.
#[utoipa::path(post, path = "/api/trainings/{id}/resume", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 200, body = TrainingView)))]
pub async fn resume(
    door: Writer<TrainingId>,
    State(state): State<super::AppState>,
) -> Result<Json<TrainingView>, Problem> {
    let training = state.services()?.trainings.rest(door.of, false).await?;
    Ok(Json(view(&state, training).await?))
}

/// Who waits for a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTraining {
    /// `background`: it steps aside for nearly everything; `production`: it waits its turn with films.
    class: Class,
}

/// Changes who waits for a run that is not over. A slice that runs is finished as it was begun.
#[utoipa::path(patch, path = "/api/trainings/{id}", tag = "trainings", params(("id" = TrainingId, Path)),
    request_body = ChangeTraining, responses((status = 200, body = TrainingView)))]
pub async fn change(
    door: Writer<TrainingId>,
    State(state): State<super::AppState>,
    said: Result<Json<ChangeTraining>, JsonRejection>,
) -> Result<Json<TrainingView>, Problem> {
    let Json(ChangeTraining { class }) = said?;
    let training = state.services()?.trainings.wait_as(door.of, class).await?;
    Ok(Json(view(&state, training).await?))
}

/// Characters a LoRA could be trained of.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingCandidates {
    /// Those first that are ready and have none, at most 200.
    candidates: Vec<TrainingCandidate>,
}

/// Says which characters a LoRA could be trained of: those with an approved picture, or a LoRA.
#[utoipa::path(get, path = "/api/trainings/candidates", tag = "trainings",
    responses((status = 200, body = TrainingCandidates)))]
pub async fn candidates(_: Reader, State(state): State<super::AppState>) -> Result<Json<TrainingCandidates>, Problem> {
    Ok(Json(TrainingCandidates { candidates: state.services()?.trainings.candidates().await? }))
}

/// Stops a run. Its epochs stay, and one of them may still be chosen.
#[utoipa::path(post, path = "/api/trainings/{id}/cancel", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 200, body = TrainingView)))]
pub async fn cancel(
    door: Writer<TrainingId>,
    State(state): State<super::AppState>,
) -> Result<Json<TrainingView>, Problem> {
    let training = state.services()?.trainings.stop(door.of).await?;
    Ok(Json(view(&state, training).await?))
}

/// Which epoch a person takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseEpoch {
    /// The epoch, one that is there.
    epoch: u32,
    /// How strongly it acts, in percent, 1..=200; usually 80.
    #[serde(default = "usual_strength")]
    #[schema(minimum = 1, maximum = 200)]
    strength: u32,
    /// Films use it from now on; else it only comes into the library.
    #[serde(default = "yes")]
    used: bool,
}

fn usual_strength() -> u32 {
    studio_core::training::USUAL_STRENGTH
}

fn yes() -> bool {
    true
}

/// Takes an epoch of a run by a person's word, whatever its pictures say. A run that is not over is over then.
#[utoipa::path(post, path = "/api/trainings/{id}/choose", tag = "trainings", params(("id" = TrainingId, Path)),
    request_body = ChooseEpoch, responses((status = 200, body = TrainingView)))]
pub async fn choose(
    door: Writer<TrainingId>,
    State(state): State<super::AppState>,
    chosen: Result<Json<ChooseEpoch>, JsonRejection>,
) -> Result<Json<TrainingView>, Problem> {
    let Json(ChooseEpoch { epoch, strength, used }) = chosen?;
    if !(1..=studio_core::lora::MOST_STRENGTH).contains(&strength) {
        return Err(Problem::bad_request(format!("strength is {strength}; it must be 1 to 200 percent")));
    }
    let training = state.services()?.trainings.take(door.of, epoch, strength, used).await?;
    Ok(Json(view(&state, training).await?))
}

/// Takes a run out that is over, with its epochs and pictures. LoRAs of it in the library stay.
#[utoipa::path(delete, path = "/api/trainings/{id}", tag = "trainings", params(("id" = TrainingId, Path)),
    responses((status = 204)))]
pub async fn remove(door: Writer<TrainingId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.services()?.trainings.remove_training(door.of).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists trainers, and says what the chosen one needs and lacks.
#[utoipa::path(get, path = "/api/trainers", tag = "trainings", responses((status = 200, body = Vec<TrainerView>)))]
pub async fn trainers(_: Reader, State(state): State<super::AppState>) -> Result<Json<Vec<TrainerView>>, Problem> {
    Ok(Json(state.services()?.trainings.trainers().await))
}
