//! Speech: lines spoken by any server with the route `/v1/audio/speech`: Kokoro, Chatterbox, Speaches, `LocalAI`.
//!
//! A voice never fails a scene: when the server is away for long, or will not speak a line, the draft voice stands in
//! and the scene says so.

mod cloning;

use std::{path::Path, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use studio_core::{
    character::Gender,
    media::MediaFacts,
    order::{Heard, Order, Outputs, Reported, Role, VoiceOrder},
    spoken::{GOOD_WER, word_error_rate},
    units::{SAMPLE_RATE, Samples},
};
use studio_draft::voice::DraftVoice;
use studio_engine::{
    Artifact, Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, Progress, Ready, Workspace,
};
use tokio::sync::watch;

use self::cloning::Cloning;
use super::{
    http::{Http, Trouble},
    resident_server::{Fallback, Service},
    wav,
    whisper::Whisper,
};

/// Name of the engine and its seat.
pub const SPEECH: &str = "speech";
/// Share of the loudest sample that counts as silence, and how much of it is kept before and after, in milliseconds.
const SILENCE: (f32, (u32, u32)) = (0.015, (20, 60));
/// How often a line is spoken when the listener does not understand it.
const TELLINGS: usize = 2;
/// A line without words is a beat.
const BEAT: usize = SAMPLE_RATE as usize * 2 / 5;
/// Slowest and fastest speech servers take.
const SPEEDS: (f64, f64) = (0.5, 2.0);

/// Where it is.
#[derive(Clone)]
pub struct SpeechPlan {
    /// Without the route, e.g. `http://127.0.0.1:8880`.
    pub url: String,
    /// Name of the model the server wants.
    pub model: String,
    /// Key; empty for servers without.
    pub key: String,
    /// The voice of whoever has none.
    pub voice: String,
    /// Who listens to what was said; `None`: nobody.
    pub listener: Option<Whisper>,
    /// Its card, unit and memory.
    pub service: Service,
}

/// Names of the voices the server at `url` tells of.
///
/// # Errors
/// It is not there, or has no such route.
pub async fn voices_at(url: &str) -> Result<Vec<String>, Trouble> {
    told(&Http::new(url)?).await
}

async fn told(http: &Http) -> Result<Vec<String>, Trouble> {
    let answer: Value = http.get("/v1/audio/voices").await?;
    Ok(voices(&answer))
}

/// The engine that has a speech server speak lines.
pub struct Speech {
    plan: Arc<SpeechPlan>,
    http: Http,
    standing: Fallback,
    cloning: Cloning,
}

impl Speech {
    /// An engine at rest; the server need not be there yet.
    pub fn open(plan: SpeechPlan) -> Result<Self, Trouble> {
        let (http, plan) = (Http::patient(&plan.url, plan.service.patience.load)?, Arc::new(plan));
        let look = {
            let http = http.clone();
            move || {
                let http = http.clone();
                async move { here(&http).await }
            }
        };
        let standing = Fallback::new(plan.service.clone(), Arc::new(DraftVoice::default()), look);
        Ok(Self { plan, http, standing, cloning: Cloning::default() })
    }

    fn authorised(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if self.plan.key.is_empty() { request } else { request.bearer_auth(&self.plan.key) }
    }

    async fn said(&self, order: &VoiceOrder, voice: &str, speed: f64) -> Result<wav::Sound, EngineError> {
        let body = json!({
            "model": self.plan.model, "input": order.text, "voice": voice, "response_format": "wav",
            "speed": speed.clamp(SPEEDS.0, SPEEDS.1), "stream": false,
        });
        let route = "/v1/audio/speech";
        let request = self.authorised(self.http.request(Method::POST, route).json(&body));
        let bytes = self.http.body(request, route).await.map_err(|trouble| trouble.failure())?;
        let sound = tokio::task::spawn_blocking(move || {
            let sound = wav::read(&bytes)?.with_channels(1).trimmed(SILENCE.0, SILENCE.1).at_studio_rate()?;
            if sound.is_silent() {
                return Err(EngineError::new(FailureKind::Transient, "the speech server answered with silence"));
            }
            Ok(sound)
        });
        sound.await.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))?
    }

    /// Speaks a line; when somebody listens, until it is understood or has been said twice.
    async fn speak(
        &self,
        order: &VoiceOrder,
        room: &Workspace,
        progress: &Progress,
    ) -> Result<Vec<Artifact>, EngineError> {
        let out = room.dir.join("voice.wav");
        let file = |samples: usize, out: &Path| {
            let facts = MediaFacts::Sound { samples: Samples(samples as u64), rate: SAMPLE_RATE, channels: 1 };
            Artifact::File { role: Role::Sound, path: out.to_owned(), facts }
        };
        if !order.text.chars().any(char::is_alphanumeric) {
            wav::Sound { channels: vec![vec![0.0; BEAT]], rate: SAMPLE_RATE }.write(&out)?;
            return Ok(vec![file(BEAT, &out)]);
        }
        let (voice, remark) = self.speaker(order, room).await?;
        let mut best: Option<(wav::Sound, Option<Heard>)> = None;
        for telling in 0..TELLINGS {
            // A little slower is clearer.
            let sound = match (self.said(order, &voice, 1.0 - 0.08 * telling as f64).await, &order.sample) {
                (Err(failure), Some(sample)) if failure.kind == FailureKind::Refused && remark.is_none() => {
                    // A server that was started anew has lost what it was sent.
                    self.cloning.forget(sample.hash);
                    return Err(EngineError::new(FailureKind::Transient, failure.message));
                }
                (said, _) => said?,
            };
            progress.tell(0.5 + 0.2 * telling as f64);
            sound.write(&out)?;
            let heard = self.listen(order, &out).await;
            let rate = |heard: &Option<Heard>| heard.as_ref().map_or(0.0, |heard| heard.word_error_rate);
            let understood = rate(&heard) <= GOOD_WER;
            if best.as_ref().is_none_or(|(_, before)| rate(&heard) < rate(before)) {
                best = Some((sound, heard));
            }
            if understood {
                break;
            }
        }
        let Some((sound, heard)) = best else {
            return Err(EngineError::new(FailureKind::Transient, "nothing was said"));
        };
        sound.write(&out)?;
        let mut made = vec![file(sound.len(), &out)];
        if heard.is_some() || remark.is_some() {
            made.push(Artifact::Finding(Reported::Recording { stand_in: None, heard, remark }));
        }
        Ok(made)
    }

    async fn listen(&self, order: &VoiceOrder, recording: &Path) -> Option<Heard> {
        let transcript = match self.plan.listener.as_ref()?.hear(recording, &order.language).await {
            Ok(transcript) => transcript,
            Err(failure) => {
                // A line nobody listened to is no worse for it.
                tracing::warn!(%failure, "nobody listens to what the voices say");
                return None;
            }
        };
        let word_error_rate = word_error_rate(&order.text, &transcript.text);
        Some(Heard { word_error_rate, words: transcript.words })
    }

    /// Who speaks a line: the clone of somebody's recording where the server can, else a voice by name and what to say
    /// about it.
    async fn speaker(&self, order: &VoiceOrder, room: &Workspace) -> Result<(String, Option<String>), EngineError> {
        let Some(sample) = &order.sample else { return Ok((self.voice(order).await, None)) };
        if let Some(voice) = self.cloning.voice(&self.http, &self.plan.key, sample.hash, room.path(sample)).await? {
            return Ok((voice, None));
        }
        let voice = self.voice(order).await;
        let remark = format!("{} speaks as {voice}: the speech server cannot clone voices", order.character);
        Ok((voice, Some(remark)))
    }

    /// The voice of a character: the one chosen, else one that fits, always the same for the same character.
    async fn voice(&self, order: &VoiceOrder) -> String {
        if let Some(voice) = &order.voice {
            return voice.clone();
        }
        let all = told(&self.http).await.unwrap_or_default();
        choose(&all, order).unwrap_or_else(|| self.plan.voice.clone())
    }
}

