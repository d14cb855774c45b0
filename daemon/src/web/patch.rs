//! Patch: changes of what people write, by merge patch (RFC 7396), without losing what somebody else wrote meanwhile.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, header},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use studio_core::{ids::ContentHash, order::AssetRef};

use super::problem::Problem;
use crate::store;

/// The entity tag of something as it is now.
pub fn tag(of: &impl Serialize) -> String {
    let text = serde_json::to_vec(of).unwrap_or_default();
    format!("\"{}\"", &ContentHash::of(&text).to_string()[..32])
}

/// The tag as a header.
pub fn tagged(tag: &str) -> [(header::HeaderName, HeaderValue); 1] {
    [(header::ETAG, HeaderValue::from_str(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")))]
}

/// Refuses when the client has seen something else than is there now. Without `If-Match` the last one wins.
pub fn unchanged(headers: &HeaderMap, now: &str) -> Result<(), Problem> {
    let said = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let met = said.is_none_or(|said| said == "*" || said.split(',').any(|one| one.trim() == now));
    if met { Ok(()) } else { Err(Problem::changed()) }
}

/// What is there with the patch laid over it.
pub fn merged<T: Serialize + DeserializeOwned>(now: &T, patch: &Value) -> Result<T, Problem> {
    if !patch.is_object() {
        return Err(Problem::bad_request("a merge patch is an object with the fields that change"));
    }
    let mut value = serde_json::to_value(now).map_err(|error| Problem::internal(error.to_string()))?;
    json_patch::merge(&mut value, patch);
    serde_json::from_value(value).map_err(|error| Problem::bad_request(error.to_string()))
}

/// The body of a merge patch: JSON, however it is labelled among the two ways there are.
pub struct MergePatch(pub Value);

/// Largest patch.
const LARGEST: usize = 1 << 20;

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !["application/merge-patch+json", "application/json"].contains(&kind) {
            return Err(Problem::wrong_kind("send the change as application/merge-patch+json"));
        }
        let body = to_bytes(request.into_body(), LARGEST).await.map_err(|_| Problem::too_large("send less"))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| Problem::bad_request(error.to_string()))
    }
}

/// Refuses files that the studio does not keep.
pub async fn kept(state: &super::State, files: impl Iterator<Item = &AssetRef>) -> Result<(), Problem> {
    for file in files {
        if store::assets::get(&state.db, file.hash).await?.is_none() {
            return Err(Problem::bad_request(format!("the studio keeps no file {}; upload it first", file.hash)));
        }
    }
    Ok(())
}
