//! Models: which make what, and what is special about characters.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use studio_core::{character::Appearance, order::Quality, production::ModelStyle, shot::VideoEngine};

/// `[models]`: which models make what, how, and where the user's own are described.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// Your own way with a model, by its name in `models.toml`, before the catalogue's and before what was learned. Every
    /// key but `prompt` is a slot of its workflows, such as `steps`, `cfg`, `sampler` or `scheduler`; those the film or the
    /// model's entry decides (prompts, seed, sizes, rates, lengths, pictures, files) are refused.
    pub set: BTreeMap<String, ModelStyle>,
    /// Learn from takes that people, or judges with eyes, have judged (without this key: yes): words against frequent
    /// complaints, forgotten after 30 days, and settings from ten good takes on, where neither you nor your own file of
    /// models sets them. An episode keeps what it was begun with; `--relearn` takes up what was learned
    /// since.
    pub learn: Option<bool>,
    /// Model of first pictures, by its name in `models.toml`; without it the draft draws them.
    pub stills: Option<String>,
    /// Models of clips, by name: at most one each for FramePack, FramePack F1, LTX-Video and Wan; without any the
    /// draft makes them.
    pub clips: Vec<String>,
    /// Model of music on a ComfyUI, by its name, for who has no ACE-Step server; without it drafts play.
    pub music: Option<String>,
    /// Words every piece of its music has in common; without them `cinematic orchestral`.
    pub music_style: Option<String>,
    /// How much effort a picture or clip is worth.
    pub quality: Quality,
    /// Words before every prompt, e.g. `oil painting`; or the name of a style: `cinematic`, `anime`, `animated`, `pixar`,
    /// or one of your own.
    pub style: String,
    /// Shots in a chain, each from the last picture of the one before, after which the next begins from a picture of
    /// its own, so that small errors do not add up; 0: never; without it 6.
    pub chain_links: Option<u32>,
    /// Who judges takes (`draft`: measures only); without it whoever names a vision model, else `draft`.
    pub judge: Option<JudgeBy>,
    /// Your own models file; without it `models.toml` in the data directory, when it is there.
    pub file: Option<PathBuf>,
    /// Folder of your own workflows; without it `workflows` in the data directory.
    pub workflows: Option<PathBuf>,
    /// The folder that ComfyUI has LoRAs in, where it is on this machine, e.g. `/opt/ComfyUI/models/loras`: what is in it is looked
    /// at, and a character's LoRA that was trained for something else is refused. Without it ComfyUI is trusted.
    pub loras: Option<PathBuf>,
    /// Your own file of styles; without it `styles.toml` in the data directory, when it is there.
    pub styles: Option<PathBuf>,
}

/// Who judges takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum JudgeBy {
    Draft,
    Ollama,
    Openai,
}

/// `[characters.NAME]`: what is special about a character.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CharacterModels {
    /// Trained additions, at most one for each architecture.
    pub loras: Vec<LoraFile>,
    /// Files of pictures to stay alike to (IP-Adapter).
    pub references: Vec<PathBuf>,
    /// Engines that must not make clips with this character.
    pub never: Vec<VideoEngine>,
    /// How they look in words, for models that draw and models that judge.
    pub looks: Option<Appearance>,
    /// Name of their voice on the speech server; without it one that fits.
    pub voice: Option<String>,
    /// A recording of them (WAV, FLAC, M4A), to clone their voice from where the speech server can:
    /// Chatterbox-TTS-Server, chatterbox-tts-api. Its first 25 s are sent once.
    pub sample: Option<PathBuf>,
    /// Who is easily taken for this one; asked before a take passes.
    pub confusable: Vec<Lookalike>,
}

/// Somebody a character is easily taken for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookalike {
    /// The other character's name.
    pub other: String,
    /// What tells them apart, e.g. `the colour of the coat`.
    pub by: String,
}

/// A trained addition.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraFile {
    /// File name as ComfyUI lists it.
    pub file: String,
    /// The architecture it was trained for: `sd15`, `sdxl`, `ltxv`, `wan21` or `hunyuan`.
    pub base: String,
    /// How strongly it acts; 1 is as it was trained.
    #[serde(default = "usual_strength")]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub strength: f64,
}

fn usual_strength() -> f64 {
    0.8
}
