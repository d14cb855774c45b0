//! Routes: ComfyUI's HTTP and websocket side.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{
        Multipart, Path, Query, Request, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Fault, Item, Logged, Shared};

type Fake = State<Arc<Shared>>;

pub fn routes(shared: Arc<Shared>) -> Router {
    let plain = Router::new()
        .route("/prompt", get(remaining).post(prompt))
        .route("/queue", get(queue).post(change_queue))
        .route("/interrupt", post(interrupt))
        .route("/history", get(all_history))
        .route("/history/{id}", get(history))
        .route("/free", post(free))
        .route("/view", get(view))
        .route("/upload/image", post(upload))
        .route("/system_stats", get(stats))
        .route("/features", get(async || Json(json!({ "supports_preview_metadata": true }))))
        .route("/object_info", get(async |State(fake): Fake| Json(object_info(&fake))))
        .route("/models", get(async || Json(["checkpoints", "loras", "clip_vision", "ipadapter"])))
        .route("/models/{folder}", get(models))
        .route("/ws", get(socket));
    Router::new()
        .nest("/api", plain.clone())
        .route("/internal/logs/raw", get(console))
        .merge(plain)
        .route("/api/jobs", get(jobs))
        .route("/api/jobs/{id}/cancel", post(cancel))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), guard))
        .layer(axum::extract::DefaultBodyLimit::max(100 << 20))
        .with_state(shared)
}

/// Origins are refused, and what is broken answers 500 in plain text.
async fn guard(State(fake): Fake, request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let broken: super::Counted = |fault| if let Fault::Broken(left) = fault { Some(left) } else { None };
    // Sockets are not counted: they are opened at moments of their own.
    if request.uri().path() != "/ws" && fake.counted(broken).is_some() {
        return trouble();
    }
    next.run(request).await
}

fn trouble() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error\n\nServer got itself in trouble").into_response()
}

async fn remaining(State(fake): Fake) -> Json<Value> {
    Json(json!({ "exec_info": { "queue_remaining": fake.remaining() } }))
}

fn refusal(kind: &str, message: &str, node_errors: &Value) -> Response {
    let error = json!({ "type": kind, "message": message, "details": "", "extra_info": {} });
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "node_errors": node_errors }))).into_response()
}

/// Schemas with the model files that are there.
fn object_info(fake: &Shared) -> Value {
    let mut info = fake.info.clone();
    for class in info.as_object_mut().into_iter().flat_map(|classes| classes.values_mut()) {
        for group in ["required", "optional"] {
            let inputs = class.pointer_mut(&format!("/input/{group}")).and_then(Value::as_object_mut);
            for input in inputs.into_iter().flat_map(|inputs| inputs.values_mut()) {
                if input.pointer("/1/files").is_some() {
                    input[1]["options"] = json!(fake.models());
                }
            }
        }
    }
    let train = "/TrainLoraNode/input/required";
    let loras: Vec<String> = fake.trained().into_iter().chain(["[None]".to_owned()]).collect();
    if let Some(inputs) = info.pointer_mut(train).and_then(Value::as_object_mut) {
        inputs["existing_lora"][1]["options"] = json!(loras);
        if fake.has(&Fault::OldTraining) {
            inputs.remove("bucket_mode");
        }
    }
    if let Some(folder) = info.pointer_mut("/LoadImageTextDataSetFromFolder/input/required/folder") {
        folder[1]["options"] = json!(folders(fake));
    }
    info
}

/// Folders below the input folder.
fn folders(fake: &Shared) -> Vec<String> {
    let input = fake.folder.join("input");
    let all = walkdir::WalkDir::new(&input).min_depth(1).sort_by_file_name().into_iter().flatten();
    let all = all.filter(|entry| entry.file_type().is_dir());
    all.map(|entry| entry.path().strip_prefix(&input).expect("it is below").to_string_lossy().into_owned()).collect()
}

async fn console(State(fake): Fake) -> Json<Value> {
    let entries: Vec<Value> = fake.inner().console.iter().map(|(at, text)| json!({ "t": at, "m": text })).collect();
    Json(json!({ "entries": entries, "size": { "cols": 80, "rows": 24 } }))
}

