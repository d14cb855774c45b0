//! Config: the settings file, every key with its meaning, unit and limits in `docs/config.md`.

mod format;
mod servers;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use studio_core::{
    character::Appearance,
    fleet::Rules,
    gates::Gates,
    gpu::Slot,
    mixdown::{Ducking, Loudness},
    order::{PublishMode, Quality},
    production::{Checkpoint, ModelStyle},
    quiet::QuietHours,
    review::Species,
    shot::VideoEngine,
    units::{Score, Size},
};

pub use format::{FORMATS, Format};
pub use servers::{
    AceStepServer, Hidden, LikenessServer, OllamaServer, OpenAiServer, Secret, SpeechServer, USUAL_MODEL_MIB, Vault,
    WhisperServer,
};

/// What the settings file says; every key has a default, an unknown key is refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept.
    pub database: Database,
    /// Picture.
    pub film: Film,
    /// Sound.
    pub sound: Sound,
    /// Gates.
    pub gates: GateMarks,
    /// Library.
    pub publish: Publish,
    /// How much is done at a time.
    pub engines: Engines,
    /// The page and the API.
    pub web: Web,
    /// How long files stay that nothing refers to.
    pub retention: Retention,
    /// Where secrets are kept that are neither files nor variables.
    pub vault: Option<Vault>,
    /// Models: which make what, how, and where the user's own are described.
    pub models: Models,
    /// Every ComfyUI, each with its card.
    pub comfy: Vec<ComfyServer>,
    /// The Ollama that judges and writes.
    pub ollama: Option<OllamaServer>,
    /// The OpenAI-compatible server that judges and writes.
    pub openai: Option<OpenAiServer>,
    /// The ACE-Step that makes music.
    pub ace_step: Option<AceStepServer>,
    /// The server that speaks.
    pub speech: Option<SpeechServer>,
    /// The server that listens.
    pub whisper: Option<WhisperServer>,
    /// Who sees how alike pictures are.
    pub likeness: Option<LikenessServer>,
    /// Species of the user's own, beside those the studio knows.
    pub species: Vec<Species>,
    /// What is special about characters, by the name the screenplay uses.
    pub characters: BTreeMap<String, CharacterModels>,
    /// Every number the scheduler decides by.
    pub schedule: Rules,
    /// What is special about the cards of this machine.
    pub gpu: Vec<Gpu>,
    /// Hours of the week in which something rests.
    pub quiet: Vec<QuietHours>,
    /// What things cost.
    pub costs: Costs,
}

/// `[[gpu]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// PCI slot, e.g. `0000:01:00.0`; `studiod check` lists them.
    pub slot: Slot,
    /// Never booked, in MiB: what the driver and the desktop keep.
    #[serde(default = "usual_reserve")]
    pub reserve_mib: u64,
    /// Attempts that compute at a time, 1..=8.
    #[serde(default = "one")]
    pub lanes: usize,
    /// Parts of the names of programs whose memory is the studio's: its engines.
    #[serde(default = "usual_programs")]
    pub ours: Vec<String>,
}

/// What is kept on a card nothing is said about, in MiB.
pub fn usual_reserve() -> u64 {
    400
}

/// Programs whose memory is the studio's when nothing else is said.
pub fn usual_programs() -> Vec<String> {
    ["python", "ComfyUI", "comfy", "ollama", "llama"].map(str::to_owned).to_vec()
}

/// `[costs]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// Price of a kilowatt-hour, 0..=100, in whatever currency the prices of models.toml are.
    pub price_kwh: f64,
}

/// `[models]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// The project's own way with models, by model, before the catalogue's.
    pub set: BTreeMap<String, ModelStyle>,
    /// Learn from judged takes what to avoid and which settings work.
    pub learn: Option<bool>,
    /// The model of first pictures, by its name in models.toml; without it the draft draws them.
    pub stills: Option<String>,
    /// The models of clips, by name; without any the draft makes them.
    pub clips: Vec<String>,
    /// The model of music on a ComfyUI, by its name, for who has no ACE-Step server.
    pub music: Option<String>,
    /// Words every piece of its music has in common.
    pub music_style: Option<String>,
    /// `draft`, `standard` or `best`.
    pub quality: Quality,
    /// Words before every prompt, e.g. "oil painting".
    pub style: String,
    /// Shots after which a chain begins anew from a picture of its own; 0 lets it go on.
    pub chain_links: Option<u32>,
    /// Who judges takes: `draft`, `ollama` or `openai`; without it whoever has a vision model.
    pub judge: Option<JudgeBy>,
    /// The user's own models.toml; without it `models.toml` in the data directory, when it is there.
    pub file: Option<PathBuf>,
    /// Folder of the user's own workflows; without it `workflows` in the data directory.
    pub workflows: Option<PathBuf>,
}

