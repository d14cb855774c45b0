//! Config: the settings file, every key with its meaning, unit and limits.
//!
//! The document comments of the keys are the reference in `docs/config.md` and the descriptions that editors show; limits
//! are attributes of the types, and a file is held to them before anything is begun.

mod datasets;
mod film;
mod format;
mod machine;
mod models;
mod portraits;
mod schema;
mod servers;
mod training;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::{
    fleet::Rules,
    gates::Gates,
    model::BASES,
    quiet::QuietHours,
    review::Species,
    units::{Score, Size},
};

use crate::text_file;

pub use datasets::Datasets;
pub use film::{Engines, Film, GateMarks, Publish, Sound};
pub use format::{FORMATS, Format};
pub use machine::{Costs, Database, Gpu, Retention, Web, usual_programs, usual_reserve};
pub use models::{CharacterModels, JudgeBy, Lookalike, LoraFile, Models};
pub use portraits::Portraits;
pub use schema::schema;
pub use servers::{
    AceStepServer, ComfyServer, Hidden, LikenessServer, OllamaServer, OpenAiServer, Secret, SpeechServer,
    USUAL_MODEL_MIB, Vault, WhisperServer,
};
pub use training::Training;

/// What the settings file says; every key has a default, an unknown key is refused.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where rows are kept.
    pub database: Database,
    /// The picture of the film.
    pub film: Film,
    /// How loud the film is, and how music and voices go together.
    pub sound: Sound,
    /// What a take must score.
    pub gates: GateMarks,
    /// Where finished films go.
    pub publish: Publish,
    /// How much the built-in engines do at a time.
    pub engines: Engines,
    /// The page and the API.
    pub web: Web,
    /// How the studio fills sets of pictures of characters by itself.
    pub datasets: Datasets,
    /// Reference sheets of characters, and establishing pictures of places.
    pub portraits: Portraits,
    /// Who trains LoRAs.
    pub training: Option<Training>,
    /// How long files stay that nothing refers to.
    pub retention: Retention,
    /// Where secrets are kept that are neither files nor variables.
    pub vault: Option<Vault>,
    /// Which models make what, how, and where the user's own are described.
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
        let text = text_file::read(path).map_err(|error| {
            BadConfig::new(&name, format!("cannot be read: {error}; give another file with --config"))
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| BadConfig::new(&name, error))?;
        let written: toml::Table = toml::from_str(&text).map_err(|error| BadConfig::new(&name, error))?;
        schema::outside(&schema(), &written).map_err(|why| BadConfig::new(&name, why))?;
        config.check().map_err(|why| BadConfig::new(&name, why))?;
        Ok(config)
    }

    /// What no limit of a single number says.
    fn check(&self) -> Result<(), String> {
        self.database.check()?;
        self.check_paths()?;
        let (mut names, mut urls) = (BTreeSet::new(), BTreeMap::new());
        for server in &self.comfy {
            let name = &server.name;
            if name.is_empty() || !names.insert(name) {
                return Err(format!("comfy.name '{name}' is empty or there twice; give every ComfyUI its own"));
            }
            if !server.url.starts_with("http://") && !server.url.starts_with("https://") {
                return Err(format!("comfy.url of {name} is '{}'; it must begin with http://", server.url));
            }
            // One server under two names would be given two things to do at a time.
            if let Some(other) = urls.insert(server.url.trim_end_matches('/').to_ascii_lowercase(), name) {
                return Err(format!("comfy {other} and {name} have the same url, '{}'; keep one of them", server.url));
            }
            if server.unit.is_some() && !server.restart_command.is_empty() {
                return Err(format!("comfy {name} has both unit and restart_command; keep one"));
            }
        }
        let mut slots = BTreeSet::new();
        if let Some(twice) = self.gpu.iter().find(|gpu| !slots.insert(&gpu.slot)) {
            return Err(format!("gpu.slot {} is there twice; keep one of them", twice.slot));
        }
        self.check_servers()?;
        if let Some(wrong) = self.schedule.check().first() {
            return Err(format!("schedule.{wrong}"));
        }
        if let Some(size) = &self.film.size {
            size.parse::<Size>().map_err(|error| format!("film.size: {error}"))?;
        }
        self.datasets.check()?;
        self.portraits.check()?;
        self.training.as_ref().map_or(Ok(()), Training::check)?;
        self.check_models()
    }

    /// An empty path would be the folder that the program was started in.
    fn check_paths(&self) -> Result<(), String> {
        let models = &self.models;
        let named = [
            ("publish.library", &self.publish.library),
            ("models.file", &models.file),
            ("models.workflows", &models.workflows),
            ("models.loras", &models.loras),
            ("models.styles", &models.styles),
            ("datasets.inbox", &self.datasets.inbox),
        ];
        let named = named.into_iter().filter_map(|(key, path)| Some((key.to_owned(), path.as_ref()?)));
        let of_characters = self.characters.iter().flat_map(|(name, one)| {
            let references = one.references.iter().map(move |path| (format!("characters.{name}.references"), path));
            references.chain(one.sample.as_ref().map(|path| (format!("characters.{name}.sample"), path)))
        });
        let mut all = named.chain(of_characters);
        match all.find(|(_, path)| path.as_os_str().is_empty()) {
            Some((key, _)) => Err(format!("{key} is empty; write a path, or leave it out")),
            None => Ok(()),
        }
    }

    /// What is named must be there, or nobody would hear that it is not used.
    fn check_models(&self) -> Result<(), String> {
        let places = [("file", &self.models.file), ("workflows", &self.models.workflows)];
        let mut named = places.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?)));
        if let Some((key, path)) = named.find(|(_, path)| !path.exists()) {
            return Err(format!("models.{key} is {}, which is not there; make it, or take it out", path.display()));
        }
        for (name, character) in &self.characters {
            let mut bases = BTreeSet::new();
            for lora in &character.loras {
                let base = lora.base.as_str();
                if !BASES.contains(&base) {
                    let all = BASES.join(", ");
                    return Err(format!("characters.{name}.loras: base is '{base}'; it must be one of {all}"));
                }
                if !bases.insert(base) {
                    return Err(format!("characters.{name}.loras has two for {base}; keep the one that is used"));
                }
            }
        }
        Ok(())
    }

    fn check_servers(&self) -> Result<(), String> {
        let urls = [
            ("ollama", self.ollama.as_ref().map(|server| &server.url)),
            ("openai", self.openai.as_ref().map(|server| &server.url)),
            ("ace_step", self.ace_step.as_ref().map(|server| &server.url)),
            ("speech", self.speech.as_ref().map(|server| &server.url)),
            ("whisper", self.whisper.as_ref().map(|server| &server.url)),
            ("likeness", self.likeness.as_ref().map(|server| &server.url)),
        ];
        for (name, url) in urls.iter().filter_map(|(name, url)| Some((name, url.as_ref()?))) {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(format!("{name}.url is '{url}'; it must begin with http://"));
            }
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
        Gates {
            pass_marks: self.gates.pass_marks.map(Score::from_fraction),
            publish_with_remarks: self.gates.publish_with_remarks,
            ..Gates::default()
        }
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
    fn an_address_of_another_database_is_refused_with_the_remedy() {
        for (url, is) in [
            ("posgres://me:secret@here/db", "begins with 'posgres://'"),
            ("mysql://x", "begins with 'mysql://'"),
            ("http://x", "begins with 'http://'"),
            ("sqlite:studio.db", "is no address"),
            ("studio.db", "is no address"),
            ("", "is empty"),
        ] {
            let error = read(&format!("[database]\nurl = \"{url}\"\n")).unwrap_err();
            assert!(error.contains(&format!("database.url {is}; write postgres://")), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        for url in ["postgres://me@here/db", "PostgreSQL://me@here/db", "postgresql:///db"] {
            read(&format!("[database]\nurl = \"{url}\"\n")).unwrap();
        }
    }

    #[test]
    fn one_thing_under_two_names_is_refused() {
        let comfy = |name: &str, url: &str| format!("[[comfy]]\nname = \"{name}\"\nurl = \"{url}\"\n");
        let one = comfy("one", "http://127.0.0.1:8188");
        for same in ["http://127.0.0.1:8188", "http://127.0.0.1:8188/"] {
            let error = read(&(one.clone() + &comfy("two", same))).unwrap_err();
            assert!(error.contains("comfy one and two have the same url"), "{error}");
        }
        read(&(one + &comfy("two", "http://127.0.0.1:8189"))).unwrap();
        let gpu = "[[gpu]]\nslot = \"0000:01:00.0\"\n";
        assert!(read(&gpu.repeat(2)).unwrap_err().contains("gpu.slot 0000:01:00.0 is there twice"));
    }

    #[test]
    fn a_path_that_is_empty_is_refused() {
        for (text, key) in [
            ("[publish]\nlibrary = \"\"", "publish.library is empty"),
            ("[models]\nloras = \"\"", "models.loras is empty"),
            ("[datasets]\ninbox = \"\"", "datasets.inbox is empty"),
            ("[characters.MARA]\nreferences = [\"\"]", "characters.MARA.references is empty"),
            ("[characters.MARA]\nsample = \"\"", "characters.MARA.sample is empty"),
            ("[training.paths]\ncheckout = \"\"", "training.paths.checkout is ''"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn the_formats_that_come_with_the_program_are_good() {
        for (name, _) in FORMATS {
            Format::named(name).unwrap();
        }
        assert!(Format::named("cinema").unwrap_err().to_string().contains("series"));
    }
}
