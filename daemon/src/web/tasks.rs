//! `/api/tasks`: what is waiting, running and done.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::TaskId,
    task::{Task, TaskState},
};

use super::problem::Problem;
use crate::store;

/// Most tasks on one page.
const LARGEST_PAGE: u32 = 500;

/// Which tasks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only those in this state.
    state: Option<TaskState>,
    /// Only those older than this one: the `next` of the page before.
    after: Option<TaskId>,
    /// At most this many, 1..=500.
    #[serde(default = "usual_page")]
    limit: u32,
}

fn usual_page() -> u32 {
    100
}

/// One page of tasks.
#[derive(Debug, Serialize)]
pub struct Page {
    tasks: Vec<Task>,
    /// Where the next page begins; `None` on the last one.
    next: Option<TaskId>,
}

/// Tasks, newest first.
pub async fn list(
    State(state): State<super::State>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(which) = which?;
    if !(1..=LARGEST_PAGE).contains(&which.limit) {
        return Err(Problem::bad_request(format!("limit is {}; it must be 1 to {LARGEST_PAGE}", which.limit)));
    }
    let tasks = store::tasks::page(&state.db, which.state, which.after, which.limit).await?;
    let next = (tasks.len() == which.limit as usize).then(|| tasks.last().map(|task| task.id)).flatten();
    Ok(Json(Page { tasks, next }))
}

/// A task and why it waits.
#[derive(Debug, Serialize)]
pub struct Explained {
    task: Task,
    /// Why it does not run; `None` when it runs or is over.
    waits: Option<String>,
}

/// A task named in the address.
type Named = Result<Path<TaskId>, PathRejection>;

/// One task.
pub async fn one(State(state): State<super::State>, id: Named) -> Result<Json<Explained>, Problem> {
    let Path(id) = id?;
    let task = store::tasks::get(&state.db, id).await?;
    Ok(Json(Explained { task, waits: state.conductor.why(id).await? }))
}

/// Stops a task and whatever cannot do without it.
pub async fn cancel(State(state): State<super::State>, id: Named) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    store::tasks::get(&state.db, id).await?;
    state.conductor.cancel(id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes a failed or cancelled task again.
pub async fn retry(State(state): State<super::State>, id: Named) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    state.conductor.retry(id).await?;
    Ok(StatusCode::ACCEPTED)
}