/// Whether a server answers at all; which routes it has differs.
async fn here(http: &Http) -> Result<(), String> {
    match http.get::<Value>("/v1/models").await {
        Err(trouble) if trouble.is_silence() => Err(format!("{trouble}; start the speech server")),
        _ => Ok(()),
    }
}

/// Names in any of the shapes servers use: strings, or objects with `id`, `name` or `voice_id`.
fn voices(answer: &Value) -> Vec<String> {
    let list = answer.get("voices").unwrap_or(answer);
    let name = |voice: &Value| {
        let named = ["id", "name", "voice_id"].iter().find_map(|key| voice.get(key)?.as_str());
        voice.as_str().or(named).map(str::to_owned)
    };
    list.as_array().into_iter().flatten().filter_map(name).collect()
}

/// A voice for somebody: of the language and gender when names tell (Kokoro's `af_heart`: American, female).
fn choose(all: &[String], order: &VoiceOrder) -> Option<String> {
    let letter = match order.profile.gender {
        Gender::Female => Some('f'),
        Gender::Male => Some('m'),
        Gender::Neutral => None,
    };
    let languages: &[char] = match order.language.split('-').next().unwrap_or_default() {
        "en" => &['a', 'b'],
        "ja" => &['j'],
        "zh" => &['z'],
        "es" => &['e'],
        "fr" => &['f'],
        "hi" => &['h'],
        "it" => &['i'],
        "pt" => &['p'],
        _ => &[],
    };
    let kokoro = |voice: &&String| {
        let mut letters = voice.chars();
        let (language, gender, bar) = (letters.next(), letters.next(), letters.next());
        bar == Some('_')
            && language.is_some_and(|language| languages.contains(&language))
            && (letter.is_none() || gender == letter)
    };
    let fitting: Vec<&String> = all.iter().filter(kokoro).collect();
    let fitting = if fitting.is_empty() { all.iter().collect() } else { fitting };
    let count = fitting.len() as u64;
    (count > 0).then(|| fitting[(order.profile.seed.0 % count) as usize].clone())
}

