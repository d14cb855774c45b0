//! `/api/shots` and `/api/takes`: every attempt at a picture or clip, what the judge said of it, and what people say.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{CharacterId, EpisodeId, ProjectId, ShotId, TakeId, TaskId},
    journal::EventKind,
    order::AssetRef,
    production::Job,
    review::Issue,
    shot::{Shot, ShotPlan},
    take::{Subject, Take},
};
use utoipa::ToSchema;

use super::{
    doors::{Listed, Reader, Reviewer},
    pagination::{Sort, list_query},
    problem::{Code, Problem},
    tasks::OpinionRequest,
    tasks::may_put,
};
use crate::store::{self, opinions::Opinion, takes::Placed};

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
    /// What it is to show.
    plan: ShotPlan,
    /// What a person said of it.
    opinion: Option<Opinion>,
}

fn seen(placed: Placed) -> TakeView {
    let Placed { take, ext, episode, scene, shot, plan, opinion } = placed;
    TakeView { file: AssetRef { hash: take.asset, ext }, take, episode, scene, shot, plan, opinion }
}

list_query! {
    /// Which takes are asked for, and in which order.
    ListQuery of project episode {
        /// Only those nobody has said anything of.
        #[serde(default)]
        unjudged: bool,
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those of this episode.
        episode: Option<EpisodeId>,
        /// Only pictures (`still`) or only clips (`clip`).
        subject: Option<Subject>,
        /// Only those with this character in the picture.
        character: Option<String>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: TakeId,
}

/// One page of takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakePage {
    takes: Vec<TakeView>,
    /// How many there are, this page and everything before it included.
    left: u64,
    /// Where the next page begins; `None` on the last one.
    next: Option<TakeId>,
}

/// Takes, newest first.
#[utoipa::path(get, path = "/api/takes", tag = "takes", params(ListQuery), responses((status = 200, body = TakePage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<TakePage>, Problem> {
    let Listed(which) = door.of;
    let asked = store::takes::Filter {
        project: which.project,
        episode: which.episode,
        subject: which.subject,
        character: which.character,
        unjudged: which.unjudged,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let left = store::takes::count(&state.db, &asked).await?;
    let takes = store::takes::page(&state.db, &asked).await?;
    let next = which.limit.next(&takes, |placed| placed.take.id);
    Ok(Json(TakePage { takes: takes.into_iter().map(seen).collect(), left, next }))
}

/// A shot with its takes.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeShot {
    shot: Shot,
    /// Pictures before clips, oldest first.
    takes: Vec<TakeView>,
}

/// One shot with all its takes and what people said of them.
#[utoipa::path(get, path = "/api/shots/{id}", tag = "takes", params(("id" = ShotId, Path)),
    responses((status = 200, body = WholeShot)))]
pub async fn shot(door: Reader<ShotId>, State(state): State<super::AppState>) -> Result<Json<WholeShot>, Problem> {
    let id = door.of;
    let shot = store::shots::get(&state.db, id).await?;
    let takes = store::takes::placed_of_shot(&state.db, id).await?.into_iter().map(seen).collect();
    Ok(Json(WholeShot { shot, takes }))
}

/// Keeps what a person says of a take; it overrules the judge, and the film is made accordingly.
#[utoipa::path(post, path = "/api/takes/{id}/opinion", tag = "takes", params(("id" = TakeId, Path)),
    request_body = OpinionRequest, responses((status = 202)))]
pub async fn opinion(
    door: Reviewer<TakeId>,
    State(state): State<super::AppState>,
    said: Result<Json<OpinionRequest>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(said)) = (door.of, said?);
    said.keep(&state, task_of(&state, id).await?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whose picture it really is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reassigned {
    /// Somebody of the same project.
    character: CharacterId,
}

/// Says that a picture shows somebody else: it becomes a reference of that character, and its shot is made again.
///
/// Taken back by taking back the opinion, and the picture from the character's references.
#[utoipa::path(post, path = "/api/takes/{id}/reassign", tag = "takes", params(("id" = TakeId, Path)),
    request_body = Reassigned, responses((status = 202)))]
pub async fn reassign(
    door: Reviewer<TakeId>,
    State(state): State<super::AppState>,
    to: Result<Json<Reassigned>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(Reassigned { character })) = (door.of, to?);
    let Placed { take, ext, episode, .. } = store::takes::placed(&state.db, id).await?;
    let character = store::characters::get(&state.db, character).await?;
    if take.subject != Subject::Still {
        return Err(Problem::bad_request("only a picture can become somebody's reference; reject the clip instead"));
    }
    if store::episodes::get(&state.db, episode).await?.project_id != character.project_id {
        return Err(Problem::bad_request(format!("{} belongs to another project", character.name)));
    }
    let task = task_of(&state, id).await?;
    let _one_at_a_time = state.writing.lock().await;
    let mut sheet = store::characters::sheet(&state.db, character.id).await?;
    if sheet.references.iter().all(|known| known.hash != take.asset) {
        sheet.references.push(AssetRef { hash: take.asset, ext });
        sheet.check().map_err(|why| Problem::conflict(Code::SheetFull, why))?;
        let mut tx = state.db.begin().await?;
        store::characters::set_sheet(&mut tx, character.id, &sheet).await?;
        state.changed(&mut tx, EventKind::CharacterChanged, &character.id.to_string()).await?;
        tx.commit().await?;
        state.tell();
    }
    // Broken off here, the picture is a reference already; asked again, only the opinion is added.
    let why = format!("this is {}", character.name);
    let opinion = Opinion { good: false, why, issues: vec![Issue::WrongCharacter] };
    state.conductor.opine(task, opinion).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes back what a person said of a take: the judge's word counts again.
#[utoipa::path(delete, path = "/api/takes/{id}/opinion", tag = "takes", params(("id" = TakeId, Path)),
    responses((status = 202)))]
pub async fn no_opinion(door: Reviewer<TakeId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    state.conductor.take_back(task_of(&state, id).await?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Locks, releases or replaces what the part of a take is made of, or asks for another one.
#[utoipa::path(post, path = "/api/takes/{id}/hand", tag = "takes", params(("id" = TakeId, Path)),
    request_body = crate::conductor::OverrideAction, responses((status = 202)))]
pub async fn hand(
    door: Reviewer<TakeId>,
    State(state): State<super::AppState>,
    hand: Result<Json<crate::conductor::OverrideAction>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(hand)) = (door.of, hand?);
    may_put(&state, &door, &hand).await?;
    state.conductor.hand(task_of(&state, id).await?, hand).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The task that made a take.
async fn task_of(state: &super::AppState, id: TakeId) -> Result<TaskId, Problem> {
    let Placed { take, episode, scene, shot, .. } = store::takes::placed(&state.db, id).await?;
    let subject: Subject = take.subject;
    let job = Job::Take { subject, scene, shot, take: take.attempt };
    let task = store::tasks::of_jobs(&state.db, episode, &[job]).await?.pop();
    task.map(|task| task.id).ok_or_else(|| Problem::not_found(format!("the take {id} belongs to no task any more")))
}
