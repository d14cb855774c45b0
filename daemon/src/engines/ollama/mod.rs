//! `Ollama`: vision, text and embeddings on one card, through its own protocol.
//!
//! Its OpenAI-like routes can neither fix the context size nor unload a model, so they are not used. `num_ctx` is the
//! same in every request: another one would load the model again.

mod wire;

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use studio_core::fleet::{Away, Holds, ModelFacts, SeatFacts};
use studio_engine::{Availability, Boxed, EngineError, FailureKind, Ready, WorkerStatus};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    chat::{Answer, Asking, Chat, Usage},
    http::{Http, Trouble, shortened},
    resident_server::{Home, Monitor, Patience, unless_stopped},
};
use crate::wait::Wait;

/// Name of the engine and its seat.
pub const OLLAMA: &str = "ollama";
/// Longest answer that is read, in bytes: a model that repeats itself for ever is stopped.
const LONGEST_ANSWER: usize = 1 << 20;
/// Between two looks at whether a model has gone.
const GLANCE: Duration = Duration::from_millis(250);

/// A model the studio uses there.
#[derive(Debug, Clone)]
pub struct OllamaModel {
    /// Name of the model as Ollama lists it, e.g. `gemma3:12b`.
    pub name: String,
    /// Memory it needs, in MiB, until it has been seen loaded.
    pub vram_mib: u64,
    /// How long it takes to load, in seconds.
    pub load_s: u32,
    /// Its context in tokens, the same in every request.
    pub num_ctx: u32,
}

/// Where it is and what it is used for.
#[derive(Clone)]
pub struct OllamaPlan {
    /// Address of the server, e.g. `http://127.0.0.1:11434`.
    pub url: String,
    /// The card the server lives on, and its systemd unit.
    pub home: Home,
    /// Models that are used.
    pub models: Vec<OllamaModel>,
    /// How long a model stays after its last request, as Ollama writes it: `30m`.
    pub keep_alive: String,
    /// How patient the studio is with it.
    pub patience: Patience,
}

/// What is known of the server's models.
#[derive(Debug, Default)]
struct Known {
    /// Digest by name.
    digests: BTreeMap<String, String>,
    /// Abilities by digest.
    abilities: BTreeMap<String, Vec<String>>,
}

/// A client of one Ollama server.
pub struct Ollama {
    plan: Arc<OllamaPlan>,
    http: Http,
    known: Arc<Mutex<Known>>,
    monitor: Monitor,
}

impl Ollama {
    /// A client at rest; the server need not be there yet.
    pub fn open(plan: OllamaPlan) -> Result<Self, Trouble> {
        // A model that loads says nothing for as long as that takes.
        let http = Http::patient(&plan.url, plan.patience.load)?;
        let (plan, known) = (Arc::new(plan), Arc::new(Mutex::new(Known::default())));
        let first = plan.offer(&Err(Away::Unasked { at: None }));
        let look = {
            let (plan, http, known) = (plan.clone(), http.clone(), known.clone());
            move || {
                let (plan, http, known) = (plan.clone(), http.clone(), known.clone());
                async move { look(&plan, &http, &known).await }
            }
        };
        let monitor = Monitor::new(first, plan.patience.look, look);
        Ok(Self { plan, http, known, monitor })
    }

    /// Whether a model can do something: `vision`, `thinking`, `embedding`.
    pub async fn can(&self, model: &str, ability: &str) -> Result<bool, EngineError> {
        let digest = self.print(model);
        let kept = self.known.lock().expect("nobody breaks down with it").abilities.get(&digest).cloned();
        if let Some(abilities) = kept.filter(|_| !digest.is_empty()) {
            return Ok(abilities.iter().any(|one| one == ability));
        }
        let body = self.http.post("/api/show", &json!({ "model": model })).await;
        let body = body.map_err(|trouble| not_there(model, &trouble))?;
        let shown: wire::Shown = self.http.read("/api/show", &body).map_err(|trouble| trouble.failure())?;
        let can = shown.capabilities.iter().any(|one| one == ability);
        self.known.lock().expect("nobody breaks down with it").abilities.insert(digest, shown.capabilities);
        Ok(can)
    }

    /// Vectors of texts, each of length 1; close texts have close vectors.
    pub async fn embed(&self, model: &str, texts: &[String]) -> Result<Vec<Vec<f32>>, EngineError> {
        let body = json!({ "model": model, "input": texts, "keep_alive": self.plan.keep_alive, "options": self.options(model) });
        let request = self.http.request(Method::POST, "/api/embed").json(&body);
        let body = self.http.body(request, "/api/embed").await.map_err(|trouble| not_there(model, &trouble))?;
        let embedded: wire::Embedded = self.http.read("/api/embed", &body).map_err(|trouble| trouble.failure())?;
        if embedded.embeddings.len() != texts.len() {
            let message = format!("{model} gave {} vectors for {} texts", embedded.embeddings.len(), texts.len());
            return Err(EngineError::new(FailureKind::Transient, message));
        }
        Ok(embedded.embeddings)
    }

