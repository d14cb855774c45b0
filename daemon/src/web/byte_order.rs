//! Byte order: JSON with the mark that editors put before a text is read as without it; with a NUL in a text it is refused
//! here, once for every request, as no database keeps one.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, header},
};
use futures_util::{StreamExt, stream};
use studio_core::text::{HasNul, NotText, NulScan, text_of, without_mark};

use super::problem::Problem;

/// Bytes in which a mark is seen.
const MARK: usize = 3;

/// Takes the mark off the body of a request that brings JSON; one in UTF-16 is refused as that. The body ends with [`HasNul`]
/// where a text in it has one.
pub async fn take_off(request: Request) -> Result<Request, Problem> {
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        return Err(Problem::bad_request("the address has the character NUL (%00), which cannot be kept; take it out"));
    }
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
    let mut scan = NulScan::default();
    let body = stream::iter(first).chain(body).map(move |chunk| match chunk {
        Ok(bytes) if scan.meets(&bytes) => Err(axum::Error::new(HasNul)),
        other => other,
    });
    Ok(Request::from_parts(parts, Body::from_stream(body)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}
