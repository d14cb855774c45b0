//! `/api/shots` and `/api/takes`: every attempt at a picture or clip, what the judge said of it, and what people say.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{EpisodeId, ShotId, TakeId, TaskId},
    order::AssetRef,
    production::Job,
    shot::Shot,
    take::{Subject, Take},
};
use utoipa::{IntoParams, ToSchema};

use super::{problem::Problem, tasks::Said};
use crate::store::{self, opinions::Opinion, takes::Placed};

/// Most takes on one page.
const LARGEST_PAGE: u32 = 200;

/// A take with where it belongs.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakeView {
    take: Take,
    file: AssetRef,
    episode: EpisodeId,
    /// Number of its scene.
    scene: u32,
    /// Number of its shot.
    shot: u32,
    /// What a person said of it.
    opinion: Option<Opinion>,
}

fn seen(placed: Placed) -> TakeView {
    let Placed { take, ext, episode, scene, shot, opinion } = placed;
    TakeView { file: AssetRef { hash: take.asset, ext }, take, episode, scene, shot, opinion }
}

/// Which takes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Only those nobody has said anything of.
    #[serde(default)]
    unjudged: bool,
    /// Only those of this episode.
    episode: Option<EpisodeId>,
    /// Only those older than this one: the `next` of the page before.
    after: Option<TakeId>,
    /// At most this many, 1..=200.
    #[serde(default = "usual_page")]
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

fn usual_page() -> u32 {
    50
}

/// One page of takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakePage {
    takes: Vec<TakeView>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TakeId>,
}

/// Takes, newest first.
#[utoipa::path(get, path = "/api/takes", tag = "takes", params(Which), responses((status = 200, body = TakePage), Problem))]
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<TakePage>, Problem> {
    let Query(which) = which?;
    if !(1..=LARGEST_PAGE).contains(&which.limit) {
        return Err(Problem::bad_request(format!("limit is {}; it must be 1 to {LARGEST_PAGE}", which.limit)));
    }
    let takes = store::takes::page(&state.db, which.episode, which.unjudged, which.after, which.limit).await?;
    let next = (takes.len() == which.limit as usize).then(|| takes.last().map(|placed| placed.take.id)).flatten();
    Ok(Json(TakePage { takes: takes.into_iter().map(seen).collect(), next }))
}

/// A shot with its takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeShot {
    shot: Shot,
    /// Pictures before clips, oldest first.
    takes: Vec<TakeView>,
}

/// One shot.
#[utoipa::path(get, path = "/api/shots/{id}", tag = "takes", params(("id" = ShotId, Path)),
    responses((status = 200, body = WholeShot), Problem))]
pub async fn shot(
    State(state): State<super::State>,
    id: Result<Path<ShotId>, PathRejection>,
) -> Result<Json<WholeShot>, Problem> {
    let Path(id) = id?;
    let shot = store::shots::get(&state.db, id).await?;
    let takes = store::takes::placed_of_shot(&state.db, id).await?.into_iter().map(seen).collect();
    Ok(Json(WholeShot { shot, takes }))
}

/// Keeps what a person says of a take; it overrules the judge, and the film is made accordingly.
#[utoipa::path(post, path = "/api/takes/{id}/opinion", tag = "takes", params(("id" = TakeId, Path)),
    request_body = Said, responses((status = 202), Problem))]
pub async fn opinion(
    State(state): State<super::State>,
    id: Result<Path<TakeId>, PathRejection>,
    said: Result<Json<Said>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(id), Json(said)) = (id?, said?);
    let opinion = said.checked()?;
    state.conductor.opine(task_of(&state, id).await?, opinion).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Locks, releases or replaces what the part of a take is made of, or asks for another one.
#[utoipa::path(post, path = "/api/takes/{id}/hand", tag = "takes", params(("id" = TakeId, Path)),
    request_body = crate::conductor::Hand, responses((status = 202), Problem))]
pub async fn hand(
    State(state): State<super::State>,
    id: Result<Path<TakeId>, PathRejection>,
    hand: Result<Json<crate::conductor::Hand>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (Path(id), Json(hand)) = (id?, hand?);
    state.conductor.hand(task_of(&state, id).await?, hand).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The task that made a take.
async fn task_of(state: &super::State, id: TakeId) -> Result<TaskId, Problem> {
    let Placed { take, episode, scene, shot, .. } = store::takes::placed(&state.db, id).await?;
    let subject: Subject = take.subject;
    let slot = Job::Take { subject, scene, shot, take: take.attempt }.slot();
    let tasks = store::tasks::of_episode(&state.db, episode).await?;
    let task = tasks.into_iter().find(|task| task.slot == slot);
    task.map(|task| task.id).ok_or_else(|| Problem::not_found(format!("the take {id} belongs to no task any more")))
}
