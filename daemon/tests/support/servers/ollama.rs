//! Ollama: one card's memory, models that load and leave, answers line by line.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Asked, Served};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The queue is full.
    Busy,
    /// An error after the answer began with 200.
    BreaksOff,
    /// The connection ends in the middle of the answer.
    Ends,
    /// Every answer is cut off at its longest.
    Cut,
    /// Nothing answers until `go_on`.
    Hangs,
    /// A model is gone from the list at once, but its memory only with `go_on`.
    Clings,
    /// A model stays in the list until `go_on`: it is still at something.
    Stays,
    /// 500 for everything.
    Broken,
}

type Answer = Arc<dyn Fn(&Value, usize) -> String + Send + Sync>;

struct Inner {
    /// Bytes by model.
    installed: BTreeMap<String, u64>,
    seeing: BTreeSet<String>,
    thinking: BTreeSet<String>,
    loaded: BTreeSet<String>,
    /// Gone from the list, but not from the card.
    clinging: BTreeSet<String>,
    faults: BTreeSet<Fault>,
    answer: Answer,
    chats: usize,
}

#[derive(Clone)]
struct Shared {
    inner: Arc<Mutex<Inner>>,
    asked: Asked,
    go_on: Arc<Notify>,
    loads: Arc<Mutex<usize>>,
}

pub struct Ollama {
    pub served: Served,
    pub asked: Asked,
    shared: Shared,
}

impl Ollama {
    /// With `gemma3:12b`, which sees, `qwen3:8b`, which thinks, and `llama3:latest`, which does neither.
    pub async fn start() -> Self {
        let gib = 1u64 << 30;
        let inner = Inner {
            installed: [("gemma3:12b", 9 * gib), ("qwen3:8b", 6 * gib), ("llama3:latest", 5 * gib)]
                .map(|(name, size)| (name.to_owned(), size))
                .into(),
            seeing: ["gemma3:12b".to_owned()].into(),
            thinking: ["qwen3:8b".to_owned()].into(),
            loaded: BTreeSet::new(),
            clinging: BTreeSet::new(),
            faults: BTreeSet::new(),
            answer: Arc::new(|_, _| "{}".into()),
            chats: 0,
        };
        let shared = Shared {
            inner: Arc::new(Mutex::new(inner)),
            asked: Asked::default(),
            go_on: Arc::default(),
            loads: Arc::default(),
        };
        let routes = Router::new()
            .route("/", get(|| async { "Ollama is running" }))
            .route("/api/version", get(|| async { Json(json!({ "version": "0.32.15" })) }))
            .route("/api/tags", get(tags))
            .route("/api/ps", get(ps))
            .route("/api/show", post(show))
            .route("/api/generate", post(generate))
            .route("/api/chat", post(chat))
            .route("/api/embed", post(embed))
            .with_state(shared.clone());
        Self { served: Served::start(routes).await, asked: shared.asked.clone(), shared }
    }

    /// Answers of chats from now on: from the request and how many there were before.
    pub fn answers(&self, answer: impl Fn(&Value, usize) -> String + Send + Sync + 'static) {
        self.shared.inner.lock().unwrap().answer = Arc::new(answer);
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.inner.lock().unwrap().faults.insert(fault);
    }

    pub fn well(&self) {
        self.shared.inner.lock().unwrap().faults.clear();
        self.shared.go_on.notify_waiters();
    }

    pub fn loaded(&self) -> Vec<String> {
        self.shared.inner.lock().unwrap().loaded.iter().cloned().collect()
    }

    pub fn loads(&self) -> usize {
        *self.shared.loads.lock().unwrap()
    }

    /// Memory in use in MiB, as the card would say.
    pub fn used_mib(&self) -> u64 {
        let inner = self.shared.inner.lock().unwrap();
        inner.loaded.union(&inner.clinging).map(|name| inner.installed[name] >> 20).sum()
    }

    /// Somebody pulled a newer one of the same name: its digest is another.
    pub fn renew(&self, name: &str) {
        *self.shared.inner.lock().unwrap().installed.get_mut(name).unwrap() += 1;
    }

    pub fn remove(&self, name: &str) {
        self.shared.inner.lock().unwrap().installed.remove(name);
    }
}

fn error(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}

fn full(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

impl Shared {
    fn has(&self, fault: Fault) -> bool {
        self.inner.lock().unwrap().faults.contains(&fault)
    }

    /// Waits until a fault is over.
    async fn until_without(&self, fault: Fault) {
        loop {
            // Listening before looking, or a word in between would be missed.
            let mut over = std::pin::pin!(self.go_on.notified());
            over.as_mut().enable();
            if !self.has(fault) {
                return;
            }
            over.await;
        }
    }

    /// The full name of an installed model, loading it; else the answer to give.
    #[expect(clippy::result_large_err, reason = "it is the answer itself")]
    fn load(&self, name: &str) -> Result<String, Response> {
        let full = full(name);
        let mut inner = self.inner.lock().unwrap();
        if !inner.installed.contains_key(&full) {
            return Err(error(StatusCode::NOT_FOUND, &format!("model '{name}' not found")));
        }
        if inner.loaded.insert(full.clone()) {
            *self.loads.lock().unwrap() += 1;
        }
        Ok(full)
    }
}

async fn tags(State(shared): State<Shared>) -> Response {
    if shared.has(Fault::Broken) {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "broken");
    }
    let inner = shared.inner.lock().unwrap();
    let model = |(name, size): (&String, &u64)| json!({ "name": name, "model": name, "size": size, "digest": format!("d{size}{name}"), "details": {} });
    Json(json!({ "models": inner.installed.iter().map(model).collect::<Vec<_>>() })).into_response()
}

