//! Check: look at everything the studio needs, and say what to do about what is missing.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::producing::ProductionContext;
pub use crate::web::Standing as Verdict;
use studio_engine::asset_path;
use studio_media::elements;

use crate::{
    conductor::Context,
    config::{JudgeBy, Secret},
    engines::comfy,
    engines::{Http, ace_step::ACE_STEP, ollama::OLLAMA, speech::SPEECH},
    files, store,
};

/// Less than this on the data disk is worth a warning.
const LITTLE_SPACE: u64 = 10 << 30;
/// How long a program may take that only says what it is.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(30);
/// How long an outside engine may take to answer.
const PATIENCE: Duration = Duration::from_millis(800);
/// Kept files looked up at a time.
const PAGE: u32 = 500;
/// Servers that may be on this machine.
const NEIGHBOURS: [Neighbour; 4] = [
    Neighbour {
        what: Item::ComfyUiNearby,
        configured: Some(Item::ComfyUi),
        port: 8188,
        path: "/system_stats",
        purpose: "pictures and clips on the NVIDIA card",
    },
    Neighbour {
        what: Item::Ollama,
        configured: Some(Item::Ollama),
        port: 11434,
        path: "/api/version",
        purpose: "words and reviews on the AMD card",
    },
    Neighbour { what: Item::AceStep, configured: Some(Item::AceStep), port: 8001, path: "/health", purpose: "music" },
    Neighbour {
        what: Item::Jellyfin,
        configured: None,
        port: 8096,
        path: "/System/Info/Public",
        purpose: "watching the result",
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
    purpose: &'static str,
}

/// Every card, as it says itself.
fn cards(making: &ProductionContext) -> Vec<Line> {
    let told = |card: studio_core::gpu::Reading| {
        let gib = |mib: Option<u64>| mib.map_or_else(|| "?".to_owned(), |mib| format!("{:.1}", mib as f64 / 1024.0));
        let watts = card.power_w.map_or_else(String::new, |watts| format!(", {watts:.0} W"));
        let free = gib(card.vram_free_mib);
        good(
            Item::Card,
            format!("{} at {}, {free} of {} GiB free{watts}", card.name, card.slot, gib(card.vram_total_mib)),
        )
    };
    let cards: Vec<Line> =
        making.context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default().into_iter().map(told).collect();
    if cards.is_empty() {
        return vec![note(Item::Card, "none is seen; the draft engines work without one".into())];
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
            let all = making.context.engines.keys().cloned().collect::<Vec<_>>().join(", ");
            lines.push(bad(Item::Settings, format!("[[quiet]] names the engine '{engine}'; there are {all}")));
        }
    }
    let cards = quiet.iter().filter_map(|hours| hours.gpu.clone());
    let cards = cards.chain(making.config.gpu.iter().map(|gpu| gpu.slot.to_string()));
    for card in cards {
        if let Some(seen) = seen.as_ref().filter(|seen| !seen.contains(&card)) {
            let all = seen.iter().cloned().collect::<Vec<_>>().join(", ");
            lines.push(note(
                Item::Settings,
                format!("they name a card at {card}, which does not answer; seen are {all}"),
            ));
        }
    }
    lines
}