/// Who judges takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum JudgeBy {
    Draft,
    Ollama,
    Openai,
}

/// `[[comfy]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComfyServer {
    /// Its name, unique.
    pub name: String,
    /// `http://host:port`.
    pub url: String,
    /// PCI slot of its card, e.g. `0000:01:00.0`; leave it out for another machine's.
    #[serde(default)]
    pub gpu: Option<String>,
    /// Prompts in its queue beside the running one, 0..=8, so that the card has no gap.
    #[serde(default = "one")]
    pub queue_ahead: usize,
    /// Program and arguments that restart it when its worker is dead.
    #[serde(default)]
    pub restart_command: Vec<String>,
    /// Its systemd unit, restarted when its worker is dead.
    #[serde(default)]
    pub unit: Option<String>,
    /// Minutes without any sign of progress until a prompt counts as hanging, when nothing is known of such work.
    #[serde(default = "half_an_hour")]
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

fn one() -> usize {
    1
}

fn half_an_hour() -> u32 {
    30
}

/// `[characters.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CharacterModels {
    /// Trained additions, at most one per architecture.
    pub loras: Vec<LoraFile>,
    /// Pictures to stay alike to.
    pub references: Vec<PathBuf>,
    /// Engines that must not make clips with this character.
    pub never: Vec<VideoEngine>,
    /// How they look in words, for models that draw and models that judge.
    pub looks: Option<Appearance>,
    /// Name of their voice on the speech server.
    pub voice: Option<String>,
    /// A recording of them, to clone their voice from where the speech server can.
    pub sample: Option<PathBuf>,
    /// Who they are easily taken for.
    pub confusable: Vec<Lookalike>,
}

/// Somebody a character is easily taken for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookalike {
    /// Who.
    pub other: String,
    /// What tells them apart.
    pub by: String,
}

/// A trained addition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraFile {
    /// File name as ComfyUI lists it.
    pub file: String,
    /// `sd15`, `sdxl`, `ltxv`, `wan21` or `hunyuan`.
    pub base: String,
    /// How strongly it acts, 0..=2.
    #[serde(default = "usual_strength")]
    pub strength: f64,
}

fn usual_strength() -> f64 {
    0.8
}

/// `[retention]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days after it was first kept until a file that nothing refers to is removed; a running studio looks once a day.
    pub unused_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { unused_days: 30 }
    }
}

/// `[database]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://...`; without it SQLite in the data directory.
    pub url: Option<String>,
    /// Where its password is, when the URL has none.
    pub password: Option<Secret>,
}

/// `[film]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Film {
    /// Name of a format or path of a format file.
    pub format: Option<String>,
    /// `WIDTHxHEIGHT`; wins over the format.
    pub size: Option<String>,
    /// Pictures per second, 1..=120; wins over the format.
    pub fps: Option<u32>,
    /// Draw the subtitles into the picture; wins over the format.
    pub burn_in: Option<bool>,
    /// Cap of the film's file in MiB.
    pub max_mib: Option<u32>,
    /// Where work stops until a person has approved what is there: `pictures`, `clips`. A project may say otherwise.
    pub approve: BTreeSet<Checkpoint>,
}

/// `[sound]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sound {
    /// Integrated loudness of the film in LUFS, -40..=-5.
    pub loudness_lufs: f64,
    /// True peak never exceeded in dBTP, -20..=0.
    pub true_peak_dbtp: f64,
    /// Music without voices, linear, 0..=1.
    pub music_gain: f32,
    /// How the music gives way to voices.
    pub ducking: Ducking,
}

impl Default for Sound {
    fn default() -> Self {
        let loudness = Loudness::default();
        Self {
            loudness_lufs: loudness.integrated_lufs,
            true_peak_dbtp: loudness.true_peak_dbtp,
            music_gain: studio_core::mixdown::MUSIC_GAIN as f32,
            ducking: Ducking::default(),
        }
    }
}

/// `[gates]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateMarks {
    /// Pass marks of attempts 1, 2, 3, each 0..=1.
    pub pass_marks: [f64; 3],
}

