//! Check: look at everything the studio needs, and say what to do about what is missing.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::producing::ProductionContext;
use studio_engine::asset_path;
use studio_media::elements;

use crate::{
    config::{JudgeBy, Secret},
    engines::comfy,
    engines::{Http, ace_step::ACE_STEP, ollama::OLLAMA, speech::SPEECH},
    files, store,
};

/// Less than this on the data disk is worth a warning.
const LITTLE_SPACE: u64 = 10 << 30;
/// How long an outside engine may take to answer.
const PATIENCE: Duration = Duration::from_millis(800);
/// Kept files looked up at a time.
const PAGE: u32 = 500;
/// Engines that may be on this machine: name, port, a path that answers without work, what it is for.
const NEIGHBOURS: [(&str, u16, &str, &str); 4] = [
    ("ComfyUI", 8188, "/system_stats", "pictures and clips on the NVIDIA card"),
    ("Ollama", 11434, "/api/version", "words and reviews on the AMD card"),
    ("ACE-Step", 8001, "/health", "music"),
    ("Jellyfin", 8096, "/System/Info/Public", "watching the result"),
];

/// Every card, as it says itself.
async fn cards(making: &ProductionContext) -> Vec<Line> {
    // The first sample is taken as soon as the watch starts.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let told = |card: studio_core::gpu::Reading| {
        let gib = |mib: Option<u64>| mib.map_or_else(|| "?".to_owned(), |mib| format!("{:.1}", mib as f64 / 1024.0));
        let watts = card.power_w.map_or_else(String::new, |watts| format!(", {watts:.0} W"));
        let free = gib(card.vram_free_mib);
        good("card", format!("{} at {}, {free} of {} GiB free{watts}", card.name, card.slot, gib(card.vram_total_mib)))
    };
    let cards: Vec<Line> =
        making.context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default().into_iter().map(told).collect();
    if cards.is_empty() {
        return vec![note("card", "none is seen; the draft engines work without one".into())];
    }
    cards
}

/// Every ComfyUI of the settings, and how many workflows it can run.
async fn servers(making: &ProductionContext) -> Vec<Line> {
    let definitions = making.shelf.now();
    let mut lines: Vec<Line> =
        definitions.refused.iter().map(|why| note("workflow", format!("not used: {why}"))).collect();
    for server in &making.config.comfy {
        lines.push(match comfy::inspect(&server.url, &definitions).await {
            Ok(report) => {
                let ready = report.workflows.iter().filter(|(_, lacks)| lacks.is_empty()).count();
                let all = report.workflows.len();
                let version = report.stats.system.comfyui_version;
                let said = format!("{} is version {version} and can run {ready} of {all} workflows; 'studiod comfy check' says what the others lack", server.name);
                good("comfyui", said)
            }
            Err(trouble) => bad("comfyui", format!("{}: {trouble}; start it, or take it out of the settings", server.name)),
        });
    }
    lines
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was looked at, e.g. `database` or `card`.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// In one sentence, with the remedy.
    pub said: String,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing; the studio works.
    Note,
    /// The studio, or a part of it, cannot work.
    Bad,
}

/// What the program needs around it, whatever its settings and data.
pub async fn tools() -> Vec<Line> {
    vec![media_elements().await, fonts().await, speech().await]
}

/// What the opened studio is like.
pub async fn studio(making: &ProductionContext) -> Vec<Line> {
    let mut lines = vec![good("settings", "can be read".into()), good("database", "answers and is up to date".into())];
    lines.extend([disk(making), library(making).await]);
    lines.extend(cards(making).await);
    lines.extend(servers(making).await);
    lines.extend(services(making).await);
    lines
}

/// Every row and every kept file.
pub async fn deep(making: &ProductionContext) -> Result<Vec<Line>, store::Error> {
    let mut lines = database(making).await?;
    lines.extend(kept_files(making).await?);
    Ok(lines)
}

