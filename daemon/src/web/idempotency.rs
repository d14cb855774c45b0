//! Idempotency: a request that names an idempotency key is carried out once, however often it comes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use sha2::{Digest, Sha256};
use studio_core::{ids::ContentHash, units::Millis};

use super::{
    guard::Caller,
    problem::{Code, Problem},
};
use crate::store::{self, answers::Answer};

/// How the key is named (draft-ietf-httpapi-idempotency-key-header).
const KEY: &str = "idempotency-key";
/// Longest idempotency key that is taken, in characters.
const LONGEST: usize = 200;
/// Largest body a key may go with, and largest answer that is kept.
const LARGEST: usize = 12 << 20;
/// How long answers are kept.
const KEPT_MS: i64 = 24 * 3_600_000;

/// Keys whose requests are being carried out.
pub type Busy = Arc<Mutex<HashSet<String>>>;

/// Held while a request is carried out.
struct Held(Busy, String);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Beside an answer that is a secret: it is told once and kept nowhere, so such a request is carried out as often as it
/// comes.
#[derive(Debug, Clone, Copy)]
pub struct ToldOnce;

/// Answers again what was answered before.
pub async fn once(State(state): State<super::AppState>, request: Request, next: Next) -> Result<Response, Problem> {
    let key = request.headers().get(KEY).cloned();
    let (Some(key), true) = (key, *request.method() == Method::POST) else { return Ok(next.run(request).await) };
    let key = key.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()));
    let key = key.ok_or_else(|| Problem::bad_request("an idempotency key has 1 to 200 letters"))?;
    // One guest's key is not another's.
    let whose = match Caller::of(request.extensions()) {
        Caller::Token(token) => token.id.to_string(),
        Caller::Local => "house".into(),
        // Whoever is not let in is answered nothing of what somebody else was.
        Caller::Anonymous => return Ok(next.run(request).await),
    };
    let key = ContentHash::of(format!("{whose} {key}").as_bytes()).to_string();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.map_err(|_| Problem::too_large("leave the idempotency key out"))?;
    let mut digest = Sha256::new();
    digest.update(format!("{} {}\n", parts.method, parts.uri));
    digest.update(&body);
    let asked = ContentHash(digest.finalize().into());
    if !state.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
        return Err(Problem::conflict(
            Code::StillRunning,
            "a request with this idempotency key is being carried out; ask again later",
        ));
    }
    let held = Held(state.busy.clone(), key);
    let now = state.guard.now();
    let forget = Millis(now.0 - KEPT_MS);
    if let Some(before) = store::answers::get(&state.db, &held.1, forget).await? {
        if before.request != asked {
            return Err(Problem::bad_request("this idempotency key was used for another request; choose a new one"));
        }
        return again(before);
    }
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    // What the studio could not do may be asked for again.
    if answer.status().is_server_error() || answer.extensions().get::<ToldOnce>().is_some() {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, LARGEST).await.map_err(|error| Problem::internal(error.to_string()))?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if let Ok(text) = std::str::from_utf8(&body) {
        let (kind, body) = (kind.to_owned(), text.to_owned());
        let kept = Answer { request: asked, status: parts.status.as_u16(), kind, body };
        let mut tx = state.db.begin().await?;
        store::answers::keep(&mut tx, &held.1, &kept, now, forget).await?;
        tx.commit().await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(answer: Answer) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).map_err(|error| Problem::internal(error.to_string()))?;
    if let (Ok(kind), false) = (HeaderValue::from_str(&answer.kind), answer.kind.is_empty()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}