impl Default for GateMarks {
    fn default() -> Self {
        Self { pass_marks: Gates::default().pass_marks.map(Score::as_fraction) }
    }
}

/// `[publish]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    /// Root of the Jellyfin library; without it films stay in the studio until `--library` names one.
    pub library: Option<PathBuf>,
    /// `symlink`, `hardlink` or `copy`.
    pub mode: PublishMode,
}

/// `[engines]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engines {
    /// Spoken lines at a time, 1..=64.
    pub voices: usize,
    /// Draft pictures at a time, 1..=64.
    pub stills: usize,
    /// Media jobs (clips, reviews, joins) at a time, 1..=64.
    pub media: usize,
}

impl Default for Engines {
    fn default() -> Self {
        Self { voices: 2, stills: 2, media: 2 }
    }
}

/// `[web]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Address and port to listen on.
    pub listen: std::net::SocketAddr,
    /// Peers of the house need no login.
    pub open_house: bool,
    /// Networks that count as the house, beside loopback and the private ranges, e.g. `100.64.0.0/10`.
    pub house: Vec<ipnet::IpNet>,
    /// Proxies whose word about where a request comes from counts.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Names the page may be opened by, beside addresses and names that can only be of the house.
    pub hosts: Vec<String>,
    /// Pages of others that may use the API, e.g. `https://desk.example`.
    pub cors: Vec<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8401)),
            open_house: true,
            house: Vec::new(),
            trusted_proxies: Vec::new(),
            hosts: Vec::new(),
            cors: Vec::new(),
        }
    }
}

/// A settings or format file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct BadConfig {
    path: String,
    why: String,
}

impl BadConfig {
    fn new(path: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self { path: path.into(), why: why.to_string().trim_end().to_owned() }
    }
}

