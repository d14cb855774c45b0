//! `ACE-Step`: music from words, by the studio's own wrapper (port 8440) or ACE-Step 1.5's server (port 8001).
//!
//! The two are told apart by asking, because each takes the other's requests and makes something else of them. Music
//! never fails a scene: when the server is away for long, a draft stands in and the scene says so.

use std::{ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use studio_core::{
    media::MediaFacts,
    order::{MusicOrder, Order, Outputs, Role},
    units::{SAMPLE_RATE, Samples},
};
use studio_draft::music::DraftMusic;
use studio_engine::{
    Artifact, Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, Progress, Ready, Workspace,
};
use tokio::sync::watch;

use super::{
    http::{Http, Trouble, encoded, shortened},
    resident_server::{Fallback, Service},
    wav,
};
use crate::wait::Wait;

/// Name of the engine and its seat.
pub const ACE_STEP: &str = "ace_step";
/// Lengths the servers make, in seconds.
const LENGTHS: (u64, u64) = (10, 600);
/// The blend that makes a loop of a piece.
const SEAM: u64 = SAMPLE_RATE as u64;
/// Between two questions whether a piece is ready.
const POLL: Duration = Duration::from_secs(2);
/// The server fails a piece after an hour; so does the studio.
const LONGEST: Duration = Duration::from_hours(1);

/// Where it is.
#[derive(Clone)]
pub struct AceStepPlan {
    /// Address of the server, e.g. `http://127.0.0.1:8001`.
    pub url: String,
    /// Key of the 1.5 server; empty when it asks for none.
    pub key: String,
    /// Sampling steps; `None` leaves them to the server.
    pub steps: Option<u32>,
    /// Between two questions; [`None`] is the usual.
    pub poll: Option<Duration>,
    /// Its card, unit and memory.
    pub service: Service,
}

/// Which of the two servers it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The studio's wrapper: `/generate`, `/status`, a file on a shared disk.
    Wrapper,
    /// ACE-Step 1.5: `/release_task`, `/query_result`, `/v1/audio`.
    Server,
}

/// The engine that has an ACE-Step server make music.
pub struct AceStep {
    plan: Arc<AceStepPlan>,
    http: Http,
    standing: Fallback,
}

/// ACE-Step 1.5 wraps every reply, and may say no with HTTP 200.
#[derive(Debug, Deserialize)]
struct Wrapped {
    data: Value,
    code: i64,
    #[serde(default)]
    error: Option<Value>,
}

/// The state of a piece.
enum State {
    /// Waiting or at work; how much is done.
    Busy(f64),
    /// Ready: a path of a shared disk or a route.
    Ready(String),
    /// It failed there.
    Failed(String),
    /// The server knows nothing of it: it was started again.
    Lost,
}

impl AceStep {
    /// An engine at rest; the server need not be there yet.
    pub fn open(plan: AceStepPlan) -> Result<Self, Trouble> {
        let (http, plan) = (Http::new(&plan.url)?, Arc::new(plan));
        let look = {
            let http = http.clone();
            move || {
                let http = http.clone();
                async move { probe(&http).await.map(drop) }
            }
        };
        let standing = Fallback::new(plan.service.clone(), Arc::new(DraftMusic), look);
        Ok(Self { plan, http, standing })
    }

    /// Which server answers.
    pub async fn kind(&self) -> Result<Kind, String> {
        probe(&self.http).await
    }

    fn post(&self, route: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.request(Method::POST, route).json(body);
        if self.plan.key.is_empty() { request } else { request.bearer_auth(&self.plan.key) }
    }

    async fn submit(&self, kind: Kind, order: &MusicOrder, seconds: u64) -> Result<String, EngineError> {
        let caption = order.caption.clone().unwrap_or_else(|| order.mood.clone());
        // Neither server takes more than 31 bits everywhere.
        let seed = order.seed.0 & 0x7fff_ffff;
        let (route, mut body) = match kind {
            Kind::Wrapper => (
                "/generate",
                json!({
                    "prompt": caption, "lyrics": "", "duration": seconds as f64, "format": "wav", "instrumental": true,
                    "infer_steps": self.plan.steps.unwrap_or(60), "guidance_scale": 15.0, "seed": seed,
                }),
            ),
            Kind::Server => (
                "/release_task",
                json!({
                    "prompt": caption, "lyrics": "[Instrumental]", "audio_duration": seconds as f64, "audio_format": "wav",
                    "batch_size": 1, "seed": seed, "use_random_seed": false, "use_cot_caption": false,
                    "use_cot_language": false, "thinking": false,
                }),
            ),
        };
        if kind == Kind::Server {
            if let Some(steps) = self.plan.steps {
                body["inference_steps"] = json!(steps);
            }
            if let Some(bpm) = order.tempo_bpm {
                body["bpm"] = json!(bpm.clamp(30, 300));
            }
        }
        let answer = self.http.body(self.post(route, &body), route).await.map_err(|trouble| trouble.failure())?;
        let data = match kind {
            Kind::Wrapper => self.http.read(route, &answer).map_err(|trouble| trouble.failure())?,
            Kind::Server => self.unwrapped(route, &answer)?,
        };
        let task = data["task_id"].as_str().map(str::to_owned);
        task.ok_or_else(|| EngineError::new(FailureKind::Transient, "ACE-Step names no task for what it was asked"))
    }

