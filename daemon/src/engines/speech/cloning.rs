//! Cloning: a voice made from a recording of somebody, where the server can.
//!
//! Chatterbox-TTS-Server keeps reference recordings by file name (`POST /upload_reference`), chatterbox-tts-api voices
//! by name (`POST /voices`). Both are given the recording under a name made of its content, once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use studio_core::ids::ContentHash;
use studio_engine::{EngineError, FailureKind};

use super::super::{
    http::{Http, Trouble},
    wav,
};

/// Longest recording that is sent, in seconds; servers take up to 30.
const LONGEST_S: u32 = 25;

/// What the server knows of recordings: the voice's name, or that it cannot clone.
#[derive(Default)]
pub struct Cloning {
    known: Mutex<BTreeMap<ContentHash, Option<String>>>,
}

impl Cloning {
    /// The voice of a recording; `None` when this server cannot clone voices.
    pub async fn voice(
        &self,
        http: &Http,
        key: &str,
        hash: ContentHash,
        path: PathBuf,
    ) -> Result<Option<String>, EngineError> {
        if let Some(known) = self.known.lock().ok().and_then(|known| known.get(&hash).cloned()) {
            return Ok(known);
        }
        let read = tokio::task::spawn_blocking(move || shortened(&path)).await;
        let bytes = read.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))??;
        let voice = upload(http, key, &hash.to_string()[..16], &bytes).await?;
        if let Ok(mut known) = self.known.lock() {
            known.insert(hash, voice.clone());
        }
        Ok(voice)
    }

    /// The server does not know it any more: it is sent again the next time.
    pub fn forget(&self, hash: ContentHash) {
        if let Ok(mut known) = self.known.lock() {
            known.remove(&hash);
        }
    }
}

/// The beginning of a recording as mono WAV.
fn shortened(path: &Path) -> Result<Vec<u8>, EngineError> {
    let bytes = std::fs::read(path)
        .map_err(|error| EngineError::new(FailureKind::BadInput, format!("a voice sample cannot be read: {error}")))?;
    let mut sound = wav::read(&bytes)?.with_channels(1);
    let most = (LONGEST_S * sound.rate) as usize;
    sound.channels.iter_mut().for_each(|channel| channel.truncate(most));
    sound.to_bytes()
}

async fn upload(http: &Http, key: &str, name: &str, bytes: &[u8]) -> Result<Option<String>, EngineError> {
    let file = format!("studio-{name}.wav");
    let part = || {
        let part = Part::bytes(bytes.to_vec()).file_name(file.clone()).mime_str("audio/wav");
        part.map_err(|error| EngineError::new(FailureKind::Refused, error.to_string()))
    };
    let ask = async |route: &str, form: Form| {
        let request = http.request(Method::POST, route).multipart(form);
        let request = if key.is_empty() { request } else { request.bearer_auth(key) };
        http.body(request, route).await
    };
    let no_route = |trouble: &Trouble| matches!(trouble.status(), Some(404 | 405 | 501));
    match ask("/upload_reference", Form::new().part("files", part()?)).await {
        Ok(_) => return Ok(Some(file)),
        Err(trouble) if no_route(&trouble) => {}
        Err(trouble) => return Err(trouble.failure()),
    }
    let voice = format!("studio-{name}");
    let form = Form::new().text("voice_name", voice.clone()).part("voice_file", part()?);
    match ask("/voices", form).await {
        Ok(_) => Ok(Some(voice)),
        // Somebody uploaded it before; equal names are equal recordings.
        Err(Trouble::Answer { status: 400 | 409, text, .. }) if text.to_lowercase().contains("exist") => {
            Ok(Some(voice))
        }
        Err(trouble) if no_route(&trouble) => Ok(None),
        Err(trouble) => Err(trouble.failure()),
    }
}