    fn options(&self, model: &str) -> Value {
        let known = self.plan.models.iter().find(|one| wire::same(&one.name, model));
        known.map_or_else(|| json!({}), |one| json!({ "num_ctx": one.num_ctx }))
    }

    async fn chat(&self, asking: &Asking<'_>) -> Result<Answer, EngineError> {
        if !asking.pictures.is_empty() && !self.can(asking.model, "vision").await? {
            let message =
                format!("{} cannot see; choose a vision model such as gemma3:12b in the settings", asking.model);
            return Err(EngineError::new(FailureKind::Refused, message));
        }
        let mut options = self.options(asking.model);
        options["temperature"] = json!(asking.temperature);
        options["num_predict"] = json!(asking.most_tokens);
        options["seed"] = json!(0);
        let images: Vec<String> = asking.pictures.iter().map(|picture| BASE64_STANDARD.encode(picture)).collect();
        let mut body = json!({
            "model": asking.model,
            "messages": [{ "role": "user", "content": asking.text, "images": images }],
            "stream": true,
            "format": asking.schema,
            "keep_alive": self.plan.keep_alive,
            "options": options,
        });
        if self.can(asking.model, "thinking").await? {
            // Thoughts would eat the answer's tokens, and the grammar does not hold them.
            body["think"] = json!(false);
        }
        let request = self.http.request(Method::POST, "/api/chat").json(&body);
        let response =
            self.http.send(request, "/api/chat").await.map_err(|trouble| not_there(asking.model, &trouble))?;
        self.hear(response).await
    }

    /// Reads an answer line by line: an error may come after it began well.
    async fn hear(&self, response: reqwest::Response) -> Result<Answer, EngineError> {
        let (mut pieces, mut rest, mut text) = (response.bytes_stream(), Vec::new(), String::new());
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.http.lost(&error).failure())?;
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let line: wire::Line = self.http.read("/api/chat", &line).map_err(|trouble| trouble.failure())?;
                if let Some(error) = line.error {
                    let message = format!("ollama broke off: {}", shortened(&error));
                    return Err(EngineError::new(FailureKind::Transient, message));
                }
                text.push_str(&line.message.unwrap_or_default().content);
                if line.done {
                    // Ollama leaves the first count out when it remembers the whole question.
                    let usage =
                        line.eval_count.map(|written| Usage { read: line.prompt_eval_count.unwrap_or(0), written });
                    return Ok(Answer { text, cut: line.done_reason.as_deref() == Some("length"), usage });
                }
                if text.len() > LONGEST_ANSWER {
                    return Ok(Answer { text, cut: true, usage: None });
                }
            }
        }
        Err(EngineError::new(FailureKind::Transient, "ollama's answer ends before it is whole"))
    }

    /// What is loaded now.
    async fn loaded(&self) -> Result<Vec<wire::Model>, EngineError> {
        let loaded: wire::Models = self.http.get("/api/ps").await.map_err(|trouble| trouble.failure())?;
        Ok(loaded.models)
    }

    async fn load(&self, model: &str) -> Result<(), EngineError> {
        self.plan.home.start().await?;
        let body = json!({ "model": model, "keep_alive": self.plan.keep_alive, "options": self.options(model) });
        // A client that gives up during a load aborts it, so this one waits for as long as loads may take.
        let request = self.http.request(Method::POST, "/api/generate").json(&body).timeout(self.plan.patience.load);
        self.http.body(request, "/api/generate").await.map_err(|trouble| not_there(model, &trouble))?;
        let there = self.loaded().await?;
        match there.iter().find(|one| wire::same(&one.name, model)) {
            Some(one) if one.size_vram < one.size => {
                let share = (one.size - one.size_vram) * 100 / one.size.max(1);
                tracing::warn!(
                    model,
                    share,
                    "a part of the model is in main memory, which is slow; choose a smaller one"
                );
                Ok(())
            }
            Some(_) => Ok(()),
            None => Err(EngineError::new(
                FailureKind::Transient,
                format!("ollama was asked for {model}, but it is not loaded"),
            )),
        }
    }

    async fn unload(&self, model: &str) -> Result<(), EngineError> {
        let Some(here) = self.loaded().await?.into_iter().find(|one| wire::same(&one.name, model)) else {
            return Ok(());
        };
        let before = self.plan.home.used_mib();
        let body = json!({ "model": model, "keep_alive": 0 });
        self.http.post("/api/generate", &body).await.map_err(|trouble| not_there(model, &trouble))?;
        // The answer comes before the memory is free: what runs is finished first.
        let look = || async move {
            match self.loaded().await {
                Ok(all) if all.iter().any(|one| wire::same(&one.name, model)) => ControlFlow::Continue(()),
                Ok(_) => ControlFlow::Break(Ok(())),
                Err(failure) => ControlFlow::Break(Err(failure)),
            }
        };
        Wait::new(GLANCE, self.plan.patience.release).until(look).await.unwrap_or_else(|_| {
            let message = format!("ollama keeps {model} although it was asked to let it go; it is still at something");
            Err(EngineError::new(FailureKind::Transient, message))
        })?;
        self.plan.home.given_back(before, here.size_vram >> 20, self.plan.patience.release).await
    }
}