/// What is wrong with a graph, as the real server says it.
fn validate(fake: &Shared, graph: &Value) -> Result<Vec<String>, Box<Response>> {
    let Some(nodes) = graph.as_object() else { return Err(Box::new(trouble())) };
    let mut outputs = Vec::new();
    let mut errors = json!({});
    for (id, node) in nodes {
        let class = node.get("class_type").and_then(Value::as_str).unwrap_or_default();
        let Some(schema) = fake.info.get(class).or_else(|| super::work::extra(class)) else {
            let message = format!("Node '{class}' not found. The custom node may not be installed.");
            return Err(Box::new(refusal("missing_node_type", &message, &json!({}))));
        };
        if schema["output_node"] == true {
            outputs.push(id.clone());
        }
        for (name, input) in schema.pointer("/input/required").and_then(Value::as_object).into_iter().flatten() {
            let value = node.pointer(&format!("/inputs/{name}"));
            let wrong = |kind: &str, message: &str, details: String| {
                json!({ "errors": [{ "type": kind, "message": message, "details": details, "extra_info": { "input_name": name } }],
                    "dependent_outputs": [], "class_type": class })
            };
            let Some(value) = value else {
                errors[id] = wrong("required_input_missing", "Required input is missing", name.clone());
                continue;
            };
            let most = input.pointer("/1/max").and_then(Value::as_f64);
            if let (Some(number), Some(most)) = (value.as_f64(), most)
                && number > most
            {
                errors[id] =
                    wrong("value_bigger_than_max", &format!("Value {number} bigger than max of {most}"), name.clone());
            }
            let files = input.pointer("/1/files").is_some() && !matches!(class, "LoadImage" | "LoadVideo");
            if let (Some(word), true) = (value.as_str(), files)
                && !fake.models().contains(word)
            {
                errors[id] = wrong("value_not_in_list", "Value not in list", format!("{name}: '{word}' not in list"));
            }
            let listed: Option<Vec<String>> = match (class, name.as_str()) {
                ("TrainLoraNode", "existing_lora") => {
                    Some(fake.trained().into_iter().chain(["[None]".to_owned()]).collect())
                }
                ("LoadImageTextDataSetFromFolder", "folder") => Some(folders(fake)),
                _ => None,
            };
            if let (Some(word), Some(listed)) = (value.as_str(), listed)
                && !listed.iter().any(|known| known == word)
            {
                errors[id] = wrong("value_not_in_list", "Value not in list", format!("{name}: '{word}' not in list"));
            }
            let picture = class == "LoadImage" && name == "image";
            if let (Some(word), true) = (value.as_str(), picture)
                && !fake.folder.join("input").join(word).is_file()
            {
                let details = format!("image - Invalid image file: {word}");
                errors[id] = wrong("custom_validation_failed", "Custom validation failed for node", details);
            }
        }
    }
    if outputs.is_empty() {
        return Err(Box::new(refusal("prompt_no_outputs", "Prompt has no outputs", &json!({}))));
    }
    if errors.as_object().is_some_and(|errors| !errors.is_empty()) {
        return Err(Box::new(refusal("prompt_outputs_failed_validation", "Prompt outputs failed validation", &errors)));
    }
    Ok(outputs)
}

async fn prompt(State(fake): Fake, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return trouble() };
    let Some(graph) = body.get("prompt").filter(|graph| !graph.is_null()) else {
        return refusal("no_prompt", "No prompt provided", &json!({}));
    };
    let id = body.get("prompt_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !uuid::Uuid::parse_str(&id).is_ok_and(|uuid| uuid.to_string() == id) {
        return refusal("invalid_prompt_id", "prompt_id must be a valid UUID", &json!({}));
    }
    let outputs = match validate(&fake, graph) {
        Ok(outputs) => outputs,
        Err(response) => {
            fake.inner().counter += 1.0;
            return *response;
        }
    };
    let number = {
        let mut inner = fake.inner();
        let number = inner.counter;
        inner.counter += 1.0;
        let client = body.get("client_id").and_then(Value::as_str).map(str::to_owned);
        let mut extra = body.get("extra_data").cloned().unwrap_or_else(|| json!({}));
        if let Some(client) = &client {
            extra["client_id"] = json!(client);
        }
        inner.pending.push(Item { number, id: id.clone(), graph: graph.clone(), extra, outputs, client });
        // A heap array is not sorted.
        inner.pending.reverse();
        number
    };
    fake.note(Logged::Queued(id.clone()));
    if fake.once(|fault| *fault == Fault::Deleted).is_some() {
        fake.inner().pending.retain(|item| item.id != id);
    }
    let node_errors = match fake.once(|fault| *fault == Fault::Partly) {
        Some(_) => {
            json!({ "7": { "errors": [{ "type": "value_not_in_list", "message": "Value not in list", "details": "x" }],
            "dependent_outputs": ["8"], "class_type": "SaveImage" } })
        }
        None => json!({}),
    };
    fake.status();
    fake.wake.notify_one();
    if fake.once(|fault| *fault == Fault::LoseAnswer).is_some() {
        // The connection ends before the answer is whole.
        let cut = futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
        return Body::from_stream(cut).into_response();
    }
    Json(json!({ "prompt_id": id, "number": number, "node_errors": node_errors })).into_response()
}

