//! Check: look at everything the studio needs, and say what to do about what is missing.

mod deep;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::producing::ProductionContext;
pub use crate::web::Standing as Verdict;
use crate::web::{Found, Purpose};
pub use deep::deep;
use studio_media::elements;

use crate::{
    config::{JudgeBy, Secret},
    engines::comfy,
    engines::{Http, ace_step::ACE_STEP, ollama::OLLAMA, speech::SPEECH},
    store,
};

/// Less than this on the data disk is worth a warning.
const LITTLE_SPACE: u64 = 10 << 30;
/// How long a program may take that only says what it is.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(30);
/// How long an outside engine may take to answer.
const PATIENCE: Duration = Duration::from_millis(800);
/// Servers that may be on this machine.
const NEIGHBOURS: [Neighbour; 4] = [
    Neighbour {
        what: Item::ComfyUiNearby,
        configured: Some(Item::ComfyUi),
        port: 8188,
        path: "/system_stats",
        purpose: Purpose::Pictures,
    },
    Neighbour {
        what: Item::Ollama,
        configured: Some(Item::Ollama),
        port: 11434,
        path: "/api/version",
        purpose: Purpose::Words,
    },
    Neighbour {
        what: Item::AceStep,
        configured: Some(Item::AceStep),
        port: 8001,
        path: "/health",
        purpose: Purpose::Music,
    },
    Neighbour {
        what: Item::Jellyfin,
        configured: None,
        port: 8096,
        path: "/System/Info/Public",
        purpose: Purpose::Watching,
    },
];

/// A server that may be on this machine, whether or not the settings name it.
struct Neighbour {
    what: Item,
    /// How a line of the settings' own is called; `None`: the settings never name it.
    configured: Option<Item>,
    port: u16,
    /// Answers without work.
    path: &'static str,
    purpose: Purpose,
}

/// Every card, as it says itself.
fn cards(making: &ProductionContext) -> Vec<Line> {
    let told = |card: studio_core::gpu::Reading| {
        let found = Found::Card {
            name: card.name.clone(),
            slot: card.slot.to_string(),
            free_mib: card.vram_free_mib,
            total_mib: card.vram_total_mib,
            power_w: card.power_w,
        };
        good(Item::Card, found)
    };
    let cards: Vec<Line> =
        making.context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default().into_iter().map(told).collect();
    if cards.is_empty() {
        return vec![note(Item::Card, Found::NoCard)];
    }
    cards
}

/// Cards and engines the settings name that nobody knows: what is said of them holds for nothing.
fn unknown_names(making: &ProductionContext) -> Vec<Line> {
    let seen: Option<BTreeSet<String>> = making
        .context
        .cards
        .as_ref()
        .map(|cards| cards.latest().iter().map(|card| card.slot.to_string()).collect::<BTreeSet<_>>())
        .filter(|cards| !cards.is_empty());
    let quiet = &making.config.quiet;
    let mut lines = Vec::new();
    for engine in quiet.iter().filter_map(|hours| hours.engine.as_ref()) {
        if !making.context.engines.contains_key(engine) {
            let known = making.context.engines.keys().cloned().collect();
            lines.push(bad(Item::Settings, Found::UnknownEngine { engine: engine.clone(), known }));
        }
    }
    let cards = quiet.iter().filter_map(|hours| hours.gpu.clone());
    let cards = cards.chain(making.config.gpu.iter().map(|gpu| gpu.slot.to_string()));
    for card in cards {
        if let Some(seen) = seen.as_ref().filter(|seen| !seen.contains(&card)) {
            let seen = seen.iter().cloned().collect();
            lines.push(note(Item::Settings, Found::UnknownCard { slot: card, seen }));
        }
    }
    lines
}

