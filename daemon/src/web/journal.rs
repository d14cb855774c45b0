//! Journal: every request has an id, a line in the log, and is counted.
//!
//! The id is in the answer (`x-request-id`), in every refusal (`request_id`), in every log line that the request leads
//! to, and in those of the episode it has made (see [`crate::trace`]). Paths are logged without what follows `?`, where
//! keys of links may stand; bodies and headers never.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use studio_core::access::is_local;
use tokio::time::Instant;

use super::guard::Access;
use crate::trace::{self, RequestId};

/// The header a request's id comes and goes in.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Paths are logged up to here, in bytes.
const LONGEST_PATH: usize = 200;

/// Gives the request its id, logs and counts it.
pub async fn keep(State(state): State<super::AppState>, request: Request, next: Next) -> Response {
    let id = given(&request, state.guard.access()).unwrap_or_else(|| RequestId::made(state.guard.id()));
    let metrics = state.metrics.clone();
    let header = HeaderValue::from_str(id.as_str());
    let mut answer = trace::for_request(id, async move {
        let (method, begun) = (request.method().clone(), Instant::now());
        let path: String = request.uri().path().chars().take(LONGEST_PATH).collect();
        let matched = request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
        // What is no address of the API is the page's, or nobody's: one label for all of them.
        let route = matched.unwrap_or_else(|| if path.starts_with("/api/") { "none" } else { "page" }.to_owned());
        let answer = next.run(request).await;
        let took = begun.elapsed();
        metrics.request(word(&method), &route, answer.status().as_u16(), took);
        log(&method, &path, answer.status(), took.as_secs_f64() * 1000.0);
        answer
    })
    .await;
    if let Ok(id) = header {
        answer.headers_mut().insert(HEADER, id);
    }
    answer
}

/// The id that a proxy of the settings, or a program of the house, gave the request.
fn given(request: &Request, access: &Access) -> Option<RequestId> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let believed = is_local(peer) || access.trusted_proxies.iter().chain(&access.house).any(|net| net.contains(&peer));
    let said = request.headers().get(HEADER)?.to_str().ok()?;
    believed.then(|| RequestId::given(said)).flatten()
}

/// One line for each request: what reads and works is for those who look closely, see `docs/operate.md`.
fn log(method: &Method, path: &str, status: StatusCode, ms: f64) {
    let (status, ms) = (status.as_u16(), (ms * 10.0).round() / 10.0);
    match status {
        500.. => tracing::error!(%method, path, status, ms, "a request could not be answered"),
        400.. => tracing::info!(%method, path, status, ms, "a request is refused"),
        _ if *method == Method::GET || *method == Method::HEAD => {
            tracing::debug!(%method, path, status, ms, "a request is answered");
        }
        _ => tracing::info!(%method, path, status, ms, "a request is answered"),
    }
}

/// A method as a label; whatever a stranger makes up is one and the same.
fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
