//! Chat: a model that reads words and pictures and answers in JSON, wherever it runs.

use serde_json::Value;
use studio_engine::{Availability, Boxed, EngineError, Ready};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct Asking<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// The question, in words.
    pub text: &'a str,
    /// JPEG pictures, in the order the words name them.
    pub pictures: &'a [Vec<u8>],
    /// JSON schema of the answer.
    pub schema: &'a Value,
    /// 0 for a judge; higher for a writer.
    pub temperature: f32,
    /// Longest answer, in tokens.
    pub most_tokens: u32,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text, which should be JSON.
    pub text: String,
    /// It was cut off at the longest answer: what there is of it is no JSON.
    pub cut: bool,
    /// What it took, when the server tells.
    pub usage: Option<Usage>,
}

/// What an answer took, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Tokens the model read: the question.
    pub read: u32,
    /// Tokens the model wrote: its answer.
    pub written: u32,
}

/// A model that reads words and pictures and answers in JSON.
pub trait Chat: Send + Sync {
    /// Name of the engine, e.g. `ollama`.
    fn name(&self) -> &'static str;

    /// What tells this model from another of the same name: a digest, when the server tells one.
    fn print(&self, model: &str) -> String;

    /// Asks; returns within a second of `stop`.
    ///
    /// `Refused`: it will never answer this (no such model, it cannot see, bad request). `Transient`: it may the next
    /// time.
    fn ask<'a>(&'a self, asking: Asking<'a>, stop: &'a CancellationToken) -> Boxed<'a, Result<Answer, EngineError>>;

    /// Its process and what it has loaded.
    fn offer(&self) -> watch::Receiver<Availability>;

    /// Looks at the server once; see [`studio_engine::Engine::look`].
    fn look(&self) -> Boxed<'_, ()> {
        Box::pin(async {})
    }

    /// Looks after the server from now on; see [`studio_engine::Engine::watch`].
    fn watch(&self) {}

    /// Has a model loaded; see [`studio_engine::Engine::ready`].
    fn ready<'a>(&'a self, model: &'a str) -> Boxed<'a, Result<Ready, EngineError>>;

    /// Has a model leave its card; see [`studio_engine::Engine::release`].
    fn release<'a>(&'a self, model: &'a str) -> Boxed<'a, Result<(), EngineError>>;

    /// What one question costs, in the currency of the settings.
    fn price(&self) -> f64 {
        0.0
    }
}