/// Engines that may be on this machine and that `lines` do not name yet.
pub async fn neighbours(lines: &[Line]) -> Vec<Line> {
    let mut found = Vec::new();
    for (name, port, path, purpose) in NEIGHBOURS {
        // One the settings name was asked already, wherever it is.
        if lines.iter().all(|line| !line.what.eq_ignore_ascii_case(name)) {
            found.push(neighbour(name, port, path, purpose).await);
        }
    }
    found
}

fn line(what: &str, verdict: Verdict, said: String) -> Line {
    Line { what: what.to_owned(), verdict, said }
}

fn good(what: &str, said: String) -> Line {
    line(what, Verdict::Good, said)
}

fn note(what: &str, said: String) -> Line {
    line(what, Verdict::Note, said)
}

fn bad(what: &str, said: String) -> Line {
    line(what, Verdict::Bad, said)
}

/// The child process says which elements it cannot find.
async fn media_elements() -> Line {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("studiod"));
    let answer = tokio::process::Command::new(program).args(["media", "elements"]).output().await;
    let told: elements::ElementReport = match answer.map(|answer| serde_json::from_slice(&answer.stdout)) {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => {
            return bad("GStreamer", format!("cannot be asked: {error}; install gstreamer1.0-plugins-base"));
        }
        Err(error) => return bad("GStreamer", format!("cannot be started: {error}")),
    };
    if told.missing.is_empty() {
        return good("GStreamer", format!("{}: all {} elements are there", told.version, elements::NEEDED.len()));
    }
    let sentences: Vec<String> = told.missing.iter().map(|(element, _)| elements::missing_sentence(element)).collect();
    bad("GStreamer", sentences.join("; "))
}

async fn fonts() -> Line {
    let count = tokio::task::spawn_blocking(|| {
        let mut fonts = resvg::usvg::fontdb::Database::new();
        fonts.load_system_fonts();
        fonts.len()
    });
    match count.await {
        Ok(0) | Err(_) => {
            note("fonts", "none found, so slates and posters carry no text; install fonts-dejavu-core".into())
        }
        Ok(count) => good("fonts", format!("{count} faces")),
    }
}

async fn speech() -> Line {
    match tokio::process::Command::new("espeak-ng").arg("--version").output().await {
        Ok(answer) if answer.status.success() => {
            let said = String::from_utf8_lossy(&answer.stdout);
            good("espeak-ng", said.split("Data at").next().unwrap_or_default().trim().to_owned())
        }
        _ => bad("espeak-ng", "is not there, so drafts have no voices; install espeak-ng".into()),
    }
}

fn disk(making: &ProductionContext) -> Line {
    let root = making.context.data.root().display();
    match making.context.data.free_bytes() {
        Ok(free) if free < LITTLE_SPACE => {
            note("disk", format!("only {:.1} GiB free at {root}; a long episode needs more", gib(free)))
        }
        Ok(free) => good("disk", format!("{:.1} GiB free at {root}", gib(free))),
        Err(error) => bad("disk", format!("{root} cannot be asked: {error}")),
    }
}

async fn library(making: &ProductionContext) -> Line {
    let Some(root) = &making.config.publish.library else {
        return note("library", "none in the settings; give one with --library or publish.library".into());
    };
    let known = match std::path::absolute(root) {
        Ok(root) => store::episodes::is_library(&making.context.db, &root.display().to_string()).await,
        Err(_) => Ok(false),
    };
    let known = match known {
        Ok(known) => known,
        Err(error) => return bad("library", error.to_string()),
    };
    match crate::publish::library::ready(root, known) {
        Ok(()) if root.exists() => good("library", format!("{} can be written", root.display())),
        Ok(()) => good("library", format!("{} is made with the first film", root.display())),
        Err(failure) => bad("library", failure.message),
    }
}

