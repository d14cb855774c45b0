//! Wire: Ollama's JSON, as far as the studio reads it.

use serde::Deserialize;

/// `GET /api/tags` and `GET /api/ps`.
#[derive(Debug, Default, Deserialize)]
pub struct Models {
    /// Installed, or loaded.
    #[serde(default)]
    pub models: Vec<Model>,
}

/// One model that is installed, or loaded.
#[derive(Debug, Clone, Deserialize)]
pub struct Model {
    /// Its name with the tag, e.g. `gemma3:12b`.
    pub name: String,
    /// What tells it from another version of the same name.
    #[serde(default)]
    pub digest: String,
    /// Bytes it takes up while it is loaded.
    #[serde(default)]
    pub size: u64,
    /// How many of them are on the card; only in `/api/ps`.
    #[serde(default)]
    pub size_vram: u64,
}

/// Answer of `POST /api/show`: what a model can do.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    /// `completion`, `vision`, `thinking`, `embedding`, ...
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// One line of `POST /api/chat` or the answer of `POST /api/generate`.
#[derive(Debug, Default, Deserialize)]
pub struct Line {
    /// A piece of the answer.
    #[serde(default)]
    pub message: Option<Piece>,
    /// The last line.
    #[serde(default)]
    pub done: bool,
    /// `stop`, `length`, `load` or `unload`.
    #[serde(default)]
    pub done_reason: Option<String>,
    /// Tokens read, in the last line.
    #[serde(default)]
    pub prompt_eval_count: Option<u32>,
    /// Tokens written, in the last line.
    #[serde(default)]
    pub eval_count: Option<u32>,
    /// An error, perhaps after HTTP 200 was sent.
    #[serde(default)]
    pub error: Option<String>,
}

/// A piece of an answer.
#[derive(Debug, Default, Deserialize)]
pub struct Piece {
    /// Words that follow those of the piece before.
    #[serde(default)]
    pub content: String,
}

/// Answer of `POST /api/embed`: texts as vectors.
#[derive(Debug, Deserialize)]
pub struct Embedded {
    /// One vector per input, of length 1.
    pub embeddings: Vec<Vec<f32>>,
}

/// Whether two names mean the same model: without a tag `:latest` is meant.
pub fn same(a: &str, b: &str) -> bool {
    let full = |name: &str| if name.contains(':') { name.to_owned() } else { format!("{name}:latest") };
    full(a) == full(b)
}