async fn queue(State(fake): Fake) -> Json<Value> {
    let inner = fake.inner();
    let running: Vec<Value> =
        inner.running.iter().map(|(id, graph, extra, number)| json!([number, id, graph, extra, ["9"]])).collect();
    let pending: Vec<Value> =
        inner.pending.iter().map(|item| json!([item.number, item.id, item.graph, item.extra, item.outputs])).collect();
    Json(json!({ "queue_running": running, "queue_pending": pending }))
}

fn delete(fake: &Shared, id: &str) -> bool {
    let mut inner = fake.inner();
    let before = inner.pending.len();
    inner.pending.retain(|item| item.id != id);
    inner.pending.len() < before
}

fn interrupt_running(fake: &Shared, id: Option<&str>) -> bool {
    let mut inner = fake.inner();
    let hit = inner.running.as_ref().is_some_and(|(running, ..)| id.is_none_or(|id| id == running));
    inner.interrupt |= hit;
    drop(inner);
    if hit {
        fake.wake.notify_waiters();
    }
    hit
}

async fn change_queue(State(fake): Fake, Json(body): Json<Value>) {
    for id in body.get("delete").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        fake.note(Logged::Cancel(id.to_owned()));
        delete(&fake, id);
    }
}

async fn interrupt(State(fake): Fake, body: Bytes) {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    interrupt_running(&fake, body.get("prompt_id").and_then(Value::as_str));
}

async fn cancel(State(fake): Fake, Path(id): Path<String>) -> Response {
    if fake.has(&Fault::OldVersion) {
        return StatusCode::NOT_FOUND.into_response();
    }
    fake.note(Logged::Cancel(id.clone()));
    let cancelled = interrupt_running(&fake, Some(&id)) || delete(&fake, &id);
    Json(json!({ "cancelled": cancelled })).into_response()
}

async fn jobs(State(fake): Fake) -> Response {
    if fake.has(&Fault::OldVersion) {
        return StatusCode::NOT_FOUND.into_response();
    }
    Json(json!({ "jobs": [], "pagination": { "offset": 0, "limit": 1, "total": 0, "has_more": false } }))
        .into_response()
}

/// Pages of it as the real one turns them: the oldest first, `max_items` alone means the last ones.
async fn all_history(State(fake): Fake, Query(query): Query<Value>) -> Response {
    let number = |key: &str| match query.get(key).and_then(Value::as_str) {
        Some(text) => text.parse::<usize>().map(Some),
        None => Ok(None),
    };
    let (Ok(most), Ok(offset)) = (number("max_items"), number("offset")) else { return trouble() };
    let inner = fake.inner();
    let all: Vec<&String> = inner.done.iter().filter(|id| inner.history.contains_key(*id)).collect();
    let most = most.unwrap_or(all.len());
    let from = offset.unwrap_or_else(|| all.len().saturating_sub(most));
    let page = all.into_iter().skip(from).take(most);
    let page: serde_json::Map<String, Value> = page.map(|id| (id.clone(), inner.history[id].clone())).collect();
    Json(Value::Object(page)).into_response()
}

async fn history(State(fake): Fake, Path(id): Path<String>) -> Json<Value> {
    let lost = fake.has(&Fault::LostHistory);
    let entry = fake.inner().history.get(&id).cloned().filter(|_| !lost);
    Json(entry.map_or_else(|| json!({}), |entry| json!({ id: entry })))
}

async fn free(State(fake): Fake) {
    fake.note(Logged::Free);
    fake.inner().free_asked = true;
    fake.wake.notify_one();
}

async fn stats(State(fake): Fake) -> Json<Value> {
    let free: u64 = if fake.inner().loaded { 2 << 30 } else { 11 << 30 };
    let system = json!({ "os": "linux", "comfyui_version": "0.33.0", "argv": ["main.py", "--preview-method", "auto"] });
    let card = json!({ "name": "cuda:0 NVIDIA GeForce RTX 3060 : cudaMallocAsync", "type": "cuda", "index": 0,
        "vram_total": 12u64 << 30, "vram_free": free });
    Json(json!({ "system": system, "devices": [card] }))
}

