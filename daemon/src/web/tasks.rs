//! `/api/tasks`: what is waiting, running and done.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{ContentHash, EpisodeId, ProjectId, TaskId},
    review::Issue,
    schedule::WaitReason,
    task::{Attempt, Task, TaskState},
};

use utoipa::ToSchema;

use super::{
    doors::{Allowed, Listed, Reader, Reviewer, Writer},
    pagination::{Sort, list_query},
    problem::Problem,
};
use crate::{
    conductor::{OverrideAction, Refusal},
    store::{self, opinions::Opinion},
};

/// Longest reason a person gives.
const LONGEST_WHY: usize = 2000;

list_query! {
    /// Which tasks are asked for, and in which order.
    ListQuery of project episode {
        /// Only those in this state.
        state: Option<TaskState>,
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those of this episode.
        episode: Option<EpisodeId>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: TaskId,
}

/// One page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskPage {
    tasks: Vec<Task>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TaskId>,
}

/// Lists tasks of all episodes, or of those asked for, page by page.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks", params(ListQuery), responses((status = 200, body = TaskPage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<TaskPage>, Problem> {
    let Listed(which) = door.of;
    let asked = store::tasks::Filter {
        state: which.state,
        project: which.project,
        episode: which.episode,
        like: None,
        after: which.after,
        oldest_first: which.sort == Sort::Oldest,
        limit: which.limit.0,
    };
    let tasks = store::tasks::page(&state.db, &asked).await?;
    let next = which.limit.next(&tasks, |task| task.id);
    Ok(Json(TaskPage { tasks, next }))
}

/// A task and why it waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedTask {
    task: Task,
    /// Why it does not run; `None` when it runs or is over.
    waits: Option<String>,
    /// The same with its numbers, for scripts.
    wait_reason: Option<WaitReason>,
    /// A person wants it first.
    pinned: bool,
    /// A person holds it back.
    held: bool,
    /// How far it is; `None` when it does not run.
    doing: Option<TaskProgress>,
    /// What was decided on the way, oldest first.
    decided: Vec<String>,
    /// Its attempts, oldest first.
    attempts: Vec<Attempt>,
}

/// How far a task is.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskProgress {
    /// Share that is done, 0-1.
    done: f64,
    /// What is being done.
    what: String,
    /// Time left in milliseconds, when it can be told.
    left_ms: Option<u64>,
    /// There is a picture of it at `/api/tasks/{id}/preview`.
    preview: bool,
}

/// The newest picture of what a running task makes.
#[utoipa::path(get, path = "/api/tasks/{id}/preview", tag = "tasks", params(("id" = TaskId, Path)), 
    responses((status = 200, description = "the newest picture", content_type = "image/*")))]
pub async fn preview(door: Reader<TaskId>, State(state): State<super::AppState>) -> Result<Response, Problem> {
    let id = door.of;
    let preview = state.events.live(id).and_then(|live| live.preview);
    let Some(preview) = preview else {
        return Err(Problem::not_found(format!("task {id} has no preview: it does not run, or its engine shows none")));
    };
    let headers = [(header::CONTENT_TYPE, preview.mime), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, preview.bytes.to_vec()).into_response())
}

/// One task with its attempts, why it waits or how far it is.
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks", params(("id" = TaskId, Path)), responses((status = 200, body = ExplainedTask)))]
pub async fn one(door: Reader<TaskId>, State(state): State<super::AppState>) -> Result<Json<ExplainedTask>, Problem> {
    let id = door.of;
    let task = store::tasks::get(&state.db, id).await?;
    let doing = state.events.live(id).map(|live| TaskProgress {
        done: live.doing.done,
        what: live.doing.what,
        left_ms: live.doing.left_ms,
        preview: live.preview.is_some(),
    });
    let decided = store::decisions::of_task(&state.db, id).await?.into_iter().map(|one| one.reason).collect();
    let attempts = store::attempts::of_task(&state.db, id).await?;
    let wait_reason = state.conductor.why(id).await?;
    let waits = wait_reason.as_ref().map(ToString::to_string);
    let steered = store::fleet::steered(&state.db).await?;
    let (pinned, held) = (steered.pinned.contains(&id), steered.held.contains(&id));
    Ok(Json(ExplainedTask { task, waits, wait_reason, pinned, held, doing, decided, attempts }))
}

/// Stops a task and whatever cannot do without it.
#[utoipa::path(post, path = "/api/tasks/{id}/cancel", tag = "tasks", params(("id" = TaskId, Path)), responses((status = 202)))]
pub async fn cancel(door: Writer<TaskId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    store::tasks::get(&state.db, id).await?;
    state.conductor.cancel(id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What a person says of a take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionRequest {
    /// It is good.
    good: bool,
    /// Why, at most 2000 characters.
    #[serde(default)]
    why: String,
    /// What is wrong with it, from the fixed list.
    #[serde(default)]
    issues: Vec<Issue>,
    /// The file that was seen: refused when the take is another one by now. Without it whatever is there is meant.
    #[serde(default)]
    seen: Option<ContentHash>,
}

impl OpinionRequest {
    /// Keeps it of the take that `task` made or judged.
    pub async fn keep(self, state: &super::AppState, task: TaskId) -> Result<(), Problem> {
        match (self.seen, self.checked()?) {
            (Some(seen), opinion) => state.conductor.opine_on(task, opinion, seen).await?,
            (None, opinion) => state.conductor.opine(task, opinion).await?,
        }
        Ok(())
    }

    fn checked(self) -> Result<Opinion, Problem> {
        if self.why.chars().count() > LONGEST_WHY {
            return Err(Problem::bad_request(format!("why is longer than {LONGEST_WHY} characters; shorten it")));
        }
        Ok(Opinion { good: self.good, why: self.why, issues: self.issues })
    }
}

/// Keeps what a person says of the take a task made or judged; it overrules the judge.
#[utoipa::path(post, path = "/api/tasks/{id}/opinion", tag = "tasks", params(("id" = TaskId, Path)), request_body = OpinionRequest, responses((status = 202)))]
pub async fn opinion(
    door: Reviewer<TaskId>,
    State(state): State<super::AppState>,
    said: Result<Json<OpinionRequest>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(said)) = (door.of, said?);
    said.keep(&state, id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Locks, releases or replaces what the part of a task is made of, or asks for another take of it.
#[utoipa::path(post, path = "/api/tasks/{id}/hand", tag = "tasks", params(("id" = TaskId, Path)), request_body = OverrideAction, responses((status = 202)))]
pub async fn hand(
    door: Reviewer<TaskId>,
    State(state): State<super::AppState>,
    hand: Result<Json<OverrideAction>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let (id, Json(hand)) = (door.of, hand?);
    may_put(&state, &door, &hand).await?;
    state.conductor.hand(id, hand).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Refuses a file of another project, as if nobody kept it.
pub async fn may_put<L, T>(
    state: &super::AppState,
    door: &Allowed<L, T>,
    hand: &OverrideAction,
) -> Result<(), Problem> {
    match hand {
        OverrideAction::Put { asset } | OverrideAction::From { asset, .. }
            if !door.may_name(&state.db, *asset).await? =>
        {
            Err(crate::conductor::Error::from(Refusal::FileNotKept { hash: *asset }).into())
        }
        _ => Ok(()),
    }
}

/// Makes a failed or cancelled task again.
#[utoipa::path(post, path = "/api/tasks/{id}/retry", tag = "tasks", params(("id" = TaskId, Path)), responses((status = 202)))]
pub async fn retry(door: Writer<TaskId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    state.conductor.retry(id).await?;
    Ok(StatusCode::ACCEPTED)
}
