//! `/api/stories`: ideas that a text model turns into screenplays, one after the other, whoever still looks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::Serialize;
use studio_core::{ids::StoryId, journal::EventKind};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{
    doors::{Reader, Writer},
    pagination::{Sort, list_query},
    problem::{Code, Problem},
    services::Idea,
};
use crate::store::{
    self,
    stories::{Filter, State as How, Story, Untold},
};

/// Stories that wait for their turn.
const MOST_WAITING: usize = 20;

/// Those that are being written now.
#[derive(Clone)]
pub struct StoryJobs {
    stop: Arc<Mutex<BTreeMap<StoryId, CancellationToken>>>,
    turn: Arc<Semaphore>,
}

impl Default for StoryJobs {
    fn default() -> Self {
        // A text model answers one at a time; two would only share its memory.
        Self { stop: Arc::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl StoryJobs {
    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<StoryId, CancellationToken>> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes on with what was being written when the studio closed.
pub async fn resume(state: &super::AppState) {
    let unfinished = Filter { state: Some(How::Writing), after: None, oldest_first: true, limit: MOST_WAITING as u32 };
    match store::stories::page(&state.db, &unfinished).await {
        Ok(stories) => {
            for story in stories {
                begin(state, story);
            }
        }
        Err(error) => tracing::error!(%error, "failed to look for unfinished stories"),
    }
}

fn begin(state: &super::AppState, story: Story) {
    let stop = state.stop.child_token();
    state.stories.all().insert(story.id, stop.clone());
    let state = state.clone();
    tokio::spawn(async move {
        let id = story.id;
        tokio::select! {
            told = tell(&state, story) => {
                let told = told.map_err(Problem::told).map_err(|(code, why)| Untold { code: code.word(), why });
                if let Err(problem) = end(&state, id, &told).await {
                    tracing::error!(story = %id, ?problem, "failed to keep a story");
                }
            }
            // It was removed, or the studio closes and goes on with it next time.
            () = stop.cancelled() => {}
        }
        state.stories.all().remove(&id);
    });
}

async fn tell(state: &super::AppState, story: Story) -> Result<String, Problem> {
    let broken = |error: &dyn std::error::Error| Problem::internal(error.to_string());
    let _turn = state.stories.turn.acquire().await.map_err(|error| broken(&error))?;
    let idea: Idea = serde_json::from_value(story.idea).map_err(|error| broken(&error))?;
    Ok(state.services()?.stories.tell(idea).await?)
}

async fn end(state: &super::AppState, id: StoryId, told: &Result<String, Untold>) -> Result<(), Problem> {
    let mut tx = state.db.begin().await?;
    store::stories::end(&mut tx, id, told, state.guard.now()).await?;
    state.changed(&mut tx, EventKind::StoryEnded, &id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    Ok(())
}

/// Has a text model turn an idea into a screenplay. That often takes minutes: the story is told of by `story.ended`,
/// and it is written whether or not somebody waits.
#[utoipa::path(post, path = "/api/stories", tag = "stories", request_body = Idea,
    responses((status = 202, body = Story)))]
pub async fn create(
    _: Writer,
    State(state): State<super::AppState>,
    idea: Result<Json<Idea>, JsonRejection>,
) -> Result<(StatusCode, Json<Story>), Problem> {
    let Json(idea) = idea?;
    if !(10..=20_000).contains(&idea.idea.trim().chars().count()) {
        return Err(Problem::bad_request("tell the idea in 10 to 20000 characters"));
    }
    // What cannot be written at all is said at once.
    state.services()?.stories.may_tell(&idea)?;
    if state.stories.all().len() >= MOST_WAITING {
        return Err(Problem::conflict(
            Code::TooManyStories,
            format!("{MOST_WAITING} stories are being written already; wait for one of them"),
        ));
    }
    let story = Story {
        id: StoryId(state.guard.id()),
        idea: serde_json::to_value(&idea).map_err(|error| Problem::internal(error.to_string()))?,
        state: How::Writing,
        text: String::new(),
        why: String::new(),
        code: String::new(),
        created: state.guard.now(),
        ended: None,
    };
    let mut tx = state.db.begin().await?;
    store::stories::insert(&mut tx, &story).await?;
    state.changed(&mut tx, EventKind::StoryBegun, &story.id.to_string()).await?;
    tx.commit().await?;
    state.tell();
    begin(&state, story.clone());
    Ok((StatusCode::ACCEPTED, Json(story)))
}

list_query! {
    /// Which stories are asked for, and in which order.
    ListQuery {
        /// Only those in this state.
        #[param(inline)]
        state: Option<How>,
    }
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: StoryId,
}

/// One page of stories.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoryPage {
    stories: Vec<Story>,
    /// Where the next page begins; `None` on the last one.
    next: Option<StoryId>,
}

/// Lists ideas and what became of them, page by page.
#[utoipa::path(get, path = "/api/stories", tag = "stories", params(ListQuery),
    responses((status = 200, body = StoryPage)))]
pub async fn list(
    _: Reader,
    State(state): State<super::AppState>,
    which: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<StoryPage>, Problem> {
    let Query(which) = which?;
    let stories = store::stories::page(
        &state.db,
        &Filter {
            state: which.state,
            after: which.after,
            oldest_first: which.sort == Sort::Oldest,
            limit: which.limit.0,
        },
    )
    .await?;
    let next = which.limit.next(&stories, |story| story.id);
    Ok(Json(StoryPage { stories, next }))
}

/// One story: its idea, how far it is, and the screenplay once it is told.
#[utoipa::path(get, path = "/api/stories/{id}", tag = "stories", params(("id" = StoryId, Path)),
    responses((status = 200, body = Story)))]
pub async fn one(door: Reader<StoryId>, State(state): State<super::AppState>) -> Result<Json<Story>, Problem> {
    let id = door.of;
    Ok(Json(store::stories::get(&state.db, id).await?))
}

/// Removes a story; one that is being written is stopped.
#[utoipa::path(delete, path = "/api/stories/{id}", tag = "stories", params(("id" = StoryId, Path)),
    responses((status = 204, description = "removed")))]
pub async fn remove(door: Writer<StoryId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    let id = door.of;
    let mut tx = state.db.begin().await?;
    store::stories::remove(&mut tx, id).await?;
    state.changed(&mut tx, EventKind::StoryRemoved, &id.to_string()).await?;
    tx.commit().await?;
    if let Some(stop) = state.stories.all().remove(&id) {
        stop.cancel();
    }
    state.tell();
    Ok(StatusCode::NO_CONTENT)
}
