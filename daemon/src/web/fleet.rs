//! `/api/fleet`: cards, engines, what runs and what is to come; what a person wants of them.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    durations::Usual,
    fleet::{PauseReason, Scope},
    ids::{EpisodeId, TaskId},
    production::Job,
    quiet::QuietHours,
    schedule::{Steer, View, Within},
};

use utoipa::ToSchema;

use super::{
    doors::{Reader, Writer},
    pagination::{has, list_query},
    problem::Problem,
};
use crate::{
    conductor::Resting,
    forecast::{self, Outlook},
    store::{
        self,
        fleet::{Cost, Forecast},
    },
};

/// Cards, seats, what is loaded and what runs, now.
#[utoipa::path(get, path = "/api/fleet", tag = "fleet", responses((status = 200, body = View)))]
pub async fn view(_: Reader, State(state): State<super::AppState>) -> Result<Json<View>, Problem> {
    Ok(Json(state.conductor.view().await?))
}

/// When everything will be done, found out by running the scheduler forward with what was learned.
#[utoipa::path(get, path = "/api/fleet/plan", tag = "fleet", responses((status = 200, body = Outlook)))]
pub async fn plan(_: Reader, State(state): State<super::AppState>) -> Result<Json<Outlook>, Problem> {
    Ok(Json(forecast::outlook(&state.db, &state.conductor).await?))
}

/// What usually takes how long.
#[derive(Debug, Serialize, ToSchema)]
pub struct LearnedDuration {
    engine: String,
    model: String,
    card: String,
    kind: String,
    #[serde(flatten)]
    usual: Usual,
}

list_query! {
    /// Which learned durations are asked for, and in which order.
    DurationListQuery {
        /// Only those of this engine.
        engine: Option<String>,
        /// Only those with this in the name of their model or card.
        q: Option<String>,
    }
    /// By engine, model, card and kind: `name`; or what takes `longest` first.
    sort: DurationSort,
    /// Only those that come after this one: the `next` of the page before.
    after: String,
}

/// In which order durations are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DurationSort {
    /// By engine, model, card and kind.
    #[default]
    Name,
    /// What usually takes longest first.
    Longest,
}

/// One page of durations.
#[derive(Debug, Serialize, ToSchema)]
pub struct DurationPage {
    durations: Vec<LearnedDuration>,
    /// Where the next page begins; `None` on the last one.
    next: Option<String>,
}

/// Durations as they were learned.
#[utoipa::path(get, path = "/api/fleet/durations", tag = "fleet", params(DurationListQuery),
    responses((status = 200, body = DurationPage)))]
pub async fn durations(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<DurationListQuery>, QueryRejection>,
) -> Result<Json<DurationPage>, Problem> {
    let Query(which) = which?;
    let mut habits = studio_core::durations::Habits::default();
    for sample in store::fleet::learned(&state.db).await? {
        habits.learn(&sample, false);
    }
    let of = |(engine, model, card, kind, usual): (&str, &str, &str, &str, Usual)| LearnedDuration {
        engine: engine.to_owned(),
        model: model.to_owned(),
        card: card.to_owned(),
        kind: kind.to_owned(),
        usual,
    };
    let mut all: Vec<LearnedDuration> = habits.all().map(of).collect();
    all.retain(|one| which.engine.as_ref().is_none_or(|engine| one.engine == *engine));
    all.retain(|one| has(&one.model, which.q.as_deref()) || has(&one.card, which.q.as_deref()));
    let key = |one: &LearnedDuration| [&one.engine, &one.model, &one.card, &one.kind].map(String::as_str).join("/");
    all.sort_by_cached_key(key);
    if which.sort == DurationSort::Longest {
        all.sort_by_key(|one| std::cmp::Reverse(one.usual.median_ms));
    }
    let (durations, next) = which.limit.page(all, which.after.as_ref(), key)?;
    Ok(Json(DurationPage { durations, next }))
}

