//! `/api/scenes`: one place and time each, with its shots and its film.

use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{EpisodeId, LocationId, ProjectId, SceneId},
    scene::{Scene, SceneState},
};
use utoipa::ToSchema;

use super::{
    assets,
    doors::{Listed, Reader},
    episodes::WholeScene,
    pagination::{self, list_query},
    problem::Problem,
};
use crate::store;

list_query! {
    /// Which scenes are asked for, and in which order.
    ListQuery of project episode {
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those of this episode.
        episode: Option<EpisodeId>,
        /// Only those that play here.
        location: Option<LocationId>,
        /// Only those in this state.
        state: Option<SceneState>,
    }
    /// By `number`, or the `longest` first.
    sort: SceneSort,
    /// Only those that come after this one: the `next` of the page before.
    after: SceneId,
}

/// In which order scenes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SceneSort {
    /// By project, season, episode and number.
    #[default]
    Number,
    /// The longest first.
    Longest,
}

/// One page of scenes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenePage {
    scenes: Vec<Scene>,
    /// Where the next page begins; `None` on the last one.
    next: Option<SceneId>,
}

/// Lists scenes across projects and episodes, page by page.
#[utoipa::path(get, path = "/api/scenes", tag = "scenes", params(ListQuery),
    responses((status = 200, body = ScenePage)))]
pub async fn list(
    door: Reader<Listed<ListQuery>>,
    State(state): State<super::AppState>,
) -> Result<Json<ScenePage>, Problem> {
    let Listed(which) = door.of;
    let mut all = Vec::new();
    for project in pagination::projects(&state, which.project).await? {
        for episode in store::episodes::readable_of_project(&state.db, project).await? {
            if which.episode.is_none_or(|wanted| wanted == episode.id) {
                all.extend(store::scenes::readable(&state.db, episode.id).await?);
            }
        }
    }
    all.retain(|one| which.location.is_none_or(|wanted| one.location_id == Some(wanted)));
    all.retain(|one| which.state.is_none_or(|wanted| one.state == wanted));
    if which.sort == SceneSort::Longest {
        all.sort_by_key(|one| std::cmp::Reverse(one.actual_frames.unwrap_or(one.target_frames)));
    }
    let (scenes, next) = which.limit.page(all, which.after.as_ref(), |one| one.id)?;
    Ok(Json(ScenePage { scenes, next }))
}

/// One scene with its shots.
#[utoipa::path(get, path = "/api/scenes/{id}", tag = "scenes", params(("id" = SceneId, Path)),
    responses((status = 200, body = WholeScene)))]
pub async fn one(door: Reader<SceneId>, State(state): State<super::AppState>) -> Result<Json<WholeScene>, Problem> {
    let id = door.of;
    let scene = store::scenes::get(&state.db, id).await?;
    let film = match scene.film {
        Some(hash) => store::assets::get(&state.db, hash).await?.map(|asset| asset.file),
        None => None,
    };
    let mut shots = store::shots::of_episode(&state.db, scene.episode_id).await?;
    shots.retain(|shot| shot.scene_id == id);
    Ok(Json(WholeScene { scene, film, shots }))
}

/// The film of a scene as it is now. Knows ranges and conditions.
#[utoipa::path(get, path = "/api/scenes/{id}/video", tag = "scenes", params(("id" = SceneId, Path)),
    responses((status = 200, description = "the film", content_type = "video/mp4"),
        (status = 206, description = "a part of it"), (status = 304, description = "it is known already")))]
pub async fn video(
    door: Reader<SceneId>,
    State(state): State<super::AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let id = door.of;
    let film = store::scenes::get(&state.db, id).await?.film;
    let film = film.ok_or_else(|| Problem::not_found("this scene has no film yet; produce its episode"))?;
    assets::newest(&state, film, request).await
}
