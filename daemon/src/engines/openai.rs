//! `OpenAI`-compatible servers: `LocalAI`, llama.cpp, vLLM, `OpenRouter`, `OpenAI` itself; for vision and text.
//!
//! Through `async-openai`, with its traps disarmed: its own retries are off (the scheduler decides those), requests
//! and answers go as plain JSON (typed answers need fields that local servers leave out), and the time limit is ours.

use std::{sync::Arc, time::Duration};

use async_openai::{Client, config::OpenAIConfig, error::OpenAIError, middleware::HttpRequestFactory};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use studio_core::{
    fleet::{Holds, ModelFacts, SeatFacts},
    model::Price,
};
use studio_engine::{Availability, Boxed, EngineError, FailureKind, Ready, WorkerStatus};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use super::{
    chat::{Answer, Asking, Chat, Usage},
    http::{kind_of_status, prepare, retry_after_ms, shortened},
    resident_server::unless_stopped,
};

/// Name of the engine and its seat.
pub const OPENAI: &str = "openai";
/// A provider that says nothing for this long has forgotten us; a cold model may take minutes.
const ANSWER_LIMIT: Duration = Duration::from_mins(10);

/// Where it is and what it costs.
#[derive(Clone)]
pub struct OpenAiPlan {
    /// Up to `/v1`, e.g. `http://127.0.0.1:8080/v1`.
    pub url: String,
    /// The key; empty for servers without.
    pub key: Key,
    /// Models that are used.
    pub models: Vec<String>,
    /// What a question costs.
    pub price: Price,
    /// Questions at a time.
    pub parallel: usize,
    /// Least time between two questions, in milliseconds: what the provider allows.
    pub spacing_ms: u64,
}

/// A key that is never shown.
#[derive(Clone, Default)]
pub struct Key(String);

impl Key {
    /// Keeps a key; white space around it is the file's.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A client of one `OpenAI`-compatible server.
pub struct OpenAi {
    plan: OpenAiPlan,
    client: Client<OpenAIConfig>,
    offer: watch::Receiver<Availability>,
    /// Nobody sends; the offer stays as long as this does.
    _say: Arc<watch::Sender<Availability>>,
}

impl OpenAi {
    /// A client; nothing is asked yet.
    pub fn open(plan: OpenAiPlan) -> Result<Self, String> {
        prepare();
        let http = async_openai_http()?;
        // Without a key of its own the crate would take one from the environment.
        let config = OpenAIConfig::new().with_api_base(plan.url.trim_end_matches('/')).with_api_key(plan.key.text());
        let client =
            Client::with_config(config).with_http_service(service_fn(move |request| send(http.clone(), request)));
        let (say, offer) = watch::channel(plan.offer());
        Ok(Self { plan, client, offer, _say: Arc::new(say) })
    }

    async fn chat(&self, asking: &Asking<'_>) -> Result<Answer, EngineError> {
        let mut content = vec![json!({ "type": "text", "text": asking.text })];
        content.extend(asking.pictures.iter().map(|picture| {
            let url = format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(picture));
            json!({ "type": "image_url", "image_url": { "url": url } })
        }));
        let body = json!({
            "model": asking.model,
            "messages": [{ "role": "user", "content": content }],
            "temperature": asking.temperature,
            "top_p": 1.0,
            // Newer servers take `max_completion_tokens` too; this one every server knows.
            "max_tokens": asking.most_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": "answer", "strict": true, "schema": asking.schema },
            },
        });
        let answer: Result<Value, OpenAIError> = self.client.chat().create_byot(body).await;
        let answer = answer.map_err(|error| failure(asking.model, &error))?;
        let choice = &answer["choices"][0];
        let text = choice["message"]["content"].as_str().unwrap_or_default().to_owned();
        if let Some(refusal) = choice["message"]["refusal"].as_str().filter(|refusal| !refusal.is_empty()) {
            let message = format!("{} refuses to answer: {}", asking.model, shortened(refusal));
            return Err(EngineError::new(FailureKind::Refused, message));
        }
        let count = |name: &str| u32::try_from(answer["usage"][name].as_u64()?).ok();
        let usage = count("prompt_tokens").zip(count("completion_tokens"));
        let usage = usage.map(|(read, written)| Usage { read, written });
        Ok(Answer { text, cut: choice["finish_reason"] == "length", usage })
    }
}