/// Every ComfyUI of the settings, and how many workflows it can run.
async fn servers(making: &ProductionContext) -> Vec<Line> {
    let definitions = making.shelf.now();
    let mut lines: Vec<Line> =
        definitions.refused.iter().map(|why| note(Item::Workflow, Found::Unused { why: why.clone() })).collect();
    for server in &making.config.comfy {
        lines.push(match comfy::inspect(&server.url, &definitions).await {
            Ok(report) => {
                let found = Found::Workflows {
                    server: server.name.clone(),
                    version: report.stats.system.comfyui_version,
                    ready: report.workflows.iter().filter(|(_, lacks)| lacks.is_empty()).count(),
                    all: report.workflows.len(),
                };
                good(Item::ComfyUi, found)
            }
            Err(trouble) => {
                bad(Item::ComfyUi, Found::NoAnswer { server: server.name.clone(), why: trouble.to_string() })
            }
        });
    }
    lines
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// The data directory and what is opened with it.
    #[serde(rename = "data")]
    Data,
    /// The settings file and its values.
    #[serde(rename = "settings")]
    Settings,
    /// The connection to the database.
    #[serde(rename = "database")]
    Database,
    /// Room on the data disk.
    #[serde(rename = "disk")]
    Disk,
    /// The Jellyfin library's root folder.
    #[serde(rename = "library")]
    Library,
    /// A graphics card of this machine.
    #[serde(rename = "card")]
    Card,
    /// A workflow, a models file or words of headings of the user's.
    #[serde(rename = "workflow")]
    Workflow,
    /// A ComfyUI of the settings.
    #[serde(rename = "comfyui")]
    ComfyUi,
    /// A ComfyUI that may be on this machine.
    #[serde(rename = "ComfyUI")]
    ComfyUiNearby,
    /// Ollama, of the settings or on this machine.
    Ollama,
    /// ACE-Step, of the settings or on this machine.
    #[serde(rename = "ACE-Step")]
    AceStep,
    /// The speech server of the settings.
    #[serde(rename = "speech")]
    Speech,
    /// The model that judges takes.
    #[serde(rename = "judge")]
    Judge,
    /// The OpenAI-compatible server of the settings.
    #[serde(rename = "OpenAI")]
    OpenAi,
    /// The listener of the settings.
    #[serde(rename = "whisper")]
    Whisper,
    /// Who sees how alike pictures are.
    #[serde(rename = "likeness")]
    Likeness,
    /// Jellyfin on this machine.
    Jellyfin,
    /// GStreamer and its elements.
    GStreamer,
    /// Fonts of the system.
    #[serde(rename = "fonts")]
    Fonts,
    /// The voice of drafts.
    #[serde(rename = "espeak-ng")]
    Espeak,
    /// Every row of the database.
    #[serde(rename = "rows")]
    Rows,
    /// Every kept file.
    #[serde(rename = "files")]
    Files,
    /// What is published, in its library.
    #[serde(rename = "published")]
    Published,
    /// Copies of kept LoRAs in ComfyUI's folder.
    #[serde(rename = "loras")]
    Loras,
}

impl std::fmt::Display for Item {
    /// As it is serialised.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Serialize::serialize(self, f)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// What was looked at, e.g. `database` or `card`.
    pub what: Item,
    /// How it is.
    pub verdict: Verdict,
    /// In one sentence, with the remedy.
    pub said: String,
    /// The same as data; of an older studio nothing.
    #[serde(default)]
    pub found: Found,
}

/// What the program needs around it, whatever its settings and data.
pub async fn tools() -> Vec<Line> {
    vec![media_elements().await, fonts().await, speech().await]
}

/// What the opened studio is like.
pub async fn studio(making: &ProductionContext) -> Vec<Line> {
    let mut lines = vec![good(Item::Settings, Found::SettingsRead), good(Item::Database, Found::DatabaseReady)];
    lines.extend([disk(making), library(making).await]);
    lines.extend(cards(making));
    lines.extend(unknown_names(making));
    lines.extend(servers(making).await);
    lines.extend(services(making).await);
    lines
}

/// Engines that may be on this machine and that `lines` do not name yet.
pub async fn neighbours(lines: &[Line]) -> Vec<Line> {
    let mut found = Vec::new();
    for neighbour in &NEIGHBOURS {
        // One the settings name was asked already, wherever it is.
        if lines.iter().all(|line| Some(line.what) != neighbour.configured) {
            found.push(neighbour.ask().await);
        }
    }
    found
}

