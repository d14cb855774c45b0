//! `/api/assets`: kept files by content, whole or in ranges, and small pictures of them.
//!
//! A file never changes under its name, so browsers may keep it for ever.

use axum::{
    extract::{Query, Request, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;
use studio_core::ids::ContentHash;
use utoipa::IntoParams;

use super::{
    doors::FileReader,
    kept_files::{FOR_EVER, sent},
    problem::Problem,
    thumbnails,
};

/// How a kept file is asked for: as it is or small, and with which link.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// Width of a small picture of it, in pixels: 160, 320, 640 or 1280. Of pictures, and of clips and films.
    w: Option<u32>,
    /// Of a link that was given out: opens this file without a login, for a while.
    #[expect(dead_code, reason = "the guard has read it already; here it is only known")]
    key: Option<String>,
}

/// A kept file, by its content. Knows ranges and conditions.
#[utoipa::path(get, path = "/api/assets/{hash}", tag = "assets", params(("hash" = ContentHash, Path), Form),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = 206, description = "a part of it"), (status = 304, description = "it is known already")))]
pub async fn one(
    door: FileReader,
    State(state): State<super::AppState>,
    form: Result<Query<Form>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (hash, Query(form)) = (door.of, form?);
    match form.w {
        None => sent(&state, hash, FOR_EVER, request).await,
        Some(width) => thumbnails::sent(&state, hash, width, request).await,
    }
}

/// A kept file under another address than its own, which may name another one tomorrow.
pub async fn newest(state: &super::AppState, hash: ContentHash, request: Request) -> Result<Response, Problem> {
    sent(state, hash, "no-cache", request).await
}
