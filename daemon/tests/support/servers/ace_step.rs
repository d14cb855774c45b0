//! ACE-Step: the studio's wrapper and the 1.5 server, each as it answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Asked, Served, speech::tone};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The server was started again and knows no task.
    Forgets,
    /// Every piece fails.
    Fails,
    /// HTTP 200 that says no inside.
    SaysNo,
    /// Its disk is another machine's.
    FarAway,
    /// Nothing but silence.
    Silent,
    /// MP3, as 1.5 makes when it is asked the wrapper's way.
    Mp3,
}

#[derive(Clone)]
struct Shared {
    asked: Asked,
    /// Task and how often it was asked about.
    tasks: Arc<Mutex<BTreeMap<String, (u64, f64)>>>,
    faults: Arc<Mutex<BTreeSet<Fault>>>,
    dir: PathBuf,
}

pub struct AceStep {
    pub served: Served,
    pub asked: Asked,
    shared: Shared,
    _dir: TempDir,
}

impl AceStep {
    pub async fn wrapper() -> Self {
        Self::start(Router::new().route("/generate", post(generate)).route("/status/{task}", get(status))).await
    }

    pub async fn server() -> Self {
        let routes = Router::new()
            .route("/health", get(|| async { Json(wrapped(&json!({ "status": "ok" }))) }))
            .route("/v1/models", get(|| async { Json(wrapped(&json!({ "models": ["acestep-v15-turbo"] }))) }))
            .route("/release_task", post(release_task))
            .route("/query_result", post(query_result))
            .route("/v1/audio", get(audio));
        Self::start(routes).await
    }

    async fn start(routes: Router<Shared>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let shared = Shared {
            asked: Asked::default(),
            tasks: Arc::default(),
            faults: Arc::default(),
            dir: dir.path().to_owned(),
        };
        let served = Served::start(routes.with_state(shared.clone())).await;
        Self { served, asked: shared.asked.clone(), shared, _dir: dir }
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(fault);
    }

    pub fn well(&self) {
        self.shared.faults.lock().unwrap().clear();
    }
}

impl Shared {
    fn has(&self, fault: Fault) -> bool {
        self.faults.lock().unwrap().contains(&fault)
    }

    fn begin(&self, seconds: f64) -> String {
        let mut tasks = self.tasks.lock().unwrap();
        let task = format!("task-{}", tasks.len() + 1);
        tasks.insert(task.clone(), (0, seconds));
        task
    }

    /// How often a task was asked about; `None`: nobody knows it.
    fn looked(&self, task: &str) -> Option<(u64, f64)> {
        if self.has(Fault::Forgets) {
            self.tasks.lock().unwrap().clear();
        }
        let mut tasks = self.tasks.lock().unwrap();
        let one = tasks.get_mut(task)?;
        one.0 += 1;
        Some(*one)
    }

    fn music(&self, seconds: f64) -> Vec<u8> {
        if self.has(Fault::Mp3) {
            return b"ID3\x04\x00 this would be an mp3".to_vec();
        }
        let loud = if self.has(Fault::Silent) { 0.0 } else { 0.3 };
        tone(48_000, 2, seconds, loud)
    }
}

async fn generate(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    shared.asked.note("/generate", body.clone());
    if shared.has(Fault::SaysNo) {
        return (StatusCode::BAD_REQUEST, Json(json!({ "detail": "duration too long" }))).into_response();
    }
    let task = shared.begin(body["duration"].as_f64().unwrap_or(30.0));
    Json(json!({ "task_id": task })).into_response()
}

async fn status(State(shared): State<Shared>, Path(task): Path<String>) -> Response {
    let Some((looks, seconds)) = shared.looked(&task) else {
        return (StatusCode::NOT_FOUND, Json(json!({ "detail": "task not found" }))).into_response();
    };
    if shared.has(Fault::Fails) {
        return Json(json!({ "status": "failed", "error": "HIP out of memory" })).into_response();
    }
    if looks < 2 {
        return Json(json!({ "status": "processing", "progress": 0.5 })).into_response();
    }
    let path = shared.dir.join(format!("{task}.wav"));
    if shared.has(Fault::FarAway) {
        return Json(json!({ "status": "completed", "output_path": "/elsewhere/music.wav" })).into_response();
    }
    std::fs::write(&path, shared.music(seconds)).expect("it is written");
    Json(json!({ "status": "completed", "output_path": path })).into_response()
}

fn wrapped(data: &Value) -> Value {
    json!({ "data": data, "code": 200, "error": null, "timestamp": 1, "extra": null })
}

async fn release_task(State(shared): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    shared.asked.note("/release_task", body.clone());
    if shared.has(Fault::SaysNo) {
        return Json(
            json!({ "data": null, "code": 400, "error": "prompt is required", "timestamp": 1, "extra": null }),
        );
    }
    let task = shared.begin(body["audio_duration"].as_f64().unwrap_or(60.0));
    Json(wrapped(&json!({ "task_id": task, "status": "queued", "queue_position": 1 })))
}

async fn query_result(State(shared): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let task = body["task_id_list"][0].as_str().unwrap_or_default().to_owned();
    let Some((looks, _)) = shared.looked(&task) else {
        return Json(wrapped(&json!([{ "task_id": task, "status": 0, "result": "[]", "progress_text": "" }])));
    };
    let (status, one) = match (shared.has(Fault::Fails), looks) {
        (true, _) => (2, json!({ "status": 2, "error": "HIP out of memory" })),
        (false, 0..2) => (0, json!({ "status": 0, "progress": 0.4, "stage": "diffusion", "file": "" })),
        (false, _) => (
            1,
            json!({ "status": 1, "progress": 1.0, "file": format!("/v1/audio?path=%2Ftmp%2F{task}.wav"),
                                   "metas": { "bpm": "N/A" } }),
        ),
    };
    let result = json!([one]).to_string();
    Json(wrapped(&json!([{ "task_id": task, "status": status, "result": result, "progress_text": "" }])))
}

async fn audio(State(shared): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let task = query["path"].trim_start_matches("/tmp/").trim_end_matches(".wav").to_owned();
    let seconds = shared.tasks.lock().unwrap().get(&task).map(|(_, seconds)| *seconds);
    match seconds {
        Some(seconds) => shared.music(seconds).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
