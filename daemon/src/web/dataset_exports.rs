//! `/api/characters/{id}/dataset/export`: the approved pictures of a dataset with their captions, for a training program.

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use serde::Deserialize;
use studio_core::{
    dataset::{Base, Layout, Target},
    ids::CharacterId,
};
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::{
    doors::Reader,
    problem::{self, Problem},
};
use crate::store;

/// How it is laid out.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LaidOut {
    /// For which training program; for kohya's without.
    #[serde(default)]
    #[param(inline)]
    layout: Layout,
    /// For which kind of model, where the layout leaves it open; for SD1.5 without.
    #[serde(default)]
    #[param(inline)]
    base: Base,
}

/// The approved pictures of a dataset with their captions as one ZIP archive, laid out for a training program.
///
/// Each picture is as it is kept, with a caption of one line beside it: the trigger word, the class word, and what was written,
/// else what the picture shows. A file beside them tells the program of it. Without an approved picture: `nothing_approved`.
#[utoipa::path(get, path = "/api/characters/{id}/dataset/export", tag = "datasets",
    params(("id" = CharacterId, Path), LaidOut),
    responses((status = 200, description = "the archive", content_type = "application/zip"),
        problem::NothingApproved))]
pub async fn export(
    door: Reader<CharacterId>,
    State(state): State<super::AppState>,
    laid_out: Result<Query<LaidOut>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let (id, Query(LaidOut { layout, base })) = (door.of, laid_out?);
    let character = store::characters::get(&state.db, id).await?;
    let internal = |error: std::io::Error| Problem::unavailable(format!("the archive cannot be written: {error}"));
    let file = tempfile::Builder::new().prefix("export-").tempfile_in(state.data.work()).map_err(internal)?;
    let path = file.into_temp_path();
    let target = Target { layout, base, root: String::new() };
    state.services()?.datasets.export(id, &target, &path).await?;
    let open = tokio::fs::File::open(&path).await.map_err(internal)?;
    let length = open.metadata().await.map_err(internal)?.len();
    // The name goes now, the content with the last byte that is read.
    drop(path);
    let name = format!("{}-{}.zip", character.slug, layout.word());
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(open))))
}
