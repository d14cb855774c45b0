//! A speech server and a listener that hears what was said.

use std::{
    collections::BTreeSet,
    io::Cursor,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Asked, Served};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The WAV's sizes are 0xFFFFFFFF, as Kokoro writes them.
    BrokenHeader,
    /// No such voice.
    NoVoice,
    /// 500 for everything.
    Broken,
    /// Nothing but silence.
    Silent,
    /// The listener hears something else.
    Misheard,
    /// The listener is broken.
    Deaf,
    /// It keeps reference recordings, as Chatterbox-TTS-Server does.
    References,
    /// It keeps voices by name, as chatterbox-tts-api does.
    Library,
}

#[derive(Clone, Default)]
struct Shared {
    asked: Asked,
    faults: Arc<Mutex<BTreeSet<Fault>>>,
    said: Arc<Mutex<String>>,
}

pub struct Speech {
    pub served: Served,
    pub asked: Asked,
    shared: Shared,
}

impl Speech {
    pub async fn start() -> Self {
        let shared = Shared::default();
        let routes = Router::new()
            .route("/v1/models", get(|| async { Json(json!({ "data": [{ "id": "kokoro" }] })) }))
            .route(
                "/v1/audio/voices",
                get(|| async { Json(json!({ "voices": [{ "id": "af_heart" }, { "id": "am_adam" }] })) }),
            )
            .route("/v1/audio/speech", post(speech))
            .route("/upload_reference", post(upload_reference))
            .route("/voices", post(voices))
            .route("/v1/audio/transcriptions", post(transcriptions))
            .layer(DefaultBodyLimit::max(32 << 20))
            .with_state(shared.clone());
        Self { served: Served::start(routes).await, asked: shared.asked.clone(), shared }
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(fault);
    }
}

impl Shared {
    fn has(&self, fault: Fault) -> bool {
        self.faults.lock().unwrap().contains(&fault)
    }
}

/// A WAV of a tone.
pub fn tone(rate: u32, channels: u16, seconds: f64, loud: f64) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..(f64::from(rate) * seconds) as u32 {
        let sample = (f64::from(n) * 220.0 * std::f64::consts::TAU / f64::from(rate)).sin() * loud * 32_000.0;
        (0..channels).for_each(|_| writer.write_sample(sample as i16).unwrap());
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

async fn speech(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    shared.asked.note("/v1/audio/speech", body.clone());
    if shared.has(Fault::Broken) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "it broke").into_response();
    }
    if shared.has(Fault::NoVoice) {
        let detail = json!({ "detail": { "error": "validation_error", "message": "Voice not found", "type": "x" } });
        return (StatusCode::BAD_REQUEST, Json(detail)).into_response();
    }
    let text = body["input"].as_str().unwrap_or_default().to_owned();
    let seconds = 0.06 * text.chars().count() as f64;
    *shared.said.lock().unwrap() = text;
    let loud = if shared.has(Fault::Silent) { 0.0 } else { 0.4 };
    let mut wav = tone(24_000, 1, seconds, loud);
    if shared.has(Fault::BrokenHeader) {
        wav[4..8].fill(0xff);
        wav[40..44].fill(0xff);
    }
    ([("content-type", "audio/wav")], wav).into_response()
}

/// A recording that was sent: its name, and its length in seconds.
async fn sent(form: &mut Multipart) -> (String, f64) {
    let (mut name, mut seconds) = (String::new(), 0.0);
    while let Ok(Some(field)) = form.next_field().await {
        if let Some(file) = field.file_name().map(str::to_owned) {
            name = if name.is_empty() { file } else { name };
            let reader = hound::WavReader::new(Cursor::new(field.bytes().await.unwrap().to_vec())).unwrap();
            seconds = f64::from(reader.duration()) / f64::from(reader.spec().sample_rate);
        } else if field.name() == Some("voice_name") {
            name = field.text().await.unwrap();
        }
    }
    (name, seconds)
}

async fn upload_reference(State(shared): State<Shared>, mut form: Multipart) -> Response {
    if !shared.has(Fault::References) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (name, seconds) = sent(&mut form).await;
    shared.asked.note("/upload_reference", json!({ "name": name, "seconds": seconds }));
    Json(json!({ "message": "Processed 1 file(s).", "uploaded_files": [name] })).into_response()
}

async fn voices(State(shared): State<Shared>, mut form: Multipart) -> Response {
    if !shared.has(Fault::Library) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (name, seconds) = sent(&mut form).await;
    let known = shared.asked.of("/voices").iter().any(|voice| voice["name"] == json!(name));
    shared.asked.note("/voices", json!({ "name": name, "seconds": seconds }));
    if known {
        let detail = json!({ "detail": { "error": { "message": "Voice already exists", "type": "x" } } });
        return (StatusCode::BAD_REQUEST, Json(detail)).into_response();
    }
    (StatusCode::CREATED, Json(json!({ "message": "Voice uploaded successfully" }))).into_response()
}

async fn transcriptions(State(shared): State<Shared>, mut form: Multipart) -> Response {
    let mut fields = json!({});
    while let Ok(Some(field)) = form.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let wav = field.bytes().await.unwrap();
            let spec = hound::WavReader::new(Cursor::new(wav.to_vec())).unwrap().spec();
            fields["rate"] = json!(spec.sample_rate);
        } else {
            fields[name] = json!(field.text().await.unwrap_or_default());
        }
    }
    shared.asked.note("/v1/audio/transcriptions", fields);
    if shared.has(Fault::Deaf) {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "no" }))).into_response();
    }
    let said = if shared.has(Fault::Misheard) {
        "something else was heard".to_owned()
    } else {
        shared.said.lock().unwrap().clone()
    };
    let words: Vec<Value> = said
        .split_whitespace()
        .enumerate()
        .map(|(n, word)| json!({ "word": word, "start": n as f64 * 0.3, "end": n as f64 * 0.3 + 0.25 }))
        .collect();
    Json(json!({ "text": said, "language": "en", "words": words, "usage": null })).into_response()
}