/// Servers of the settings that are no ComfyUI, each as the studio would use it.
async fn services(making: &ProductionContext) -> Vec<Line> {
    let config = &making.config;
    let names = [
        ("Ollama", OLLAMA, config.ollama.is_some()),
        ("ACE-Step", ACE_STEP, config.ace_step.is_some()),
        ("speech", SPEECH, config.speech.is_some()),
    ];
    let mut lines = Vec::new();
    for (name, engine, _) in names.into_iter().filter(|(_, _, named)| *named) {
        let Some(mut offer) = making.context.engines.get(engine).and_then(|seat| seat.engine.offer()) else { continue };
        let here = |offer: &studio_engine::Availability| offer.seats.first().is_some_and(|seat| seat.away.is_none());
        let _ = tokio::time::timeout(PATIENCE, offer.wait_for(here)).await;
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
    if let (Some(server), (JudgeBy::Ollama, Some(eye)), Some(cards)) =
        (&config.ollama, config.judge(), &making.context.cards)
        && let Ok(ollama) = super::ollama(server, cards)
    {
        lines.push(match ollama.can(&eye, "vision").await {
            Ok(true) => good("judge", format!("{eye} can see")),
            Ok(false) => bad("judge", format!("{eye} cannot see; choose a vision model such as gemma3:12b")),
            Err(failure) => bad("judge", failure.message),
        });
    }
    if let Some(server) = &config.openai {
        lines.push(asked("OpenAI", &server.url, "/models", server.key.as_ref()).await);
    }
    if let Some(server) = &config.whisper {
        lines.push(asked("whisper", &server.url, "/", None).await);
    }
    if let Some(server) = &config.likeness {
        lines.push(asked("likeness", &server.url, "/models", server.key.as_ref()).await);
    }
    lines
}

/// Whether a server that is only asked when there is work answers now, and takes the key.
async fn asked(name: &'static str, url: &str, route: &str, key: Option<&Secret>) -> Line {
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
    match http.send(request, route).await {
        Err(trouble) if trouble.is_silence() => {
            bad(name, format!("{trouble}; start it, or take it out of the settings"))
        }
        Err(trouble) => match trouble.status() {
            Some(401 | 403) => bad(name, format!("{url} does not accept the key")),
            Some(500..) => bad(name, trouble.to_string()),
            // Which routes it has beside the one that works differs from server to server.
            _ => good(name, format!("{url} answers")),
        },
        Ok(_) => good(name, format!("{url} answers")),
    }
}

async fn database(making: &ProductionContext) -> Result<Vec<Line>, store::Error> {
    let broken = store::check::invariants(&making.context.db).await?;
    Ok(if broken.is_empty() {
        vec![good("rows", "every row fits the others".into())]
    } else {
        broken.into_iter().map(|said| bad("rows", said)).collect()
    })
}

/// Every kept file by length and hash. A file that is gone or damaged is marked, so that it is made again.
async fn kept_files(making: &ProductionContext) -> Result<Vec<Line>, store::Error> {
    let (mut lines, mut after, mut count) = (Vec::new(), None, 0u64);
    loop {
        let page = store::assets::page(&making.context.db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.file.hash);
        for asset in page {
            count += 1;
            let path = asset_path(&making.context.data.assets(), &asset.file);
            let found = tokio::task::spawn_blocking(move || files::hash_file(&path)).await;
            let said = match found.map_err(|error| store::Error::Unavailable(error.to_string()))? {
                Ok(found) if found == (asset.file.hash, asset.bytes) => continue,
                // Known to be gone, and will be made again when it is needed.
                Err(_) if asset.missing => continue,
                Ok(_) => format!("{} is damaged; produce its episode again", asset.file.hash),
                Err(error) => format!("{}: {error}; produce its episode again", asset.file.hash),
            };
            lines.push(bad("files", said));
            let mut tx = making.context.db.begin().await?;
            store::assets::mark_missing(&mut tx, asset.file.hash).await?;
            tx.commit().await?;
        }
    }
    if lines.is_empty() {
        lines.push(good("files", format!("all {count} have their length and hash")));
    }
    Ok(lines)
}

async fn neighbour(name: &str, port: u16, path: &str, purpose: &str) -> Line {
    let asked = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
    let answer = match asked {
        Ok(client) => client.get(format!("http://127.0.0.1:{port}{path}")).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => good(name, format!("answers on port {port}: {purpose}")),
        Ok(answer) => note(name, format!("port {port} answers {}: {purpose}", answer.status())),
        Err(_) => note(name, format!("not on port {port} of this machine; the drafts do without ({purpose})")),
    }
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