impl Engine for Speech {
    fn version(&self) -> String {
        format!("{SPEECH}/1")
    }

    fn version_for(&self, _order: &Order) -> String {
        format!("{SPEECH}/1 {} {}", self.plan.model, self.plan.voice)
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Voice(line) = order else {
                return Err(EngineError::new(FailureKind::Refused, "the speech server only speaks lines"));
            };
            self.standing.run(order, room, progress, stop, self.speak(line, room, progress)).await
        })
    }

    fn stands(&self, _order: &Order, outputs: &Outputs) -> bool {
        self.standing.stands(outputs)
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.standing.offer())
    }

    fn look(&self) -> Boxed<'_, ()> {
        self.standing.look()
    }

    fn watch(&self) {
        self.standing.watch();
    }

    fn ready<'a>(&'a self, _seat: &'a str, _model: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        Box::pin(self.standing.service().ready(|| here(&self.http)))
    }

    fn release<'a>(&'a self, _seat: &'a str, _model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(self.standing.service().release())
    }
}

#[cfg(test)]
mod tests {
    use studio_core::character::CharacterProfile;

    use super::*;

    #[test]
    fn voices_are_listed_in_every_shape_and_chosen_to_fit() {
        for answer in [
            json!({ "voices": ["af_heart", "am_adam"] }),
            json!({ "voices": [{ "id": "af_heart", "name": "Heart" }, { "id": "am_adam" }], "status": "ok" }),
            json!([{ "voice_id": "af_heart" }, { "name": "am_adam" }]),
        ] {
            assert_eq!(voices(&answer), ["af_heart", "am_adam"], "{answer}");
        }
        let order = |gender| VoiceOrder {
            character: "Edda".into(),
            profile: CharacterProfile::from_name("Edda", Some(gender), None),
            text: "Where?".into(),
            manner: None,
            language: "en-GB".into(),
            voice: None,
            sample: None,
        };
        let all = ["jf_alpha", "af_heart", "am_adam", "bm_lewis"].map(str::to_owned);
        assert_eq!(choose(&all, &order(Gender::Female)).as_deref(), Some("af_heart"));
        assert!(["am_adam", "bm_lewis"].contains(&choose(&all, &order(Gender::Male)).unwrap().as_str()));
        assert_eq!(choose(&["Emily.wav".into()], &order(Gender::Male)).as_deref(), Some("Emily.wav"));
        assert_eq!(choose(&[], &order(Gender::Male)), None);
    }
}
