//! An OpenAI-compatible server, with the ways local ones differ.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::{Asked, Served};

/// What it says: status and body, from the request and how many there were before.
type Answer = Arc<dyn Fn(&Value, usize) -> (u16, Value) + Send + Sync>;

pub struct OpenAi {
    pub served: Served,
    pub asked: Asked,
    pub keys: Arc<Mutex<Vec<String>>>,
    /// The `Retry-After` of answers that are no success.
    pub retry_after: Arc<Mutex<Option<&'static str>>>,
}

/// A good answer with `text`, without the `usage` that local servers leave out.
pub fn says(text: &str) -> (u16, Value) {
    (
        200,
        json!({ "id": "x", "object": "chat.completion", "choices": [
        { "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } } ] }),
    )
}

impl OpenAi {
    pub async fn start(answer: impl Fn(&Value, usize) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let (asked, keys) = (Asked::default(), Arc::new(Mutex::new(Vec::new())));
        let (retry_after, count) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let state = (asked.clone(), keys.clone(), Arc::clone(&retry_after), count, Arc::new(answer) as Answer);
        let routes = Router::new().route("/v1/chat/completions", post(chat)).with_state(state);
        Self { served: Served::start(routes).await, asked, keys, retry_after }
    }
}

type Shared = (Asked, Arc<Mutex<Vec<String>>>, Arc<Mutex<Option<&'static str>>>, Arc<AtomicUsize>, Answer);

async fn chat(
    State((asked, keys, retry_after, count, answer)): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    asked.note("/v1/chat/completions", body.clone());
    let key = headers.get("authorization").and_then(|key| key.to_str().ok()).unwrap_or_default();
    keys.lock().unwrap().push(key.to_owned());
    let (status, body) = answer(&body, count.fetch_add(1, Ordering::SeqCst));
    let mut answer = (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
    if let Some(after) = retry_after.lock().unwrap().filter(|_| status != 200) {
        answer.headers_mut().insert("retry-after", after.parse().unwrap());
    }
    answer
}