/// What is to rest.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pausing {
    /// What is to rest: the studio, a card, an engine or a project.
    scope: Scope,
    /// Running attempts are interrupted and made again later; otherwise they are finished.
    #[serde(default)]
    hard: bool,
    /// Models leave the cards as soon as nothing runs there, so that the memory is free for something else; otherwise
    /// they stay loaded. Not for a project.
    #[serde(default)]
    free: bool,
    /// Why it is to rest, in one sentence; usually `a person wants it so`.
    #[serde(default = "usual_why")]
    why: String,
}

fn usual_why() -> String {
    PauseReason::default().to_string()
}

/// What comes of a pause.
#[derive(Debug, Serialize, ToSchema)]
pub struct Paused {
    /// What rests now.
    scope: Scope,
    /// What runs there is interrupted and made again later; otherwise it is finished.
    hard: bool,
    #[serde(flatten)]
    within: Within,
}

/// Lets something rest, and says what was there.
#[utoipa::path(post, path = "/api/fleet/pause", tag = "fleet", request_body = Pausing,
    responses((status = 202, body = Paused)))]
pub async fn pause(
    _: Writer,
    State(state): State<super::AppState>,
    pausing: Result<Json<Pausing>, JsonRejection>,
) -> Result<(StatusCode, Json<Paused>), Problem> {
    let Json(Pausing { scope, hard, free, why }) = pausing?;
    let within = state.conductor.pause(scope.clone(), Resting { hard, frees: free, why }).await?;
    Ok((StatusCode::ACCEPTED, Json(Paused { scope, hard, within })))
}

/// What is to go on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resuming {
    /// What is to go on: the studio, a card, an engine or a project.
    scope: Scope,
}

/// Lets it go on.
#[utoipa::path(post, path = "/api/fleet/resume", tag = "fleet", request_body = Resuming, responses((status = 202)))]
pub async fn resume(
    _: Writer,
    State(state): State<super::AppState>,
    resuming: Result<Json<Resuming>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(resuming) = resuming?;
    state.conductor.resume(resuming.scope).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Steers a task: `"pin"`, `"unpin"`, `"hold"`, `"release"`, `{"before": "TASK"}` or `{"class": "interactive"}`.
#[utoipa::path(post, path = "/api/tasks/{id}/steer", tag = "fleet", params(("id" = TaskId, Path)), request_body = Steer, responses((status = 202)))]
pub async fn steer(
    door: Writer<TaskId>,
    State(state): State<super::AppState>,
    to: Result<Json<Steer>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(to)) = (door.of, to?);
    state.conductor.steer(id, to).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What a shot cost: its lines, takes, reviews and master together.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShotCost {
    /// Number of its scene, from 1.
    scene: u32,
    /// Number in the scene, from 1.
    shot: u32,
    /// Attempts, good or not.
    attempts: u64,
    /// How long they took together, in milliseconds.
    took_ms: u64,
    /// Energy in watt-hours, as far as it was measured.
    energy_wh: f64,
    /// Money, as far as it is known.
    money: f64,
}

/// The shot a job is for, by scene and number; `None` of one that is for more than a shot.
const fn shot_of(job: Job) -> Option<(u32, u32)> {
    match job {
        Job::Voice { scene, shot, .. }
        | Job::Take { scene, shot, .. }
        | Job::Review { scene, shot, .. }
        | Job::Gate { scene, shot, .. }
        | Job::Normalise { scene, shot } => Some((scene, shot)),
        Job::Music { .. }
        | Job::Mix { .. }
        | Job::SceneFilm { .. }
        | Job::Sound
        | Job::Film
        | Job::Artwork
        | Job::Library
        | Job::Golden { .. }
        | Job::Portraits { .. } => None,
    }
}

/// The costs of tasks, shot by shot in the order of the film.
fn by_shot(tasks: &[Cost]) -> Vec<ShotCost> {
    let mut shots: BTreeMap<(u32, u32), ShotCost> = BTreeMap::new();
    for cost in tasks {
        let Some((scene, shot)) = cost.slot.parse().ok().and_then(shot_of) else { continue };
        let nothing = ShotCost { scene, shot, attempts: 0, took_ms: 0, energy_wh: 0.0, money: 0.0 };
        let sum = shots.entry((scene, shot)).or_insert(nothing);
        sum.attempts += cost.attempts;
        sum.took_ms += cost.took_ms;
        sum.energy_wh += cost.energy_wh;
        sum.money += cost.money;
    }
    shots.into_values().collect()
}

/// What an episode cost, by task and by shot, and how well it was foretold.
#[derive(Debug, Serialize, ToSchema)]
pub struct Costs {
    /// Tasks with attempts that have ended, each with what it cost.
    tasks: Vec<Cost>,
    /// Shots of which anything was made, each with what that cost.
    shots: Vec<ShotCost>,
    /// Energy of all, in watt-hours.
    energy_wh: f64,
    /// Money of all, in the currency of the settings.
    money: f64,
    /// What was foretold, and when it was done.
    forecasts: Vec<Forecast>,
}

/// What an episode cost.
#[utoipa::path(get, path = "/api/episodes/{id}/costs", tag = "fleet", params(("id" = EpisodeId, Path)), responses((status = 200, body = Costs)))]
pub async fn costs(door: Reader<EpisodeId>, State(state): State<super::AppState>) -> Result<Json<Costs>, Problem> {
    let id = door.of;
    store::episodes::get(&state.db, id).await?;
    let tasks = store::fleet::costs(&state.db, id).await?;
    let energy_wh = tasks.iter().map(|cost| cost.energy_wh).sum();
    let money = tasks.iter().map(|cost| cost.money).sum();
    let forecasts = store::fleet::forecasts(&state.db, id).await?;
    let shots = by_shot(&tasks);
    Ok(Json(Costs { tasks, shots, energy_wh, money, forecasts }))
}

/// Longest list of quiet hours.
const MOST_HOURS: usize = 50;

/// Quiet hours that hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuietView {
    hours: Vec<QuietHours>,
    /// They were set here; otherwise the settings file says them.
    set: bool,
}

