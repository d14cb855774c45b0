//! `/api/projects/{id}/unnamed`, `/api/unnamed`: pictures that came for a project without saying of whom they are.

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::JsonRejection, rejection::QueryRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Picture, UnnamedPicture},
    ids::{CharacterId, PictureId, ProjectId, UnnamedId},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    dataset_services::Sorted,
    doors::{Reader, Reviewer, Writer},
    pagination::{Sort, list_query},
    problem::Problem,
    uploads::{Came, shown_name},
};
use crate::store;

list_query! {
    /// In which order pictures without a name are asked for.
    ListQuery {}
    /// `newest` first, or `oldest`.
    sort: Sort,
    /// Only those that come after this one: the `next` of the page before.
    after: PictureId,
}

/// One page of pictures of a project without a name.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnnamedPage {
    pictures: Vec<UnnamedPicture>,
    /// Where the next page begins; `None` on the last one.
    next: Option<PictureId>,
}

/// What a file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Called {
    /// Its name, as people know it; only shown.
    #[serde(default)]
    name: String,
}

fn bare(id: UnnamedId) -> PictureId {
    PictureId(id.0)
}

/// Takes a picture (64 MiB), or every picture of a ZIP archive (4 GiB), for a project, whoever of its characters it shows; the
/// body is the file itself.
///
/// A vision model says who it is, and the picture goes into that dataset like any that comes. Where it is not sure, and
/// where there is none, it waits for a person. The same file again changes nothing.
#[utoipa::path(post, path = "/api/projects/{id}/unnamed", tag = "unnamed", params(("id" = ProjectId, Path), Called),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = Sorted)))]
pub async fn upload(
    door: Writer<ProjectId>,
    State(state): State<super::AppState>,
    called: Result<Query<Called>, QueryRejection>,
    body: Body,
) -> Result<(StatusCode, Json<Sorted>), Problem> {
    let (id, Query(Called { name })) = (door.of, called?);
    store::projects::get(&state.db, id).await?;
    let datasets = &state.services()?.datasets;
    let came = Came::receive(&state, body, datasets.largest()).await?;
    let (file, name) = (came.file(), shown_name(&name));
    if datasets.is_video(&file) {
        return Err(Problem::wrong_kind("a video is taken for somebody; send it to the dataset of a character"));
    }
    Ok((StatusCode::CREATED, Json(datasets.sort(id, &file, &name).await?)))
}

/// Pictures of a project without a name, newest first, each with what the judge said of who it is.
#[utoipa::path(get, path = "/api/projects/{id}/unnamed", tag = "unnamed",
    params(("id" = ProjectId, Path), ListQuery), responses((status = 200, body = UnnamedPage)))]
pub async fn list(
    door: Reader<ProjectId>,
    State(state): State<super::AppState>,
    which: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<UnnamedPage>, Problem> {
    let (id, Query(ListQuery { sort, after, limit })) = (door.of, which?);
    store::projects::get(&state.db, id).await?;
    let pictures = store::unnamed_pictures::page(&state.db, id, sort == Sort::Oldest, after, limit.0).await?;
    let next = limit.next(&pictures, |picture| picture.id);
    Ok(Json(UnnamedPage { pictures, next }))
}

/// Who is in a picture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PictureNamed)]
pub struct Named {
    /// Somebody of the same project.
    character: CharacterId,
}

/// Says who is in a picture: it goes into their dataset, where it is looked at like any that comes.
#[utoipa::path(put, path = "/api/unnamed/{id}/name", tag = "unnamed", params(("id" = PictureId, Path)),
    request_body = Named, responses((status = 200, body = Picture)))]
pub async fn name(
    door: Reviewer<UnnamedId>,
    State(state): State<super::AppState>,
    who: Result<Json<Named>, JsonRejection>,
) -> Result<Json<Picture>, Problem> {
    let (id, Json(Named { character })) = (door.of, who?);
    let picture = state.services()?.datasets.name(bare(id), character).await?;
    Ok(Json(Picture { print: None, ..picture }))
}

/// Has the judge asked once more who is in a picture.
#[utoipa::path(post, path = "/api/unnamed/{id}/identify", tag = "unnamed", params(("id" = PictureId, Path)),
    responses((status = 202, body = UnnamedPicture)))]
pub async fn identify(
    door: Reviewer<UnnamedId>,
    State(state): State<super::AppState>,
) -> Result<(StatusCode, Json<UnnamedPicture>), Problem> {
    let picture = state.services()?.datasets.ask_who(bare(door.of)).await?;
    Ok((StatusCode::ACCEPTED, Json(picture)))
}

/// Takes a picture without a name out; its file goes when nothing else names it.
#[utoipa::path(delete, path = "/api/unnamed/{id}", tag = "unnamed", params(("id" = PictureId, Path)),
    responses((status = 204)))]
pub async fn remove(door: Writer<UnnamedId>, State(state): State<super::AppState>) -> Result<StatusCode, Problem> {
    state.services()?.datasets.remove_unnamed(bare(door.of)).await?;
    Ok(StatusCode::NO_CONTENT)
}
