//! `/api/assets`: kept files by content, whole or in ranges, and small pictures of them.
//!
//! A file never changes under its name, so browsers may keep it for ever.

use std::path::PathBuf;

use axum::{
    body::Body,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use studio_core::{ids::ContentHash, media::MediaFacts, order::AssetRef};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::{edge::asset_path, store};

/// For ever, as far as browsers go.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Widths of small pictures there are: a few, so that each is made once.
const WIDTHS: [u32; 4] = [160, 320, 640, 1280];

/// Which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// Width of a small picture, in pixels: 160, 320, 640 or 1280. Only of pictures.
    w: Option<u32>,
    /// Of a link that was given out: opens this file without a login, for a while.
    #[expect(dead_code, reason = "the guard has read it already; here it is only known")]
    key: Option<String>,
}

/// A kept file, by its content. Knows ranges and conditions.
#[utoipa::path(get, path = "/api/assets/{hash}", tag = "assets", params(("hash" = ContentHash, Path), Form),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"),
        (status = 206, description = "a part of it"), (status = 304, description = "it is known already"), Problem))]
pub async fn one(
    State(state): State<super::State>,
    hash: Result<Path<ContentHash>, PathRejection>,
    form: Result<Query<Form>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (Path(hash), Query(form)) = (hash?, form?);
    let asset = store::assets::get(&state.db, hash).await?.filter(|asset| !asset.missing);
    let gone = || Problem::not_found(format!("the studio keeps no file {hash}"));
    let asset = asset.ok_or_else(gone)?;
    let tag = match form.w {
        Some(width) => format!("\"{hash}-{width}\""),
        None => format!("\"{hash}\""),
    };
    if knows(request.headers(), &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let path = asset_path(&state.data.assets(), &asset.file);
    let (path, kind) = match form.w {
        None => (path, mime(&asset.file.ext)),
        Some(width) if !WIDTHS.contains(&width) => {
            return Err(Problem::bad_request(format!("w is {width}; there are 160, 320, 640 and 1280")));
        }
        Some(_) if !matches!(asset.facts, MediaFacts::Still { .. }) => {
            return Err(Problem::bad_request("only pictures have small pictures".to_owned()));
        }
        Some(width) => (small(&state, &asset.file, path, width).await?, "image/jpeg"),
    };
    let answer = ServeFile::new(path).oneshot(request).await;
    let mut answer = answer.map_err(|error| Problem::internal(error.to_string()))?.map(Body::new);
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(gone());
    }
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    // A file of somebody else's is shown, never run.
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(answer)
}

fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let said = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
}

fn mime(ext: &str) -> &'static str {
    match ext {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "srt" => "application/x-subrip",
        "vtt" => "text/vtt; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A small picture, made once and kept beside the others.
async fn small(state: &super::State, file: &AssetRef, from: PathBuf, width: u32) -> Result<PathBuf, Problem> {
    let folder = state.data.thumbs();
    let path = folder.join(format!("{}-{width}.jpg", file.hash));
    if path.is_file() {
        return Ok(path);
    }
    let out = path.clone();
    let made = tokio::task::spawn_blocking(move || {
        let picture =
            image::ImageReader::open(&from)?.with_guessed_format()?.decode().map_err(std::io::Error::other)?;
        let picture = picture.resize(width, width * 4, image::imageops::FilterType::Triangle).to_rgb8();
        std::fs::create_dir_all(&folder)?;
        let mut aside = tempfile::NamedTempFile::new_in(&folder)?;
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(aside.as_file_mut(), 82);
        picture.write_with_encoder(encoder).map_err(std::io::Error::other)?;
        aside.persist(&out).map_err(|error| error.error)?;
        Ok::<_, std::io::Error>(())
    });
    let made = made.await.map_err(|error| Problem::internal(error.to_string()))?;
    made.map_err(|error| Problem::internal(format!("failed to make a small picture: {error}")))?;
    Ok(path)
}