    fn unwrapped(&self, route: &str, answer: &[u8]) -> Result<Value, EngineError> {
        let wrapped: Wrapped = self.http.read(route, answer).map_err(|trouble| trouble.failure())?;
        if wrapped.code == 200 {
            return Ok(wrapped.data);
        }
        let said =
            wrapped.error.map_or_else(String::new, |error| shortened(error.as_str().unwrap_or(&error.to_string())));
        let kind = if (400..=428).contains(&wrapped.code) { FailureKind::Refused } else { FailureKind::Transient };
        Err(EngineError::new(kind, format!("ACE-Step answers {}: {said}", wrapped.code)))
    }

    async fn state(&self, kind: Kind, task: &str) -> Result<State, EngineError> {
        match kind {
            Kind::Wrapper => {
                let route = format!("/status/{}", encoded(task));
                let status: Value = match self.http.get(&route).await {
                    Err(trouble) if trouble.status() == Some(404) => return Ok(State::Lost),
                    answer => answer.map_err(|trouble| trouble.failure())?,
                };
                let error = || shortened(status["error"].as_str().unwrap_or("it does not say why"));
                Ok(match status["status"].as_str().unwrap_or_default() {
                    "completed" => State::Ready(status["output_path"].as_str().unwrap_or_default().to_owned()),
                    "failed" | "error" => State::Failed(error()),
                    "not_found" | "unknown" | "" => State::Lost,
                    _ => State::Busy(status["progress"].as_f64().unwrap_or(0.0)),
                })
            }
            Kind::Server => {
                let route = "/query_result";
                let request = self.post(route, &json!({ "task_id_list": [task] }));
                let answer = self.http.body(request, route).await.map_err(|trouble| trouble.failure())?;
                let data = self.unwrapped(route, &answer)?;
                let one = &data[0];
                // A second JSON inside the first.
                let result: Value = serde_json::from_str(one["result"].as_str().unwrap_or("[]")).unwrap_or_default();
                let first = &result[0];
                Ok(match (one["status"].as_i64(), first.is_null()) {
                    (Some(1), false) => State::Ready(first["file"].as_str().unwrap_or_default().to_owned()),
                    (Some(2), _) => State::Failed(shortened(first["error"].as_str().unwrap_or("it does not say why"))),
                    // An id nobody knows looks like one that waits, but for the empty list.
                    (_, true) => State::Lost,
                    _ => State::Busy(first["progress"].as_f64().unwrap_or(0.0)),
                })
            }
        }
    }

    async fn fetch(&self, kind: Kind, task: &str, at: &str) -> Result<Vec<u8>, EngineError> {
        let get = |route: String| async move {
            let request = self.http.request(Method::GET, &route);
            let request = if self.plan.key.is_empty() { request } else { request.bearer_auth(&self.plan.key) };
            self.http.body(request, &route).await
        };
        if kind == Kind::Server {
            return get(at.to_owned()).await.map_err(|trouble| trouble.failure());
        }
        // The wrapper has no route for the file: it lies on a disk both see, or on one only it sees.
        let local = Path::new(at);
        if local.is_absolute()
            && local.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav"))
            && local.is_file()
        {
            return tokio::fs::read(local).await.map_err(|error| EngineError::io("failed to read the music", &error));
        }
        for route in [format!("/result/{}", encoded(task)), format!("/download/{}", encoded(task))] {
            if let Ok(bytes) = get(route).await {
                return Ok(bytes);
            }
        }
        let message = format!("ACE-Step made {at}, which this machine does not see; share that folder with it");
        Err(EngineError::new(FailureKind::Refused, message))
    }