fn async_openai_http() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).timeout(ANSWER_LIMIT);
    client.build().map_err(|error| error.to_string())
}

/// A server said no. Read here, because the crate forgets the status of an answer whose body is not `OpenAI`'s own, such
/// as the `{"error":"loading model"}` of llama.cpp.
#[derive(Debug, thiserror::Error)]
#[error("{status}: {said}")]
struct No {
    status: u16,
    said: String,
    retry_after_ms: Option<i64>,
}

/// Sends a request; an answer that is no success is a [`No`] with the message of its body.
async fn send(http: reqwest::Client, request: HttpRequestFactory) -> Result<reqwest::Response, OpenAIError> {
    let answer = http.execute(request.build().await?).await.map_err(OpenAIError::Reqwest)?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let retry_after_ms = retry_after_ms(answer.headers());
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let said = body["error"]["message"].as_str().or(body["error"].as_str()).unwrap_or(&text);
    Err(OpenAIError::Boxed(Box::new(No { status, said: shortened(said), retry_after_ms })))
}

/// What to do about an error; the key is in none of them.
fn failure(model: &str, error: &OpenAIError) -> EngineError {
    match error {
        OpenAIError::Boxed(inner) if let Some(No { status, said, retry_after_ms }) = inner.downcast_ref() => {
            match status {
                404 => EngineError::new(FailureKind::Refused, format!("the server has no model '{model}': {said}")),
                401 | 403 => {
                    EngineError::new(FailureKind::Refused, format!("the server does not accept the key: {said}"))
                }
                _ => EngineError::new(kind_of_status(*status), format!("the server answers {status}: {said}"))
                    .retry_after(*retry_after_ms),
            }
        }
        OpenAIError::JSONDeserialize(_, body) => EngineError::new(
            FailureKind::Transient,
            format!("the server answers with something else than it should: {}", shortened(body)),
        ),
        OpenAIError::Reqwest(error) if error.is_connect() => {
            EngineError::new(FailureKind::Away, format!("the server does not answer: {}", root(error)))
        }
        OpenAIError::InvalidArgument(why) => EngineError::new(FailureKind::Refused, why.clone()),
        other => EngineError::new(FailureKind::Transient, format!("the server does not answer: {}", root(other))),
    }
}

fn root(error: &dyn std::error::Error) -> String {
    let mut why = error;
    while let Some(inner) = why.source() {
        why = inner;
    }
    shortened(&why.to_string())
}

impl OpenAiPlan {
    fn offer(&self) -> Availability {
        let seat = WorkerStatus {
            facts: SeatFacts {
                seat: OPENAI.into(),
                engine: OPENAI.into(),
                card: None,
                parallel: self.parallel.max(1),
                queue_ahead: 0,
                holds: Holds::Many,
                spacing_ms: self.spacing_ms,
                lacks: std::collections::BTreeSet::new(),
            },
            away: None,
            card: None,
            loaded: Some(self.models.clone()),
        };
        let models = self.models.iter().map(|name| (name.clone(), ModelFacts::default())).collect();
        Availability { seats: vec![seat], models }
    }
}

impl Chat for OpenAi {
    fn name(&self) -> &'static str {
        OPENAI
    }

    fn print(&self, _model: &str) -> String {
        // Providers tell nothing that would say when a model changed.
        String::new()
    }

    fn ask<'a>(&'a self, asking: Asking<'a>, stop: &'a CancellationToken) -> Boxed<'a, Result<Answer, EngineError>> {
        Box::pin(async move { unless_stopped(stop, self.chat(&asking)).await })
    }

    fn offer(&self) -> watch::Receiver<Availability> {
        self.offer.clone()
    }

    fn ready<'a>(&'a self, _model: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        Box::pin(async { Ok(Ready::AlreadyThere) })
    }

    fn release<'a>(&'a self, _model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }

    fn price(&self) -> f64 {
        self.plan.price.call
    }
}