/// A 404 means the model, and says how to get it.
fn not_there(model: &str, trouble: &Trouble) -> EngineError {
    match trouble {
        Trouble::Answer { status: 404, .. } => {
            let message = format!("ollama has no model '{model}'; 'ollama pull {model}' gets it");
            EngineError::new(FailureKind::Refused, message)
        }
        // Its queue is full.
        Trouble::Answer { status: 503, retry_after_ms, .. } => {
            EngineError::new(FailureKind::Away, "ollama is busy; its queue is full").retry_after(*retry_after_ms)
        }
        Trouble::Answer { status: 403, text, .. } => {
            let message = format!("ollama refuses the address it is called by ({text}); set OLLAMA_HOST there");
            EngineError::new(FailureKind::Refused, message)
        }
        _ => trouble.failure(),
    }
}

impl OllamaPlan {
    /// What is offered: `Err` says why nothing is.
    fn offer(&self, here: &Result<&[wire::Model], Away>) -> Availability {
        let loaded = here.as_ref().ok().map(|loaded| {
            let names = self.models.iter().map(|model| &model.name);
            names.filter(|name| loaded.iter().any(|one| wire::same(&one.name, name))).cloned().collect()
        });
        let facts = |model: &OllamaModel| {
            let seen = here.as_ref().ok().and_then(|all| all.iter().find(|one| wire::same(&one.name, &model.name)));
            let vram_mib = seen.map(|one| one.size_vram >> 20).filter(|mib| *mib > 0).unwrap_or(model.vram_mib);
            ModelFacts { vram_mib, load_ms: u64::from(model.load_s) * 1000, unload_ms: 2_000 }
        };
        let seat = WorkerStatus {
            facts: SeatFacts {
                seat: OLLAMA.into(),
                engine: OLLAMA.into(),
                card: self.home.slot.as_ref().map(ToString::to_string),
                parallel: 1,
                queue_ahead: 0,
                holds: Holds::Many,
                spacing_ms: 0,
                lacks: std::collections::BTreeSet::new(),
            },
            away: here.as_ref().err().cloned(),
            card: None,
            loaded,
        };
        Availability {
            seats: vec![seat],
            models: self.models.iter().map(|model| (model.name.clone(), facts(model))).collect(),
        }
    }
}

/// Looks at the server once.
async fn look(plan: &OllamaPlan, http: &Http, known: &Mutex<Known>) -> Availability {
    let both = async { Ok((http.get::<wire::Models>("/api/tags").await?, http.get::<wire::Models>("/api/ps").await?)) };
    let both: Result<(wire::Models, wire::Models), Trouble> = both.await;
    match both {
        Ok((tags, loaded)) => {
            known.lock().expect("nobody breaks down with it").digests =
                tags.models.iter().map(|model| (model.name.clone(), model.digest.clone())).collect();
            plan.offer(&Ok(&loaded.models))
        }
        // A unit that is stopped is started when it is needed.
        Err(trouble) if trouble.is_silence() && plan.home.unit.is_some() => plan.offer(&Ok(&[])),
        Err(trouble) => {
            plan.offer(&Err(Away::Unreachable { message: format!("{trouble}; start it with 'ollama serve'") }))
        }
    }
}

impl Chat for Ollama {
    fn name(&self) -> &'static str {
        OLLAMA
    }

    fn print(&self, model: &str) -> String {
        let known = self.known.lock().expect("nobody breaks down with it");
        let digest = known.digests.iter().find(|(name, _)| wire::same(name, model));
        digest.map_or_else(String::new, |(_, digest)| digest.chars().take(12).collect())
    }

    fn ask<'a>(&'a self, asking: Asking<'a>, stop: &'a CancellationToken) -> Boxed<'a, Result<Answer, EngineError>> {
        Box::pin(async move { unless_stopped(stop, self.chat(&asking)).await })
    }

    fn offer(&self) -> watch::Receiver<Availability> {
        self.monitor.offer()
    }

    fn look(&self) -> Boxed<'_, ()> {
        Box::pin(self.monitor.look())
    }

    fn watch(&self) {
        self.monitor.watch();
    }

    fn ready<'a>(&'a self, model: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        Box::pin(async move { self.load(model).await.map(|()| Ready::Loaded) })
    }

    fn release<'a>(&'a self, model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(self.unload(model))
    }
}
