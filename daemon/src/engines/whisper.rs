//! `Whisper`: a transcription with words, from any of the usual servers, to check what a voice has said.
//!
//! Their answers differ: words at the top or inside segments or both, under `word` or `text`, the language as a code or
//! a name. Everything but the text may be missing.

use std::path::Path;

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::Value;
use studio_core::{resample::resample, spoken::Word};
use studio_engine::{EngineError, FailureKind};

use super::{
    http::{Http, Trouble},
    wav,
};

/// Samples per second every server takes.
const RATE: u32 = 16_000;

/// Where it is.
#[derive(Debug, Clone)]
pub struct WhisperPlan {
    /// Address of the server without the route, e.g. `http://127.0.0.1:8080`.
    pub url: String,
    /// `/v1/audio/transcriptions`, or `/inference` for whisper.cpp as it comes.
    pub route: String,
    /// Name of the model; servers with one ignore it.
    pub model: String,
}

/// A client of a transcription server, which hears what a recording says.
#[derive(Debug, Clone)]
pub struct Whisper {
    plan: WhisperPlan,
    http: Http,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// All of it.
    pub text: String,
    /// Words with their times; none when the server tells none.
    pub words: Vec<Word>,
}

impl Whisper {
    /// A client; nothing is asked yet.
    pub fn open(plan: WhisperPlan) -> Result<Self, Trouble> {
        let http = Http::patient(&plan.url, std::time::Duration::from_mins(5))?;
        Ok(Self { plan, http })
    }

    /// Listens to a recording.
    pub async fn hear(&self, recording: &Path, language: &str) -> Result<Transcript, EngineError> {
        let bytes =
            tokio::fs::read(recording).await.map_err(|error| EngineError::io("failed to read a recording", &error))?;
        let plain = tokio::task::spawn_blocking(move || at_16k(&bytes)).await;
        let plain = plain.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))??;
        let bad = |error: reqwest::Error| EngineError::new(FailureKind::Refused, error.to_string());
        let part = Part::bytes(plain).file_name("line.wav").mime_str("audio/wav").map_err(bad)?;
        let language = language.split('-').next().unwrap_or("auto").to_lowercase();
        let form = Form::new()
            .part("file", part)
            .text("model", self.plan.model.clone())
            .text("language", language)
            .text("temperature", "0")
            .text("response_format", "verbose_json")
            .text("timestamp_granularities[]", "word");
        let route = self.plan.route.as_str();
        let request = self.http.request(Method::POST, route).multipart(form);
        let body = self.http.body(request, route).await.map_err(|trouble| trouble.failure())?;
        let answer: Value = self.http.read(route, &body).map_err(|trouble| trouble.failure())?;
        transcript(&answer).ok_or_else(|| {
            let message = format!("{} answers without a text", self.http.url(route));
            EngineError::new(FailureKind::Transient, message)
        })
    }
}

/// The recording as 16 kHz mono.
fn at_16k(bytes: &[u8]) -> Result<Vec<u8>, EngineError> {
    let sound = wav::read(bytes)?.with_channels(1);
    let bad = |error: &dyn std::fmt::Display| EngineError::new(FailureKind::Transient, error.to_string());
    let samples = resample(&sound.channels[0], sound.rate, RATE).map_err(|error| bad(&error))?;
    let mut out = std::io::Cursor::new(Vec::new());
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::new(&mut out, spec).map_err(|error| bad(&error))?;
    for sample in samples {
        writer.write_sample((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).map_err(|error| bad(&error))?;
    }
    writer.finalize().map_err(|error| bad(&error))?;
    Ok(out.into_inner())
}

/// Reads any of the shapes.
fn transcript(answer: &Value) -> Option<Transcript> {
    let text = answer.get("text")?.as_str()?.trim().to_owned();
    let words =
        |list: &Value| -> Vec<(bool, Word)> { list.as_array().into_iter().flatten().filter_map(word).collect() };
    // At the top, else inside the segments; some servers say them twice.
    let mut heard = words(&answer["words"]);
    if heard.is_empty() {
        heard =
            answer["segments"].as_array().into_iter().flatten().flat_map(|segment| words(&segment["words"])).collect();
    }
    Some(Transcript { text, words: joined(heard) })
}

fn word(value: &Value) -> Option<(bool, Word)> {
    let text = value.get("word").or_else(|| value.get("text"))?.as_str()?;
    let ms =
        |key: &str| value[key].as_f64().filter(|seconds| seconds.is_finite()).map(|s| (s.max(0.0) * 1000.0) as u64);
    let (start_ms, end_ms) = (ms("start")?, ms("end")?);
    Some((text.starts_with(' '), Word { text: text.trim().to_owned(), start_ms, end_ms: end_ms.max(start_ms) }))
}

/// whisper.cpp gives pieces of words, a new word begins with a blank; servers that give whole words give no blanks at all
/// or one to each.
fn joined(pieces: Vec<(bool, Word)>) -> Vec<Word> {
    let blanks = pieces.iter().filter(|(blank, _)| *blank).count();
    let in_pieces = blanks > 0;
    let mut words: Vec<Word> = Vec::new();
    for (blank, piece) in pieces {
        match words.last_mut() {
            Some(last) if in_pieces && !blank => {
                last.text.push_str(&piece.text);
                last.end_ms = last.end_ms.max(piece.end_ms);
            }
            _ => words.push(piece),
        }
    }
    words.retain(|word| !word.text.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_four_shapes_are_read_alike() {
        let top = json!({ "text": " Hello there.", "language": "en", "words": [
            { "word": "Hello", "start": 0.1, "end": 0.5 }, { "word": "there.", "start": 0.5, "end": 0.9, "probability": 0.9 } ],
            "usage": null });
        let nested = json!({ "text": "Hello there.", "language": "english", "segments": [ { "words": [
            { "word": " Hel", "start": 0.1, "end": 0.3, "t_dtw": -1 }, { "word": "lo", "start": 0.3, "end": 0.5 },
            { "word": " there", "start": 0.5, "end": 0.8 }, { "word": ".", "start": 0.8, "end": 0.9 } ] } ] });
        let both = json!({ "text": "Hello there.", "words": [
            { "text": "Hello", "start": 0.1, "end": 0.5 }, { "text": "there.", "start": 0.5, "end": 0.9 } ],
            "segments": [ { "words": [ { "text": "Hello", "start": 0.1, "end": 0.5 } ] } ] });
        let wanted = [("Hello", 100, 500), ("there.", 500, 900)];
        for shape in [top, nested, both] {
            let heard = transcript(&shape).unwrap();
            let words: Vec<_> = heard.words.iter().map(|w| (w.text.as_str(), w.start_ms, w.end_ms)).collect();
            assert_eq!((heard.text.as_str(), words.as_slice()), ("Hello there.", wanted.as_slice()), "{shape}");
        }
        let bare = transcript(&json!({ "text": "Hello" })).unwrap();
        assert!(bare.words.is_empty());
        assert_eq!(transcript(&json!({ "error": "no" })), None);
    }
}
