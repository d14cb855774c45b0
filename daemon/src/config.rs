//! Config: the settings file, every key with its meaning, unit and limits in `docs/config.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use studio_core::{
    fleet::Rules,
    gates::Gates,
    gpu::Slot,
    mixdown::{Ducking, Loudness},
    order::{PublishMode, Quality},
    quiet::QuietHours,
    shot::VideoEngine,
    units::{Fps, Score, Size},
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
    /// Models: which make what, how, and where the user's own are described.
    pub models: Models,
    /// Every ComfyUI, each with its card.
    pub comfy: Vec<ComfyServer>,
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
    /// The model of first pictures, by its name in models.toml; without it the draft draws them.
    pub stills: Option<String>,
    /// The models of clips, by name; without any the draft makes them.
    pub clips: Vec<String>,
    /// `draft`, `standard` or `best`.
    pub quality: Quality,
    /// Words before every prompt, e.g. "oil painting".
    pub style: String,
    /// The user's own models.toml; without it `models.toml` in the data directory, when it is there.
    pub file: Option<PathBuf>,
    /// Folder of the user's own workflows; without it `workflows` in the data directory.
    pub workflows: Option<PathBuf>,
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
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8401)) }
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

    /// Gates as the rules take them.
    pub fn gates(&self) -> Gates {
        Gates { pass_marks: self.gates.pass_marks.map(Score::from_fraction), ..Gates::default() }
    }
}

/// How a story type is made: picture shape and rate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// `WIDTHxHEIGHT`.
    size: String,
    /// Pictures per second.
    fps: u32,
    /// Subtitles drawn into the picture.
    #[serde(default)]
    pub burn_in: bool,
}

/// Formats that come with the program.
pub const FORMATS: [(&str, &str); 3] = [
    ("series", include_str!("../../formats/series.toml")),
    ("vertical", include_str!("../../formats/vertical.toml")),
    ("preview", include_str!("../../formats/preview.toml")),
];

impl Format {
    /// A format by name, or from a file when the name has a dot or a slash.
    pub fn named(name: &str) -> Result<Self, BadConfig> {
        let text = match FORMATS.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None if name.contains(['.', '/']) => std::fs::read_to_string(name)
                .map_err(|error| BadConfig::new(name, format!("format cannot be read: {error}")))?,
            None => {
                let known: Vec<&str> = FORMATS.iter().map(|(known, _)| *known).collect();
                let why = format!("unknown format; there are {}, or give the path of a .toml file", known.join(", "));
                return Err(BadConfig::new(name, why));
            }
        };
        let format: Self = toml::from_str(&text).map_err(|error| BadConfig::new(name, error))?;
        format.size().map_err(|error| BadConfig::new(name, error))?;
        if !(1..=120).contains(&format.fps) {
            return Err(BadConfig::new(name, format!("fps is {}; it must be 1 to 120", format.fps)));
        }
        Ok(format)
    }

    /// Picture size.
    pub fn size(&self) -> Result<Size, studio_core::units::BadSize> {
        self.size.parse()
    }

    /// Rate.
    pub fn fps(&self) -> Fps {
        Fps::whole(self.fps)
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