    async fn compose(
        &self,
        order: &MusicOrder,
        room: &Workspace,
        progress: &Progress,
    ) -> Result<Vec<Artifact>, EngineError> {
        let kind = probe(&self.http).await.map_err(|why| EngineError::new(FailureKind::Away, why))?;
        let wanted = (order.at_least.0 + SEAM).div_ceil(u64::from(SAMPLE_RATE)).clamp(LENGTHS.0, LENGTHS.1);
        let task = self.submit(kind, order, wanted).await?;
        let asked = task.as_str();
        let look = || async move {
            match self.state(kind, asked).await {
                Ok(State::Busy(done)) => {
                    progress.tell(0.9 * done);
                    ControlFlow::Continue(())
                }
                Ok(State::Ready(at)) => ControlFlow::Break(Ok(at)),
                Ok(State::Failed(why)) => {
                    let message = format!("ACE-Step failed to make the music: {why}");
                    ControlFlow::Break(Err(EngineError::new(FailureKind::Transient, message)))
                }
                Ok(State::Lost) => {
                    let message = "ACE-Step knows nothing of the music it was asked for; it was started again";
                    ControlFlow::Break(Err(EngineError::new(FailureKind::Lost, message)))
                }
                Err(failure) => ControlFlow::Break(Err(failure)),
            }
        };
        let at = Wait::new(self.plan.poll.unwrap_or(POLL), LONGEST).until(look).await.unwrap_or_else(|_| {
            Err(EngineError::new(FailureKind::Transient, "ACE-Step did not finish the music within an hour"))
        })?;
        let bytes = self.fetch(kind, &task, &at).await?;
        let out = room.dir.join("music.wav");
        let (file, wanted) = (out.clone(), order.at_least);
        let samples = tokio::task::spawn_blocking(move || finish(&bytes, wanted, &file)).await;
        let samples = samples.map_err(|error| {
            EngineError::new(FailureKind::Transient, format!("failed to finish the music: {error}"))
        })??;
        let facts = MediaFacts::Sound { samples, rate: SAMPLE_RATE, channels: 2 };
        Ok(vec![Artifact::File { role: Role::Sound, path: out, facts }])
    }
}

/// 48 kHz stereo, checked, as a loop without a seam.
fn finish(bytes: &[u8], at_least: Samples, out: &Path) -> Result<Samples, EngineError> {
    let sound = wav::read(bytes)?.at_studio_rate()?.with_channels(2);
    if sound.is_silent() {
        return Err(EngineError::new(FailureKind::Transient, "ACE-Step answered with silence"));
    }
    let short = sound.len() as u64 + SEAM < at_least.0 / 2;
    if short {
        let message = format!(
            "ACE-Step made {} s of the {} s it was asked for",
            sound.len() as u64 / u64::from(SAMPLE_RATE),
            at_least.0 / u64::from(SAMPLE_RATE)
        );
        return Err(EngineError::new(FailureKind::Transient, message));
    }
    let sound = sound.looped(SEAM as usize);
    sound.write(out)?;
    Ok(Samples(sound.len() as u64))
}

/// Asks which of the two servers it is; the error says why it is neither.
async fn probe(http: &Http) -> Result<Kind, String> {
    let route = "/v1/models";
    match http.get::<Value>(route).await {
        Ok(answer) if answer.get("code").is_some() && answer.get("data").is_some() => return Ok(Kind::Server),
        // It wants its key for that, which the wrapper never would.
        Err(Trouble::Answer { status: 401 | 403, .. }) => return Ok(Kind::Server),
        Err(trouble) if trouble.is_silence() => return Err(format!("{trouble}; start ACE-Step")),
        Ok(_) | Err(_) => {}
    }
    match http.get::<Value>("/status/studiod").await {
        Ok(answer) if answer.get("status").is_some() => Ok(Kind::Wrapper),
        Err(Trouble::Answer { status: 404, text, .. }) if text.starts_with('{') => Ok(Kind::Wrapper),
        Err(trouble) if trouble.is_silence() => Err(format!("{trouble}; start ACE-Step")),
        _ => Err(format!("{} is no ACE-Step; correct ace_step.url in the settings", http.base())),
    }
}

impl Engine for AceStep {
    fn version(&self) -> String {
        format!("{ACE_STEP}/1")
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Music(music) = order else {
                return Err(EngineError::new(FailureKind::Refused, "ACE-Step only makes music"));
            };
            self.standing.run(order, room, progress, stop, self.compose(music, room, progress)).await
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
        Box::pin(self.standing.service().ready(|| async { probe(&self.http).await.map(drop) }))
    }

    fn release<'a>(&'a self, _seat: &'a str, _model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(self.standing.service().release())
    }
}
