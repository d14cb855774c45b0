//! `/api/projects`: series and films, with who and where is in them.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use serde::Serialize;
use studio_core::{
    character::Character,
    episode::Episode,
    ids::{ContentHash, ProjectId},
    location::Location,
    project::Project,
};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::store;

/// A project as a card.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectCard {
    project: Project,
    /// How many episodes it has.
    episodes: usize,
    /// Picture of its newest episode.
    picture: Option<ContentHash>,
}

/// Every project, oldest first.
#[utoipa::path(get, path = "/api/projects", tag = "projects",
    responses((status = 200, body = Vec<ProjectCard>), Problem))]
pub async fn list(State(state): State<super::State>) -> Result<Json<Vec<ProjectCard>>, Problem> {
    let mut cards = Vec::new();
    for project in store::projects::list(&state.db).await? {
        let episodes = store::episodes::of_project(&state.db, project.id).await?;
        let picture = episodes.iter().rev().find_map(|episode| episode.thumbnail);
        cards.push(ProjectCard { project, episodes: episodes.len(), picture });
    }
    Ok(Json(cards))
}

/// A project and everything in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeProject {
    project: Project,
    characters: Vec<Character>,
    locations: Vec<Location>,
    /// By season and number.
    episodes: Vec<Episode>,
}

/// One project.
#[utoipa::path(get, path = "/api/projects/{id}", tag = "projects", params(("id" = ProjectId, Path)),
    responses((status = 200, body = WholeProject), Problem))]
pub async fn one(
    State(state): State<super::State>,
    id: Result<Path<ProjectId>, PathRejection>,
) -> Result<Json<WholeProject>, Problem> {
    let Path(id) = id?;
    let project = store::projects::get(&state.db, id).await?;
    Ok(Json(WholeProject {
        characters: store::characters::of_project(&state.db, id).await?,
        locations: store::locations::of_project(&state.db, id).await?,
        episodes: store::episodes::of_project(&state.db, id).await?,
        project,
    }))
}
