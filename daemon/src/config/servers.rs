//! Servers: the engines outside this program that a settings file names, besides ComfyUI.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::gpu::PciAddress;

use crate::text_file;

/// Where a secret is kept; it is never written into the settings themselves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// Its address, e.g. `https://vault.lan:8200`.
    pub url: String,
    /// Where a token for it is, in place of an `AppRole`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// `role_id` of an `AppRole`, in place of a token.
    #[serde(default)]
    pub role_id: Option<String>,
    /// Where the `secret_id` of the `AppRole` is.
    #[serde(default)]
    pub secret_id: Option<Secret>,
}

impl Secret {
    /// Reads it; the error names the place and never the secret.
    pub fn read(&self) -> Result<String, String> {
        let file = |path: PathBuf| {
            text_file::read(&path).map_err(|error| format!("the key in {} cannot be read: {error}", path.display()))
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

/// `[[comfy]]`: a ComfyUI, on this machine or another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComfyServer {
    /// Its name, unique.
    pub name: String,
    /// Its address, e.g. `http://127.0.0.1:8188`.
    pub url: String,
    /// PCI slot of its card, e.g. `0000:01:00.0` (`studiod check` names them); energy is measured by it. Leave it out
    /// for another machine's.
    #[serde(default)]
    pub gpu: Option<String>,
    /// Prompts waiting behind the running one, so that the card has no gap.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 8))]
    pub queue_ahead: usize,
    /// Program and arguments that restart it when its worker is dead, in place of `unit`.
    #[serde(default)]
    pub restart_command: Vec<String>,
    /// Its systemd unit, restarted when its worker is dead.
    #[serde(default)]
    pub unit: Option<String>,
    /// Minutes without a sign of progress after which a prompt hangs, when nothing is known of such work; otherwise
    /// four times the usual time.
    #[serde(default = "half_an_hour")]
    #[schemars(range(min = 1, max = 1440))]
    pub stall_minutes: u32,
}

impl ComfyServer {
    /// A server that is only known by its address.
    pub fn at(url: &str) -> Self {
        Self {
            name: url.to_owned(),
            url: url.to_owned(),
            gpu: None,
            queue_ahead: one(),
            restart_command: Vec::new(),
            unit: None,
            stall_minutes: half_an_hour(),
        }
    }
}

fn half_an_hour() -> u32 {
    30
}

/// `[ollama]`: judges takes and writes stories, through Ollama's own protocol.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OllamaServer {
    /// Its address, e.g. `http://127.0.0.1:11434`.
    pub url: String,
    /// PCI slot of its card: its models are booked there, and a model has left only when the card says so. Leave it out
    /// for another machine's.
    #[serde(default)]
    pub gpu: Option<PciAddress>,
    /// Its systemd unit, started when it is needed and down.
    #[serde(default)]
    pub unit: Option<String>,
    /// Model that judges takes; it must be able to see, e.g. `gemma3:12b`.
    #[serde(default)]
    pub vision: Option<String>,
    /// Model that writes stories; without one the vision model does.
    #[serde(default)]
    pub text: Option<String>,
    /// Context in tokens, the same in every request, because another one loads the model again.
    #[serde(default = "context")]
    #[schemars(range(min = 2048, max = 131_072))]
    pub num_ctx: u32,
    /// Memory of its models in MiB by name, e.g. `{ "gemma3:12b" = 11000 }`, until they have been seen loaded; 11000
    /// each when nothing is said.
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

/// `[openai]`: judges takes and writes stories, through any OpenAI-compatible server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAiServer {
    /// Its address up to `/v1`.
    pub url: String,
    /// Where its key is. It is never logged.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Model that judges takes; it must be able to see.
    #[serde(default)]
    pub vision: Option<String>,
    /// Model that writes stories; without one the vision model does.
    #[serde(default)]
    pub text: Option<String>,
    /// Questions at a time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 16))]
    pub parallel: usize,
    /// Least time between two questions in milliseconds.
    #[serde(default)]
    #[schemars(range(min = 0, max = 600_000))]
    pub spacing_ms: u64,
    /// Price of one question, in the currency of the prices in `models.toml`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub price: f64,
}

/// `[ace_step]`: makes music from words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AceStepServer {
    /// Its address, e.g. `http://127.0.0.1:8001`.
    pub url: String,
    /// Where its key is.
    #[serde(default)]
    pub key: Option<Secret>,
    /// PCI slot of its card.
    #[serde(default)]
    pub gpu: Option<PciAddress>,
    /// Its systemd unit. Stopping it is the only way to have the memory back: without a unit it is not booked, and what
    /// it uses counts as another program's.
    #[serde(default)]
    pub unit: Option<String>,
    /// Memory it needs in MiB.
    #[serde(default = "music_mib")]
    pub vram_mib: u64,
    /// Seconds until it is ready.
    #[serde(default = "service_s")]
    pub load_s: u32,
    /// Sampling steps; without them the server's own.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    pub steps: Option<u32>,
    /// Words every piece has in common, before the mood's.
    #[serde(default = "music_style")]
    pub style: String,
}

impl AceStepServer {
    /// The style of music nobody chose one for.
    pub const USUAL_STYLE: &str = "cinematic orchestral";
}

/// `[likeness]`: sees how alike pictures are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LikenessServer {
    /// Its address without the route, e.g. `http://127.0.0.1:7997`.
    pub url: String,
    /// Where its key is, when the server asks for one.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Name of the model of pictures.
    #[serde(default = "clip_model")]
    pub model: String,
}

fn clip_model() -> String {
    "openai/clip-vit-base-patch32".into()
}

/// `[speech]`: speaks lines.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeechServer {
    /// Its address without the route, e.g. `http://127.0.0.1:8880`.
    pub url: String,
    /// Where its key is.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Name of the model the server wants.
    #[serde(default = "tts")]
    pub model: String,
    /// Voice of whoever has none and for whom none fits by name. `characters.NAME.voice` gives one its own.
    #[serde(default = "voice")]
    pub voice: String,
    /// PCI slot of its card.
    #[serde(default)]
    pub gpu: Option<PciAddress>,
    /// Its systemd unit. Stopping it is the only way to have the memory back: without a unit it is not booked, and what
    /// it uses counts as another program's.
    #[serde(default)]
    pub unit: Option<String>,
    /// Memory it needs in MiB.
    #[serde(default = "speech_mib")]
    pub vram_mib: u64,
    /// Seconds until it is ready.
    #[serde(default = "service_s")]
    pub load_s: u32,
}

/// `[whisper]`: listens to spoken lines.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhisperServer {
    /// Its address, e.g. `http://127.0.0.1:8080`.
    pub url: String,
    /// Its route; `/inference` for whisper.cpp as it comes.
    #[serde(default = "transcriptions")]
    pub route: String,
    /// Name of the model; servers with one ignore it.
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