async fn models(State(fake): Fake, Path(folder): Path<String>) -> Json<Value> {
    let mut models: Vec<String> = fake.models().into_iter().collect();
    if folder == "loras" {
        models.extend(fake.trained());
    }
    Json(json!(models))
}

async fn view(State(fake): Fake, Query(query): Query<Value>, headers: HeaderMap) -> Response {
    let word = |key: &str| query.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, folder) = (word("filename"), word("subfolder"));
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from: u64 = range.unwrap_or(0);
    fake.note(Logged::View(name.clone(), from));
    if name.starts_with('/') || name.contains("..") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    if folder.contains("..") || folder.starts_with('/') {
        return StatusCode::FORBIDDEN.into_response();
    }
    let path = fake.folder.join(word("type")).join(folder).join(&name);
    let Ok(bytes) = std::fs::read(&path) else { return StatusCode::NOT_FOUND.into_response() };
    if fake.has(&Fault::OutputsVanish) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let rest = bytes[(from as usize).min(bytes.len())..].to_vec();
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let length = (header::CONTENT_LENGTH, rest.len().to_string());
    let cut: super::Counted = |fault| if let Fault::CutDownload(left) = fault { Some(left) } else { None };
    if fake.counted(cut).is_some() {
        let half = Bytes::from(rest[..rest.len() / 2].to_vec());
        // The half is on its way before the connection breaks.
        let cut = futures_util::stream::once(async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            Err(std::io::Error::other("cut"))
        });
        let stream = futures_util::StreamExt::chain(futures_util::stream::iter([Ok(half)]), cut);
        return (status, [length], Body::from_stream(stream)).into_response();
    }
    (status, [length], rest).into_response()
}

async fn upload(State(fake): Fake, mut form: Multipart) -> Response {
    let (mut file, mut folder, mut kind) = (None, String::new(), "input".to_owned());
    while let Ok(Some(field)) = form.next_field().await {
        match field.name() {
            Some("image") => {
                let name = field.file_name().unwrap_or("x").to_owned();
                let Ok(bytes) = field.bytes().await else { return trouble() };
                file = Some((name, bytes));
            }
            Some("subfolder") => folder = field.text().await.unwrap_or_default(),
            Some("type") => kind = field.text().await.unwrap_or_default(),
            _ => {}
        }
    }
    let Some((name, bytes)) = file else { return trouble() };
    let to = fake.folder.join(&kind).join(&folder);
    std::fs::create_dir_all(&to).expect("the folder can be made");
    std::fs::write(to.join(&name), &bytes).expect("the upload is written");
    fake.note(Logged::Upload(format!("{folder}/{name}")));
    Json(json!({ "name": name, "subfolder": folder, "type": kind })).into_response()
}

async fn socket(State(fake): Fake, Query(query): Query<Value>, upgrade: WebSocketUpgrade) -> Response {
    if fake.has(&Fault::NoSockets) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let id = query.get("clientId").and_then(Value::as_str).unwrap_or_default().to_owned();
    upgrade.on_upgrade(move |socket| talk(fake, id, socket))
}

async fn talk(fake: Arc<Shared>, id: String, mut socket: WebSocket) {
    let (say, mut said) = mpsc::unbounded_channel();
    fake.inner().sockets.insert(id.clone(), (say, false));
    let left = fake.remaining();
    fake.tell(Some(&id), "status", &json!({ "status": { "exec_info": { "queue_remaining": left } }, "sid": id }));
    fake.moved.send_modify(|moved| *moved += 1);
    let mut first = true;
    loop {
        tokio::select! {
            message = said.recv() => match message {
                Some(message) => if socket.send(message).await.is_err() { break },
                None => break,
            },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => {
                    let flags = text.contains("feature_flags") && text.contains("supports_preview_metadata");
                    if let (true, true, Some(mine)) = (first, flags, fake.inner().sockets.get_mut(&id)) {
                        mine.1 = true;
                    }
                    first = false;
                }
                Some(Ok(_)) => {}
                _ => break,
            },
        }
    }
    // The real server's clean-up deletes whoever has this id now, so a socket that took it over goes deaf.
    fake.inner().sockets.remove(&id);
    fake.moved.send_modify(|moved| *moved += 1);
}