fn good(what: Item, found: impl Into<Found>) -> Line {
    Line::new(what, Verdict::Good, found)
}

fn note(what: Item, found: impl Into<Found>) -> Line {
    Line::new(what, Verdict::Note, found)
}

fn bad(what: Item, found: impl Into<Found>) -> Line {
    Line::new(what, Verdict::Bad, found)
}

impl Line {
    /// What was found of something, and its sentence.
    pub fn new(what: Item, verdict: Verdict, found: impl Into<Found>) -> Self {
        let found = found.into();
        Self { what, verdict, said: found.to_string(), found }
    }
}

/// What a program says that answers at once, unless something is wrong with it: nobody waits for it for ever.
async fn said(command: &mut tokio::process::Command) -> std::io::Result<std::process::Output> {
    let answer = command.stdin(std::process::Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(PROGRAM_PATIENCE, answer)
        .await
        .unwrap_or_else(|_| Err(std::io::Error::other(format!("it said nothing for {} s", PROGRAM_PATIENCE.as_secs()))))
}

/// The child process says which elements it cannot find.
async fn media_elements() -> Line {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("studiod"));
    let answer = said(tokio::process::Command::new(program).args(["media", "elements"])).await;
    let told: elements::ElementReport = match answer.map(|answer| serde_json::from_slice(&answer.stdout)) {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => {
            return bad(Item::GStreamer, format!("cannot be asked: {error}; install gstreamer1.0-plugins-base"));
        }
        Err(error) => return bad(Item::GStreamer, format!("cannot be started: {error}")),
    };
    if told.missing.is_empty() {
        return good(Item::GStreamer, Found::Elements { version: told.version, count: elements::NEEDED.len() });
    }
    let sentences: Vec<String> = told.missing.iter().map(|(element, _)| elements::missing_sentence(element)).collect();
    bad(Item::GStreamer, sentences.join("; "))
}

async fn fonts() -> Line {
    let count = tokio::task::spawn_blocking(|| {
        let mut fonts = resvg::usvg::fontdb::Database::new();
        fonts.load_system_fonts();
        fonts.len()
    });
    match count.await {
        Ok(0) | Err(_) => note(Item::Fonts, Found::Fonts { faces: 0 }),
        Ok(faces) => good(Item::Fonts, Found::Fonts { faces }),
    }
}

async fn speech() -> Line {
    match said(tokio::process::Command::new("espeak-ng").arg("--version")).await {
        Ok(answer) if answer.status.success() => {
            let said = String::from_utf8_lossy(&answer.stdout);
            good(Item::Espeak, said.split("Data at").next().unwrap_or_default().trim().to_owned())
        }
        _ => bad(Item::Espeak, Found::NoVoices),
    }
}

fn disk(making: &ProductionContext) -> Line {
    let root = making.context.data.root().display().to_string();
    match making.context.data.free_bytes() {
        Ok(free_bytes) if free_bytes < LITTLE_SPACE => note(Item::Disk, Found::Disk { root, free_bytes, little: true }),
        Ok(free_bytes) => good(Item::Disk, Found::Disk { root, free_bytes, little: false }),
        Err(error) => bad(Item::Disk, Found::DiskUnknown { root, why: error.to_string() }),
    }
}

async fn library(making: &ProductionContext) -> Line {
    let Some(root) = &making.config.publish.library else {
        return note(Item::Library, Found::NoLibrary);
    };
    let known = match std::path::absolute(root) {
        Ok(root) => store::episodes::is_library(&making.context.db, &root.display().to_string()).await,
        Err(_) => Ok(false),
    };
    let known = match known {
        Ok(known) => known,
        Err(error) => return bad(Item::Library, error.to_string()),
    };
    match crate::publish::library::ready(root, known) {
        Ok(()) => {
            let found = Found::Library { root: root.display().to_string(), there: root.exists() };
            good(Item::Library, found)
        }
        Err(failure) => bad(Item::Library, failure.message),
    }
}

