//! Scoped: a token of one project sees that project and nothing else.

use studio_core::ids::{EpisodeId, ProjectId, SceneId};

use super::problem::Problem;
use crate::store::{self, Error};

/// What is nobody's in particular.
const COMMON: [&str; 4] = ["/api/motion-presets", "/api/formats", "/api/screenplays/read", "/api/openapi.json"];

/// Lists that can be asked of one project.
const LISTS: [&str; 9] =
    ["characters", "decisions", "episodes", "images", "locations", "music", "scenes", "takes", "tasks"];

/// Refuses what does not belong to `project`.
pub async fn check(
    state: &super::AppState,
    project: ProjectId,
    path: &str,
    query: Option<&str>,
) -> Result<(), Problem> {
    if COMMON.contains(&path) {
        return Ok(());
    }
    let mut parts = path.trim_start_matches("/api/").split('/');
    let (noun, id) = (parts.next().unwrap_or_default(), parts.next());
    let of = match id {
        Some(id) => owner(state, noun, id).await,
        // Only these lists leave out what is not asked for.
        None if LISTS.contains(&noun) => named(state, query).await,
        None => Ok(None),
    };
    match of {
        Ok(Some(owner)) if owner == project => Ok(()),
        // What is not there and what is somebody else's look the same from outside.
        Ok(_) | Err(Error::NotFound { .. }) => Err(Problem::other_project(project)),
        Err(error) => Err(error.into()),
    }
}

/// The project a list is asked of.
async fn named(state: &super::AppState, query: Option<&str>) -> Result<Option<ProjectId>, Error> {
    let value = |name: &str| {
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        let mut values = pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        // Twice the same name could mean one project here and another one there.
        let first = values.next();
        values.next().is_none().then_some(first).flatten()
    };
    if let Some(project) = value("project") {
        return Ok(project.parse().ok());
    }
    match value("episode").map(str::parse::<EpisodeId>) {
        Some(Ok(episode)) => of_episode(state, episode).await.map(Some),
        _ => Ok(None),
    }
}

async fn of_episode(state: &super::AppState, id: EpisodeId) -> Result<ProjectId, Error> {
    Ok(store::episodes::get(&state.db, id).await?.project_id)
}

async fn of_scene(state: &super::AppState, id: SceneId) -> Result<ProjectId, Error> {
    of_episode(state, store::scenes::get(&state.db, id).await?.episode_id).await
}

/// The project something belongs to.
async fn owner(state: &super::AppState, noun: &str, id: &str) -> Result<Option<ProjectId>, Error> {
    let db = &state.db;
    macro_rules! id {
        () => {
            match id.parse() {
                Ok(id) => id,
                Err(_) => return Ok(None),
            }
        };
    }
    Ok(match noun {
        "projects" => id.parse().ok(),
        "episodes" => Some(of_episode(state, id!()).await?),
        "characters" => Some(store::characters::get(db, id!()).await?.project_id),
        "locations" => Some(store::locations::get(db, id!()).await?.project_id),
        "scenes" => Some(of_scene(state, id!()).await?),
        "shots" => Some(of_scene(state, store::shots::get(db, id!()).await?.scene_id).await?),
        "takes" => Some(of_episode(state, store::takes::placed(db, id!()).await?.episode).await?),
        "tasks" => match store::tasks::get(db, id!()).await?.episode_id {
            Some(episode) => Some(of_episode(state, episode).await?),
            None => None,
        },
        "assets" => store::assets::project_of(db, id!()).await?,
        _ => None,
    })
}