/// Every ComfyUI of the settings, and how many workflows it can run.
async fn servers(making: &ProductionContext) -> Vec<Line> {
    let definitions = making.shelf.now();
    let mut lines: Vec<Line> =
        definitions.refused.iter().map(|why| note(Item::Workflow, format!("not used: {why}"))).collect();
    for server in &making.config.comfy {
        lines.push(match comfy::inspect(&server.url, &definitions).await {
            Ok(report) => {
                let ready = report.workflows.iter().filter(|(_, lacks)| lacks.is_empty()).count();
                let all = report.workflows.len();
                let version = report.stats.system.comfyui_version;
                let said = format!("{} is version {version} and can run {ready} of {all} workflows; 'studiod comfy check' says what the others lack", server.name);
                good(Item::ComfyUi, said)
            }
            Err(trouble) => bad(Item::ComfyUi, format!("{}: {trouble}; start it, or take it out of the settings", server.name)),
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
}

impl std::fmt::Display for Item {
    /// As it is serialised.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Serialize::serialize(self, f)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What was looked at, e.g. `database` or `card`.
    pub what: Item,
    /// How it is.
    pub verdict: Verdict,
    /// In one sentence, with the remedy.
    pub said: String,
}

/// What the program needs around it, whatever its settings and data.
pub async fn tools() -> Vec<Line> {
    vec![media_elements().await, fonts().await, speech().await]
}

/// What the opened studio is like.
pub async fn studio(making: &ProductionContext) -> Vec<Line> {
    let mut lines =
        vec![good(Item::Settings, "can be read".into()), good(Item::Database, "answers and is up to date".into())];
    lines.extend([disk(making), library(making).await]);
    lines.extend(cards(making));
    lines.extend(unknown_names(making));
    lines.extend(servers(making).await);
    lines.extend(services(making).await);
    lines
}

/// Every row and every kept file. With `mark`, which only the one studio that works on the data may, a file that is gone
/// or damaged is marked, so that it is made again.
///
/// # Errors
/// What the store says.
pub async fn deep(context: &Context, mark: bool) -> Result<Vec<Line>, store::Error> {
    let mut lines = database(&context.db).await?;
    lines.extend(kept_files(context, mark).await?);
    Ok(lines)
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

fn line(what: Item, verdict: Verdict, said: String) -> Line {
    Line { what, verdict, said }
}

fn good(what: Item, said: String) -> Line {
    line(what, Verdict::Good, said)
}

fn note(what: Item, said: String) -> Line {
    line(what, Verdict::Note, said)
}

fn bad(what: Item, said: String) -> Line {
    line(what, Verdict::Bad, said)
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
        return good(Item::GStreamer, format!("{}: all {} elements are there", told.version, elements::NEEDED.len()));
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
        Ok(0) | Err(_) => {
            note(Item::Fonts, "none found, so slates and posters carry no text; install fonts-dejavu-core".into())
        }
        Ok(count) => good(Item::Fonts, format!("{count} faces")),
    }
}

async fn speech() -> Line {
    match said(tokio::process::Command::new("espeak-ng").arg("--version")).await {
        Ok(answer) if answer.status.success() => {
            let said = String::from_utf8_lossy(&answer.stdout);
            good(Item::Espeak, said.split("Data at").next().unwrap_or_default().trim().to_owned())
        }
        _ => bad(Item::Espeak, "is not there, so drafts have no voices; install espeak-ng".into()),
    }
}

fn disk(making: &ProductionContext) -> Line {
    let root = making.context.data.root().display();
    match making.context.data.free_bytes() {
        Ok(free) if free < LITTLE_SPACE => {
            note(Item::Disk, format!("only {:.1} GiB free at {root}; a long episode needs more", gib(free)))
        }
        Ok(free) => good(Item::Disk, format!("{:.1} GiB free at {root}", gib(free))),
        Err(error) => bad(Item::Disk, format!("{root} cannot be asked: {error}")),
    }
}

async fn library(making: &ProductionContext) -> Line {
    let Some(root) = &making.config.publish.library else {
        return note(Item::Library, "none in the settings; give one with --library or publish.library".into());
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
        Ok(()) if root.exists() => good(Item::Library, format!("{} can be written", root.display())),
        Ok(()) => good(Item::Library, format!("{} is made with the first film", root.display())),
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
                let card = card.map_or_else(String::new, |card| format!(" on {card}"));
                let models = offer.models.keys().cloned().collect::<Vec<_>>().join(", ");
                let loaded = if loaded.is_empty() { String::new() } else { format!("; loaded: {}", loaded.join(", ")) };
                good(name, format!("answers{card}: {models}{loaded}"))
            }
            Some((Some(why), _)) => bad(name, why.to_string()),
            None => continue,
        });
    }
    if let (Some(server), (JudgeBy::Ollama, Some(eye))) = (&config.ollama, config.judge())
        && let Ok(ollama) = super::ollama(server, None)
    {
        lines.push(match ollama.can(&eye, "vision").await {
            Ok(true) => good(Item::Judge, format!("{eye} can see")),
            Ok(false) => bad(Item::Judge, format!("{eye} cannot see; choose a vision model such as gemma3:12b")),
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
    let other = || {
        note(
            name,
            format!("{url} answers, but not to {route} as such a server does; whether it is one shows with work"),
        )
    };
    match http.send(request, route).await {
        Err(trouble) if trouble.is_silence() => {
            bad(name, format!("{trouble}; start it, or take it out of the settings"))
        }
        Err(trouble) => match trouble.status() {
            Some(401 | 403) => bad(name, format!("{url} does not accept the key")),
            Some(500..) => bad(name, trouble.to_string()),
            // Which routes it has beside the one that works differs from server to server.
            _ => other(),
        },
        Ok(answer) => match answer.text().await {
            Ok(said) if knows(&said) => good(name, format!("{url} answers")),
            _ => other(),
        },
    }
}

async fn database(db: &store::Db) -> Result<Vec<Line>, store::Error> {
    let broken = store::check::invariants(db).await?;
    Ok(if broken.is_empty() {
        vec![good(Item::Rows, "every row fits the others".into())]
    } else {
        broken.into_iter().map(|said| bad(Item::Rows, said)).collect()
    })
}

/// Every kept file by length and hash.
async fn kept_files(context: &Context, mark: bool) -> Result<Vec<Line>, store::Error> {
    let remedy = if mark {
        "produce its episode again"
    } else {
        "run 'studiod check --deep' again when no other command is at work, then produce its episode again"
    };
    let (mut lines, mut after, mut count) = (Vec::new(), None, 0u64);
    loop {
        let page = store::assets::page(&context.db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.file.hash);
        for asset in page {
            count += 1;
            let path = asset_path(&context.data.assets(), &asset.file);
            let found = tokio::task::spawn_blocking(move || files::hash_file(&path)).await;
            let said = match found.map_err(|error| store::Error::Unavailable(error.to_string()))? {
                Ok(found) if found == (asset.file.hash, asset.bytes) => continue,
                // Known to be gone, and will be made again when it is needed.
                Err(_) if asset.missing => continue,
                Ok(_) => format!("{} is damaged; {remedy}", asset.file.hash),
                Err(error) => format!("{}: {error}; {remedy}", asset.file.hash),
            };
            lines.push(bad(Item::Files, said));
            if !mark {
                continue;
            }
            let mut tx = context.db.begin().await?;
            store::assets::mark_missing(&mut tx, asset.file.hash).await?;
            tx.commit().await?;
        }
    }
    if lines.is_empty() {
        lines.push(good(Item::Files, format!("all {count} have their length and hash")));
    }
    Ok(lines)
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
            Ok(answer) if answer.status().is_success() => good(what, format!("answers on port {port}: {purpose}")),
            Ok(answer) => note(what, format!("port {port} answers {}: {purpose}", answer.status())),
            Err(_) => note(what, format!("not on port {port} of this machine; the drafts do without ({purpose})")),
        }
    }
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