/// Quiet hours to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuiet {
    /// At most 50; an empty list means none at all.
    #[schema(max_items = 50)]
    hours: Vec<QuietHours>,
}

/// Hours of the week in which something rests, in the studio's own time.
#[utoipa::path(get, path = "/api/fleet/quiet", tag = "fleet", responses((status = 200, body = QuietView)))]
pub async fn quiet(_: Reader, State(state): State<super::AppState>) -> Result<Json<QuietView>, Problem> {
    let set = store::fleet::quiet(&state.db).await?;
    let usual = || state.services.as_ref().map_or_else(Vec::new, |services| services.diagnostics.settings().quiet);
    Ok(Json(QuietView { set: set.is_some(), hours: set.unwrap_or_else(usual) }))
}

/// Sets quiet hours; they go before those of the settings file, at once and after a restart.
#[utoipa::path(put, path = "/api/fleet/quiet", tag = "fleet", request_body = NewQuiet,
    responses((status = 202)))]
pub async fn set_quiet(
    _: Writer,
    State(state): State<super::AppState>,
    new: Result<Json<NewQuiet>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let Json(NewQuiet { hours }) = new?;
    if hours.len() > MOST_HOURS {
        return Err(Problem::bad_request(format!("{} quiet hours are too many; at most {MOST_HOURS}", hours.len())));
    }
    if hours.iter().any(|one| one.gpu.is_some() && one.engine.is_some()) {
        return Err(Problem::bad_request("quiet hours are of a card or of an engine; leave one of them out"));
    }
    state.conductor.set_quiet(Some(hours)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Leaves quiet hours to the settings file again.
#[utoipa::path(delete, path = "/api/fleet/quiet", tag = "fleet", responses((status = 202)))]
pub async fn forget_quiet(_: Writer, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.conductor.set_quiet(None).await?;
    Ok(StatusCode::ACCEPTED)
}
