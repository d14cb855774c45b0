//! A server of embeddings as Infinity is: vectors of pictures by their mean colour.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, response::Response, routing::post};
use base64::Engine as _;
use serde_json::{Value, json};

use super::{Asked, Served};

#[derive(Clone, Default)]
struct Shared {
    asked: Asked,
    broken: Arc<Mutex<bool>>,
}

pub struct Likeness {
    pub served: Served,
    pub asked: Asked,
    shared: Shared,
}

impl Likeness {
    pub async fn start() -> Self {
        let shared = Shared::default();
        let routes = Router::new()
            .route("/embeddings", post(embeddings))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(shared.clone());
        Self { served: Served::start(routes).await, asked: shared.asked.clone(), shared }
    }

    pub fn breaks(&self) {
        *self.shared.broken.lock().unwrap() = true;
    }
}

/// The mean colour without its brightness: another picture is another direction.
fn vector(uri: &str) -> Vec<f64> {
    let bytes = uri.strip_prefix("data:image/jpeg;base64,").expect("a data URI");
    let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).expect("base64");
    let picture = image::load_from_memory(&bytes).expect("a picture").to_rgb8();
    let mut sums = [0.0; 3];
    for pixel in picture.pixels() {
        (0..3).for_each(|channel| sums[channel] += f64::from(pixel.0[channel]));
    }
    let mean = sums.iter().sum::<f64>() / 3.0;
    sums.iter().map(|sum| sum - mean).collect()
}

async fn embeddings(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    let input: Vec<&str> = body["input"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    shared
        .asked
        .note("/embeddings", json!({ "model": body["model"], "modality": body["modality"], "count": input.len() }));
    if *shared.broken.lock().unwrap() {
        return (StatusCode::INTERNAL_SERVER_ERROR, "it broke").into_response();
    }
    let data: Vec<Value> = input
        .iter()
        .enumerate()
        .map(|(index, uri)| json!({ "object": "embedding", "index": index, "embedding": vector(uri) }))
        .collect();
    Json(json!({ "object": "list", "data": data, "model": body["model"], "usage": { "total_tokens": 0 } }))
        .into_response()
}