async fn ps(State(shared): State<Shared>) -> Response {
    let inner = shared.inner.lock().unwrap();
    let model = |name: &String| {
        let size = inner.installed.get(name).copied().unwrap_or(1);
        json!({ "name": name, "model": name, "size": size, "size_vram": size, "digest": "d",
                "expires_at": "2318-12-02T10:00:00.123456789+02:00", "context_length": 8192 })
    };
    Json(json!({ "models": inner.loaded.iter().map(model).collect::<Vec<_>>() })).into_response()
}

async fn show(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    let name = full(body["model"].as_str().unwrap_or_default());
    let inner = shared.inner.lock().unwrap();
    if !inner.installed.contains_key(&name) {
        return error(StatusCode::NOT_FOUND, &format!("model '{name}' not found"));
    }
    let mut capabilities = vec!["completion"];
    capabilities.extend(inner.seeing.contains(&name).then_some("vision"));
    capabilities.extend(inner.thinking.contains(&name).then_some("thinking"));
    Json(json!({ "details": {}, "model_info": {}, "capabilities": capabilities })).into_response()
}

async fn generate(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    shared.asked.note("/api/generate", body.clone());
    let name = body["model"].as_str().unwrap_or_default().to_owned();
    if body["keep_alive"] == json!(0) {
        let clings = shared.has(Fault::Clings);
        let gone = async move {
            shared.until_without(Fault::Stays).await;
            {
                let mut inner = shared.inner.lock().unwrap();
                inner.loaded.remove(&name);
                inner.clinging.extend(clings.then(|| name.clone()));
            }
            if clings {
                shared.until_without(Fault::Clings).await;
                shared.inner.lock().unwrap().clinging.remove(&name);
            }
        };
        tokio::spawn(gone);
        return Json(json!({ "model": body["model"], "response": "", "done": true, "done_reason": "unload" }))
            .into_response();
    }
    if let Some(alive) = body["keep_alive"].as_str().filter(|alive| alive.parse::<f64>().is_ok()) {
        return error(StatusCode::BAD_REQUEST, &format!("time: missing unit in duration \"{alive}\""));
    }
    match shared.load(&name) {
        Ok(name) => Json(json!({ "model": name, "response": "", "done": true, "done_reason": "load" })).into_response(),
        Err(answer) => answer,
    }
}

async fn chat(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    shared.asked.note("/api/chat", body.clone());
    if shared.has(Fault::Busy) {
        return error(
            StatusCode::SERVICE_UNAVAILABLE,
            "server busy, please try again.  maximum pending requests exceeded",
        );
    }
    if shared.has(Fault::Broken) {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "llama runner process has terminated");
    }
    let name = match shared.load(body["model"].as_str().unwrap_or_default()) {
        Ok(name) => name,
        Err(answer) => return answer,
    };
    let images = body["messages"][0]["images"].as_array().cloned().unwrap_or_default();
    for image in &images {
        let text = image.as_str().unwrap_or_default();
        // Bare base64: a data URI is a decode error in Go.
        if text.starts_with("data:") || !text.starts_with("/9j/") {
            return error(StatusCode::BAD_REQUEST, "illegal base64 data at input byte 4");
        }
    }
    let (answer, chats) = {
        let mut inner = shared.inner.lock().unwrap();
        if !images.is_empty() && !inner.seeing.contains(&name) {
            return error(StatusCode::BAD_REQUEST, "this model is missing data required for image input");
        }
        if body.get("think").is_some() && !inner.thinking.contains(&name) {
            return error(StatusCode::BAD_REQUEST, &format!("\"{name}\" does not support thinking"));
        }
        inner.chats += 1;
        (inner.answer.clone(), inner.chats - 1)
    };
    shared.until_without(Fault::Hangs).await;
    let text = answer(&body, chats);
    let mut lines = Vec::new();
    let halves = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    for piece in [&text[..halves], &text[halves..]] {
        lines.push(
            json!({ "model": name, "message": { "role": "assistant", "content": piece }, "done": false }).to_string(),
        );
    }
    if shared.has(Fault::BreaksOff) {
        lines.pop();
        lines.push(json!({ "error": "an error was encountered while running the model" }).to_string());
    } else if !shared.has(Fault::Ends) {
        let reason = if shared.has(Fault::Cut) { "length" } else { "stop" };
        let last = json!({ "model": name, "message": { "role": "assistant", "content": "" }, "done": true,
                           "done_reason": reason, "total_duration": 5_000_000_000u64, "prompt_eval_count": 30, "eval_count": 20 });
        lines.push(last.to_string());
    }
    let body = Body::from(lines.join("\n") + "\n");
    ([("content-type", "application/x-ndjson")], body).into_response()
}

async fn embed(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    shared.asked.note("/api/embed", body.clone());
    if let Err(answer) = shared.load(body["model"].as_str().unwrap_or_default()) {
        return answer;
    }
    let inputs = body["input"].as_array().map_or(1, Vec::len);
    Json(json!({ "model": body["model"], "embeddings": vec![vec![0.6, 0.8]; inputs] })).into_response()
}
