//! Servers: the engines outside this program that a settings file names, besides ComfyUI.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use studio_core::gpu::Slot;

/// Where a secret is kept; it is never written into the settings themselves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Secret {
    /// A file with nothing else in it.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A systemd credential (`LoadCredential=`).
    Credential(String),
    /// A field of a secret in the `[vault]`: `MOUNT/PATH#FIELD`, read once at the start.
    Vault(String),
    /// The first of these places that has it.
    FirstOf(Vec<Secret>),
    /// Read from the vault.
    #[serde(skip)]
    Read(Hidden),
    /// What the vault said when it was asked.
    #[serde(skip)]
    Unread(String),
}

/// A text that is never printed.
#[derive(Clone)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("...")
    }
}

/// `[vault]`: `HashiCorp` Vault or `OpenBao`, KV version 2.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// `https://host:8200`.
    pub url: String,
    /// Where a token for it is; or an `AppRole`:
    #[serde(default)]
    pub token: Option<Secret>,
    /// `role_id` of the `AppRole`.
    #[serde(default)]
    pub role_id: Option<String>,
    /// Where its `secret_id` is.
    #[serde(default)]
    pub secret_id: Option<Secret>,
}

impl Secret {
    /// Reads it; the error names the place and never the secret.
    pub fn read(&self) -> Result<String, String> {
        let file = |path: PathBuf| {
            std::fs::read_to_string(&path)
                .map_err(|error| format!("the key in {} cannot be read: {error}", path.display()))
        };
        let found = match self {
            Self::File(path) => file(path.clone())?,
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("the environment has no {name}, which should hold the key"))?
            }
            Self::Credential(name) if name.contains('/') => return Err(format!("'{name}' is no name of a credential")),
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    format!("systemd gave no credentials; add LoadCredential={name}:FILE to the unit")
                })?;
                file(PathBuf::from(folder).join(name))?
            }
            Self::Vault(name) => return Err(format!("there is no [vault] in the settings to ask for '{name}'")),
            Self::Read(found) => found.0.clone(),
            Self::Unread(why) => return Err(why.clone()),
            Self::FirstOf(places) => {
                let mut whys = Vec::new();
                for place in places {
                    match place.read() {
                        Ok(found) => return Ok(found),
                        Err(why) => whys.push(why),
                    }
                }
                return Err(if whys.is_empty() { "first_of names no place".into() } else { whys.join("; and ") });
            }
        };
        let found = found.trim().to_owned();
        if found.is_empty() { Err("the key is empty".into()) } else { Ok(found) }
    }
}

/// `[ollama]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OllamaServer {
    /// `http://host:port`.
    pub url: String,
    /// PCI slot of its card; leave it out for another machine's.
    #[serde(default)]
    pub gpu: Option<Slot>,
    /// Its systemd unit, started when it is needed and down.
    #[serde(default)]
    pub unit: Option<String>,
    /// Vision model that judges takes, e.g. `gemma3:12b`.
    #[serde(default)]
    pub vision: Option<String>,
    /// Text model that writes stories; without one the vision model does.
    #[serde(default)]
    pub text: Option<String>,
    /// Context in tokens, the same for every request, 2048..=131072.
    #[serde(default = "context")]
    pub num_ctx: u32,
    /// Memory of its models in MiB, by name, until they have been seen loaded.
    #[serde(default)]
    pub vram_mib: BTreeMap<String, u64>,
    /// Seconds a model takes to load.
    #[serde(default = "load_s")]
    pub load_s: u32,
    /// How long a model stays after its last request: `30m`, `1h`, `-1m` for ever.
    #[serde(default = "keep_alive")]
    pub keep_alive: String,
}

impl OllamaServer {
    /// Models it is used for, each once.
    pub fn models(&self) -> Vec<String> {
        let mut models: Vec<String> = self.vision.iter().chain(&self.text).cloned().collect();
        models.dedup();
        models
    }
}

/// `[openai]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiServer {
    /// Up to `/v1`.
    pub url: String,
    /// Where its key is.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Vision model that judges takes.
    #[serde(default)]
    pub vision: Option<String>,
    /// Text model that writes stories.
    #[serde(default)]
    pub text: Option<String>,
    /// Questions at a time, 1..=16.
    #[serde(default = "one")]
    pub parallel: usize,
    /// Least time between two questions in milliseconds, 0..=600000.
    #[serde(default)]
    pub spacing_ms: u64,
    /// Price of one question, 0..=1000.
    #[serde(default)]
    pub price: f64,
}

/// `[ace_step]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AceStepServer {
    /// `http://host:port`.
    pub url: String,
    /// Where its key is.
    #[serde(default)]
    pub key: Option<Secret>,
    /// PCI slot of its card.
    #[serde(default)]
    pub gpu: Option<Slot>,
    /// Its systemd unit: stopping it is the only way to have its memory back.
    #[serde(default)]
    pub unit: Option<String>,
    /// Memory it needs in MiB.
    #[serde(default = "music_mib")]
    pub vram_mib: u64,
    /// Seconds until it is ready.
    #[serde(default = "service_s")]
    pub load_s: u32,
    /// Sampling steps, 1..=200; without them the server's own.
    #[serde(default)]
    pub steps: Option<u32>,
    /// Words every piece has in common.
    #[serde(default = "music_style")]
    pub style: String,
}

impl AceStepServer {
    /// The style of music nobody chose one for.
    pub const USUAL_STYLE: &str = "cinematic orchestral";
}

/// `[likeness]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LikenessServer {
    /// Without the route, e.g. `http://127.0.0.1:7997`.
    pub url: String,
    /// Key, when the server asks for one.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Name of the model.
    #[serde(default = "clip_model")]
    pub model: String,
}

fn clip_model() -> String {
    "openai/clip-vit-base-patch32".into()
}

/// `[speech]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechServer {
    /// Without the route.
    pub url: String,
    /// Where its key is.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Name of the model the server wants.
    #[serde(default = "tts")]
    pub model: String,
    /// The voice of whoever has none and for whom none can be chosen.
    #[serde(default = "voice")]
    pub voice: String,
    /// PCI slot of its card.
    #[serde(default)]
    pub gpu: Option<Slot>,
    /// Its systemd unit: stopping it is the only way to have its memory back.
    #[serde(default)]
    pub unit: Option<String>,
    /// Memory it needs in MiB.
    #[serde(default = "speech_mib")]
    pub vram_mib: u64,
    /// Seconds until it is ready.
    #[serde(default = "service_s")]
    pub load_s: u32,
}

/// `[whisper]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhisperServer {
    /// `http://host:port`.
    pub url: String,
    /// `/inference` for whisper.cpp as it comes.
    #[serde(default = "transcriptions")]
    pub route: String,
    /// Name of the model.
    #[serde(default = "whisper")]
    pub model: String,
}

fn context() -> u32 {
    8192
}
fn load_s() -> u32 {
    25
}
fn keep_alive() -> String {
    "30m".into()
}
fn one() -> usize {
    1
}
fn music_mib() -> u64 {
    8_000
}
fn speech_mib() -> u64 {
    3_000
}
fn service_s() -> u32 {
    40
}
fn music_style() -> String {
    AceStepServer::USUAL_STYLE.into()
}
fn tts() -> String {
    "tts-1".into()
}
fn voice() -> String {
    "af_heart".into()
}
fn transcriptions() -> String {
    "/v1/audio/transcriptions".into()
}
fn whisper() -> String {
    "whisper-1".into()
}

/// Memory of an Ollama model nothing is said about, in MiB: `gemma3:12b` in Q4.
pub const USUAL_MODEL_MIB: u64 = 11_000;