impl Config {
    /// Reads the file; `None` gives the defaults. Numbers outside their limits are refused.
    pub fn read(path: Option<&Path>) -> Result<Self, BadConfig> {
        let Some(path) = path else { return Ok(Self::default()) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            BadConfig::new(&name, format!("cannot be read: {error}; give another file with --config"))
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| BadConfig::new(&name, error))?;
        config.check().map_err(|why| BadConfig::new(&name, why))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let inside = |key: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("{key} is {value}; it must be {low} to {high}"))
            }
        };
        inside("sound.loudness_lufs", self.sound.loudness_lufs, -40.0, -5.0)?;
        inside("sound.true_peak_dbtp", self.sound.true_peak_dbtp, -20.0, 0.0)?;
        inside("sound.music_gain", f64::from(self.sound.music_gain), 0.0, 1.0)?;
        inside("sound.ducking.ratio", self.sound.ducking.ratio, 1.0, 20.0)?;
        for mark in self.gates.pass_marks {
            inside("gates.pass_marks", mark, 0.0, 1.0)?;
        }
        for (key, slots) in
            [("voices", self.engines.voices), ("stills", self.engines.stills), ("media", self.engines.media)]
        {
            inside(&format!("engines.{key}"), slots as f64, 1.0, 64.0)?;
        }
        let mut names = BTreeSet::new();
        for server in &self.comfy {
            let name = &server.name;
            if name.is_empty() || !names.insert(name) {
                return Err(format!("comfy.name '{name}' is empty or there twice; give every ComfyUI its own"));
            }
            if !server.url.starts_with("http://") && !server.url.starts_with("https://") {
                return Err(format!("comfy.url of {name} is '{}'; it must begin with http://", server.url));
            }
            inside("comfy.queue_ahead", server.queue_ahead as f64, 0.0, 8.0)?;
            inside("comfy.stall_minutes", f64::from(server.stall_minutes), 1.0, 1440.0)?;
            if server.unit.is_some() && !server.restart_command.is_empty() {
                return Err(format!("comfy {name} has both unit and restart_command; keep one"));
            }
        }
        self.check_servers()?;
        for (name, character) in &self.characters {
            for lora in &character.loras {
                inside(&format!("characters.{name}.loras.strength"), lora.strength, 0.0, 2.0)?;
            }
        }
        if let Some(wrong) = self.schedule.check().first() {
            return Err(format!("schedule.{wrong}"));
        }
        for gpu in &self.gpu {
            inside("gpu.lanes", gpu.lanes as f64, 1.0, 8.0)?;
            inside("gpu.reserve_mib", gpu.reserve_mib as f64, 0.0, 65_536.0)?;
        }
        inside("costs.price_kwh", self.costs.price_kwh, 0.0, 100.0)?;
        if let Some(mib) = self.film.max_mib {
            inside("film.max_mib", f64::from(mib), 1.0, 1_048_576.0)?;
        }
        if let Some(fps) = self.film.fps {
            inside("film.fps", f64::from(fps), 1.0, 120.0)?;
        }
        if let Some(size) = &self.film.size {
            size.parse::<Size>().map_err(|error| format!("film.size: {error}"))?;
        }
        Ok(())
    }

    fn check_servers(&self) -> Result<(), String> {
        let inside = |key: &str, value: f64, low: f64, high: f64| {
            let fits = (low..=high).contains(&value);
            if fits { Ok(()) } else { Err(format!("{key} is {value}; it must be {low} to {high}")) }
        };
        let urls = [
            ("ollama", self.ollama.as_ref().map(|server| &server.url)),
            ("openai", self.openai.as_ref().map(|server| &server.url)),
            ("ace_step", self.ace_step.as_ref().map(|server| &server.url)),
            ("speech", self.speech.as_ref().map(|server| &server.url)),
            ("whisper", self.whisper.as_ref().map(|server| &server.url)),
        ];
        for (name, url) in urls.iter().filter_map(|(name, url)| Some((name, url.as_ref()?))) {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(format!("{name}.url is '{url}'; it must begin with http://"));
            }
        }
        if let Some(ollama) = &self.ollama {
            inside("ollama.num_ctx", f64::from(ollama.num_ctx), 2048.0, 131_072.0)?;
        }
        if let Some(openai) = &self.openai {
            inside("openai.parallel", openai.parallel as f64, 1.0, 16.0)?;
            inside("openai.spacing_ms", openai.spacing_ms as f64, 0.0, 600_000.0)?;
            inside("openai.price", openai.price, 0.0, 1000.0)?;
        }
        if let Some(steps) = self.ace_step.as_ref().and_then(|server| server.steps) {
            inside("ace_step.steps", f64::from(steps), 1.0, 200.0)?;
        }
        let (by, eye) = self.judge();
        if by != JudgeBy::Draft && eye.is_none() {
            return Err(
                format!("models.judge is {by:?}, but that server names no vision model; add one").to_lowercase()
            );
        }
        Ok(())
    }

    /// Who judges, and with which vision model.
    pub fn judge(&self) -> (JudgeBy, Option<String>) {
        let ollama = self.ollama.as_ref().and_then(|server| server.vision.clone());
        let openai = self.openai.as_ref().and_then(|server| server.vision.clone());
        match self.models.judge {
            Some(JudgeBy::Ollama) => (JudgeBy::Ollama, ollama),
            Some(JudgeBy::Openai) => (JudgeBy::Openai, openai),
            None if ollama.is_some() => (JudgeBy::Ollama, ollama),
            None if openai.is_some() => (JudgeBy::Openai, openai),
            Some(JudgeBy::Draft) | None => (JudgeBy::Draft, None),
        }
    }

    /// Every place a secret is kept in, but those of the vault itself.
    pub fn secrets(&mut self) -> Vec<&mut Secret> {
        let servers = [
            self.openai.as_mut().and_then(|server| server.key.as_mut()),
            self.ace_step.as_mut().and_then(|server| server.key.as_mut()),
            self.speech.as_mut().and_then(|server| server.key.as_mut()),
            self.likeness.as_mut().and_then(|server| server.key.as_mut()),
            self.database.password.as_mut(),
        ];
        servers.into_iter().flatten().collect()
    }

    /// Gates as the rules take them.
    pub fn gates(&self) -> Gates {
        Gates { pass_marks: self.gates.pass_marks.map(Score::from_fraction), ..Gates::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::read(Some(file.path())).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_key_is_refused_with_what_there_is() {
        let error = read("[film]\nsise = \"1x1\"\n").unwrap_err();
        assert!(error.contains("sise") && error.contains("size"), "{error}");
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        let error = read("[sound]\nloudness_lufs = 3\n").unwrap_err();
        assert!(error.contains("-40 to -5"), "{error}");
        assert!(read("[film]\nsize = \"1921x1080\"\n").is_err());
        assert!(read("[gates]\npass_marks = [0.5, 0.4, 7]\n").is_err());
    }

    #[test]
    fn the_formats_that_come_with_the_program_are_good() {
        for (name, _) in FORMATS {
            Format::named(name).unwrap();
        }
        assert!(Format::named("cinema").unwrap_err().to_string().contains("series"));
    }
}
