//! Byte order: JSON with the mark that editors put before a text is read as without it.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, header},
};
use futures_util::{StreamExt, stream};
use studio_core::text::{NotText, text_of, without_mark};

use super::problem::Problem;

/// Bytes in which a mark is seen.
const MARK: usize = 3;

/// Takes the mark off the body of a request that brings JSON; one in UTF-16 is refused as that.
pub async fn take_off(request: Request) -> Result<Request, Problem> {
    if !is_json(request.headers()) {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let (mut body, mut head) = (body.into_data_stream(), Vec::new());
    let mut broken = None;
    while head.len() < MARK && broken.is_none() {
        match body.next().await {
            Some(Ok(chunk)) => head.extend_from_slice(&chunk),
            Some(Err(error)) => broken = Some(Err(error)),
            None => break,
        }
    }
    let plain = without_mark(&head);
    if let Some(Err(wide @ NotText::Utf16)) = plain.get(..2).map(text_of) {
        return Err(Problem::bad_request(wide.to_string()));
    }
    if plain.len() < head.len() {
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let first = [Ok(Bytes::copy_from_slice(plain))].into_iter().chain(broken);
    Ok(Request::from_parts(parts, Body::from_stream(stream::iter(first).chain(body))))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}
