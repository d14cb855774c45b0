//! Kept files: how a file is sent, whole or in ranges, and what a client is told of keeping it.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use studio_core::ids::ContentHash;
use studio_engine::asset_path;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::problem::Problem;
use crate::store::{self, assets::Asset};

/// For ever, as far as browsers go.
pub const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A kept file that is there.
pub async fn kept(state: &super::AppState, hash: ContentHash) -> Result<Asset, Problem> {
    let asset = store::assets::get(&state.db, hash).await?.filter(|asset| !asset.missing);
    asset.ok_or_else(|| gone(hash))
}

/// The refusal of a file that is not there.
pub fn gone(hash: ContentHash) -> Problem {
    Problem::not_found(format!("the studio keeps no file {hash}"))
}

/// A kept file, with how long it may be kept elsewhere.
pub async fn sent(
    state: &super::AppState,
    hash: ContentHash,
    cache: &str,
    request: Request,
) -> Result<Response, Problem> {
    let asset = kept(state, hash).await?;
    let path = asset_path(&state.data.assets(), &asset.file);
    let form = Sent { kind: mime(&asset.file.ext), tag: format!("\"{hash}\""), cache };
    form.send(&path, request).await?.ok_or_else(|| gone(hash))
}

/// How a file is told of.
pub struct Sent<'a> {
    /// MIME type of the file, for the header `Content-Type`.
    pub kind: &'static str,
    /// Entity tag in quotes, for `ETag`; a client that has it is not sent the file again.
    pub tag: String,
    /// Who may keep it how long.
    pub cache: &'a str,
}

impl Sent<'_> {
    /// The file, or the part that was asked for, unless the client has it; `None` when it is not there.
    pub async fn send(self, path: &std::path::Path, request: Request) -> Result<Option<Response>, Problem> {
        if knows(request.headers(), &self.tag) {
            return Ok(Some((StatusCode::NOT_MODIFIED, [(header::ETAG, self.tag)]).into_response()));
        }
        let answer = ServeFile::new(path).oneshot(request).await;
        let mut answer = answer.map_err(|error| Problem::internal(error.to_string()))?.map(Body::new);
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let cache = HeaderValue::from_str(self.cache).unwrap_or(HeaderValue::from_static("no-store"));
        headers.insert(header::CACHE_CONTROL, cache);
        // A file of somebody else's is shown, never run.
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        Ok(Some(answer))
    }
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