/// Servers of the settings that are no ComfyUI, each as the studio would use it.
async fn services(making: &ProductionContext) -> Vec<Line> {
    let config = &making.config;
    let names = [
        (Item::Ollama, OLLAMA, config.ollama.is_some()),
        (Item::AceStep, ACE_STEP, config.ace_step.is_some()),
        (Item::Speech, SPEECH, config.speech.is_some()),
    ];
    let mut lines = Vec::new();
    for (name, engine, _) in names.into_iter().filter(|(_, _, named)| *named) {
        let Some(seat) = making.context.engines.get(engine) else { continue };
        let Some(offer) = seat.engine.offer() else { continue };
        let offer = offer.borrow().clone();
        let loaded: Vec<String> = offer.seats.iter().filter_map(|seat| seat.loaded.clone()).flatten().collect();
        lines.push(match offer.seats.first().map(|seat| (seat.away.clone(), seat.facts.card.clone())) {
            Some((None, card)) => {
                good(name, Found::Models { card, models: offer.models.keys().cloned().collect(), loaded })
            }
            Some((Some(because), _)) => bad(name, Found::Away { because }),
            None => continue,
        });
    }
    if let (Some(server), (JudgeBy::Ollama, Some(eye))) = (&config.ollama, config.judge())
        && let Ok(ollama) = super::ollama(server, None)
    {
        lines.push(match ollama.can(&eye, "vision").await {
            Ok(true) => good(Item::Judge, Found::Eyes { model: eye, sees: true }),
            Ok(false) => bad(Item::Judge, Found::Eyes { model: eye, sees: false }),
            Err(failure) => bad(Item::Judge, failure.message),
        });
    }
    if let Some(server) = &config.openai {
        lines.push(asked(Item::OpenAi, &server.url, "/models", server.key.as_ref(), lists_models).await);
    }
    if let Some(server) = &config.whisper {
        lines.push(asked(Item::Whisper, &server.url, "/", None, |said| said.to_lowercase().contains("whisper")).await);
    }
    if let Some(server) = &config.likeness {
        lines.push(asked(Item::Likeness, &server.url, "/models", server.key.as_ref(), lists_models).await);
    }
    lines
}

/// Whether this is an answer to `/models` of the API that `OpenAI` began.
fn lists_models(said: &str) -> bool {
    let list = |said: serde_json::Value| said["data"].is_array() || said["models"].is_array();
    serde_json::from_str(said).is_ok_and(list)
}

/// Whether a server that is only asked when there is work answers now, as such a one does (`knows`), and takes the key.
async fn asked(name: Item, url: &str, route: &str, key: Option<&Secret>, knows: fn(&str) -> bool) -> Line {
    let key = match super::engines::secret(key) {
        Ok(key) => key,
        Err(why) => return bad(name, why),
    };
    let http = match Http::new(url) {
        Ok(http) => http,
        Err(trouble) => return bad(name, trouble.to_string()),
    };
    let request = http.request(reqwest::Method::GET, route).timeout(PATIENCE);
    let request = if key.is_empty() { request } else { request.bearer_auth(&key) };
    let other = || note(name, Found::Another { url: url.to_owned(), route: route.to_owned() });
    match http.send(request, route).await {
        Err(trouble) if trouble.is_silence() => {
            bad(name, Found::NoAnswer { server: url.to_owned(), why: trouble.to_string() })
        }
        Err(trouble) => match trouble.status() {
            Some(401 | 403) => bad(name, Found::KeyRefused { url: url.to_owned() }),
            Some(500..) => bad(name, trouble.to_string()),
            // Which routes it has beside the one that works differs from server to server.
            _ => other(),
        },
        Ok(answer) => match answer.text().await {
            Ok(said) if knows(&said) => good(name, Found::Answers { url: url.to_owned() }),
            _ => other(),
        },
    }
}

impl Neighbour {
    async fn ask(&self) -> Line {
        let Self { what, port, path, purpose, .. } = *self;
        let asked = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
        let answer = match asked {
            Ok(client) => client.get(format!("http://127.0.0.1:{port}{path}")).send().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => {
                let found = Found::Nearby { purpose, port, status: Some(answer.status().as_u16()) };
                if answer.status().is_success() { good(what, found) } else { note(what, found) }
            }
            Err(_) => note(what, Found::Nearby { purpose, port, status: None }),
        }
    }
}
