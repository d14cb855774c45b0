//! The studio itself: what it has, what it lacks, what its settings say, and who writes stories.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::Problem,
    workshop::{Finding, FormatView, Idea, ModelView, SettingsView, WorkflowView},
};

/// Looks at everything the studio needs: the same as `studiod check`.
#[utoipa::path(get, path = "/api/check", tag = "studio", responses((status = 200, body = Vec<Finding>), Problem))]
pub async fn check(State(state): State<super::State>) -> Result<Json<Vec<Finding>>, Problem> {
    Ok(Json(state.workshop()?.check().await))
}

/// What the settings say; secrets are never among it.
#[utoipa::path(get, path = "/api/settings", tag = "studio", responses((status = 200, body = SettingsView), Problem))]
pub async fn settings(State(state): State<super::State>) -> Result<Json<SettingsView>, Problem> {
    Ok(Json(state.workshop()?.settings()))
}

/// Story formats.
#[utoipa::path(get, path = "/api/formats", tag = "studio", responses((status = 200, body = Vec<FormatView>), Problem))]
pub async fn formats(State(state): State<super::State>) -> Result<Json<Vec<FormatView>>, Problem> {
    Ok(Json(state.workshop()?.formats()))
}

/// Models of the catalogue.
#[utoipa::path(get, path = "/api/models", tag = "studio", responses((status = 200, body = Vec<ModelView>), Problem))]
pub async fn models(State(state): State<super::State>) -> Result<Json<Vec<ModelView>>, Problem> {
    Ok(Json(state.workshop()?.models()))
}

/// Workflows.
#[utoipa::path(get, path = "/api/workflows", tag = "studio", responses((status = 200, body = Vec<WorkflowView>), Problem))]
pub async fn workflows(State(state): State<super::State>) -> Result<Json<Vec<WorkflowView>>, Problem> {
    Ok(Json(state.workshop()?.workflows()))
}

/// A screenplay somebody may go on with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Story {
    /// In Fountain.
    text: String,
}

/// Has a text model turn an idea into a screenplay. It takes as long as the model needs, often minutes.
#[utoipa::path(post, path = "/api/stories", tag = "screenplays", request_body = Idea,
    responses((status = 200, body = Story), Problem))]
pub async fn story(
    State(state): State<super::State>,
    idea: Result<Json<Idea>, JsonRejection>,
) -> Result<Json<Story>, Problem> {
    let Json(idea) = idea?;
    if !(10..=20_000).contains(&idea.idea.trim().chars().count()) {
        return Err(Problem::bad_request("tell the idea in 10 to 20000 characters"));
    }
    let text = state.workshop()?.tell(idea).await?;
    Ok(Json(Story { text }))
}
