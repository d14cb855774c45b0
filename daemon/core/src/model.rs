//! Model: what the catalogue says of each model: its workflows, files, memory, sizes and settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    nearest::nearest,
    shot::VideoEngine,
    workflow::{SlotValue, Workflow},
};

/// Every model the studio knows, by name. One file, `models.toml`; `docs/models.md` explains each key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// By name, e.g. `framepack`.
    pub models: BTreeMap<String, Model>,
}

/// One model, as its entry in the catalogue describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What people call it.
    pub title: String,
    /// Pictures, clips or music.
    pub makes: Makes,
    /// Its architecture: `sd15`, `sdxl`, `ltxv`, `wan21`, `hunyuan`, `ace`.
    pub base: String,
    /// The engine a script asks for by name; only clips have one.
    #[serde(default)]
    pub engine: Option<VideoEngine>,
    /// Workflow by what is asked of it: `t2i`, `i2i`, `i2v`, `t2v`, each also with `_lora` and `_ipadapter`.
    pub workflows: BTreeMap<String, String>,
    /// Model file by slot, e.g. `checkpoint = "..."`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Architecture of the LoRAs it takes; none: it takes none, and such an order is refused.
    #[serde(default)]
    pub lora_base: Option<String>,
    /// Video memory it needs in MiB.
    pub vram_mib: u64,
    /// How long it takes to load, in seconds.
    pub load_s: u32,
    /// How its prompts are written.
    #[serde(default)]
    pub prompt: PromptStyle,
    /// Words before every prompt.
    #[serde(default)]
    pub positive: String,
    /// What it must not make.
    #[serde(default)]
    pub negative: String,
    /// Phrases taken out of designs and descriptions before this model hears them, because they fight its own style.
    #[serde(default)]
    pub strip: Vec<String>,
    /// Words after a prompt with exactly one character, e.g. `solo`.
    #[serde(default)]
    pub solo: String,
    /// How its pictures look, told to the judge so that the style is not punished.
    #[serde(default)]
    pub hint: String,
    /// Tokens its text encoder reads; what is less important is left out beyond them. `None`: as many as there are.
    #[serde(default)]
    pub tokens: Option<u32>,
    /// Added to every pass mark for takes it made, in percent, -30..=30: judges are stricter with some styles.
    #[serde(default)]
    pub pass_shift: i32,
    /// Best number of pixels of its pictures, when its workflow leaves it open.
    #[serde(default)]
    pub pixels: Option<u64>,
    /// Sampling steps of the first take.
    pub steps: u32,
    /// Values of other slots: `cfg`, `sampler`, `scheduler`, `shift`, `guidance`, `preserve_gib`, ...
    #[serde(default)]
    pub settings: BTreeMap<String, SlotValue>,
    /// What a provider asks for it; nothing for models on one's own cards.
    #[serde(default)]
    pub price: Price,
    /// What differs for a quality: `steps`, `pixels` in percent, and slots.
    #[serde(default)]
    pub quality: BTreeMap<Quality, Effort>,
}

/// What a provider asks, in the currency of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Price {
    /// For a call.
    pub call: f64,
    /// For a second of film or sound.
    pub second: f64,
}

impl Price {
    /// For one order that makes `ms` milliseconds of film; 0 for a picture.
    pub fn of(&self, ms: u64) -> f64 {
        self.call + self.second * ms as f64 / 1000.0
    }
}

/// Pictures, clips or music.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Makes {
    Stills,
    Clips,
    Music,
}

/// How a model's prompts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PromptStyle {
    /// Sentences, appearance first.
    #[default]
    Prose,
    /// Tags, as booru-trained models want them.
    Booru,
    /// Sentences, motion first and characters short (Wan).
    MotionFirst,
    /// Clips as the script has them: what happens, then who says what, word for word.
    Script,
}

/// How much effort a picture or clip is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Quality {
    Draft,
    #[default]
    Standard,
    Best,
}

impl Quality {
    /// Its word in texts that durations are learned by. It never changes, whatever the quality is called elsewhere.
    pub fn stable_word(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Standard => "Standard",
            Self::Best => "Best",
        }
    }
}

/// A trained addition to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lora {
    /// File name as ComfyUI lists it.
    pub file: String,
    /// The architecture it was trained for: `sd15`, `sdxl`, `ltxv`, `wan21`, `hunyuan`.
    pub base: String,
    /// How strongly it acts, in percent, 0..=200.
    pub strength_percent: u32,
    /// The word it is called with, said before whoever it makes; empty: none is said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trigger: String,
}

/// What differs for a quality.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effort {
    /// Steps instead of the model's.
    pub steps: Option<u32>,
    /// Pixels in percent of the model's, 10..=400.
    pub pixels_percent: Option<u32>,
    /// Values of slots.
    pub settings: BTreeMap<String, SlotValue>,
}

/// Architectures there are.
/// Architectures there are.
pub const BASES: [&str; 6] = ["sd15", "sdxl", "ltxv", "wan21", "hunyuan", "ace"];

impl Catalogue {
    /// What is wrong with it, one sentence each.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, model) in &self.models {
            let mut say = |text: String| wrong.push(format!("model {name}: {text}"));
            for (key, base) in [("base", Some(&model.base)), ("lora_base", model.lora_base.as_ref())] {
                if let Some(base) = base.filter(|base| !BASES.contains(&base.as_str())) {
                    say(format!("{key} is '{base}'; it must be one of {}", BASES.join(", ")));
                }
            }
            if model.workflows.is_empty() {
                say("it has no workflow".into());
            }
            for ability in model.workflows.keys() {
                let first = ability.split('_').next().unwrap_or_default();
                let fits = match model.makes {
                    Makes::Stills => ["t2i", "i2i"].contains(&first),
                    Makes::Clips => ["t2v", "i2v"].contains(&first),
                    Makes::Music => first == "t2a",
                };
                if !fits {
                    say(format!("workflows.{ability} does not fit a model that makes {:?}", model.makes).to_lowercase());
                }
            }
            if model.engine.is_some() != (model.makes == Makes::Clips) {
                say("engine belongs to models that make clips, and every one of them has it".into());
            }
            if !(1..=200).contains(&model.steps) {
                say(format!("steps is {}; it must be 1 to 200", model.steps));
            }
            if [model.price.call, model.price.second].iter().any(|price| !(0.0..=1e6).contains(price)) {
                say("price.call and price.second must be 0 to 1000000".into());
            }
            if !(-30..=30).contains(&model.pass_shift) {
                say(format!("pass_shift is {}; it must be -30 to 30", model.pass_shift));
            }
            if model.tokens.is_some_and(|tokens| !(20..=10_000).contains(&tokens)) {
                say("tokens must be 20 to 10000".into());
            }
            if !(100..=262_144).contains(&model.vram_mib) {
                say(format!("vram_mib is {}; it must be 100 to 262144", model.vram_mib));
            }
            for (quality, effort) in &model.quality {
                if effort.pixels_percent.is_some_and(|share| !(10..=400).contains(&share)) {
                    say(format!("quality.{quality:?}.pixels_percent must be 10 to 400").to_lowercase());
                }
            }
        }
        wrong
    }

    /// The model of this name; the refusal names the nearest one.
    ///
    /// # Errors
    /// The catalogue has no model of that name.
    pub fn model(&self, name: &str) -> Result<&Model, UnknownModel> {
        self.models.get(name).ok_or_else(|| {
            let near = nearest(name, self.models.keys().map(String::as_str)).map(str::to_owned);
            UnknownModel { name: name.to_owned(), near }
        })
    }
}

/// The catalogue has no model of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no model '{name}' in models.toml{}", .near.as_ref().map_or_else(String::new, |near| format!("; did you mean '{near}'?")))]
pub struct UnknownModel {
    /// The name that was asked for.
    pub name: String,
    /// The name that is most like it.
    pub near: Option<String>,
}

/// Why a LoRA cannot be used with a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoraMisfit {
    /// It was trained for another architecture.
    #[error("{title} takes LoRAs trained for {wanted}; {file} is for {base}")]
    OtherBase {
        /// Title of the model.
        title: String,
        /// What the model takes.
        wanted: String,
        /// File of the LoRA.
        file: String,
        /// What it was trained for.
        base: String,
    },
    /// The model takes none.
    #[error("{title} takes no LoRA; leave {file} out or choose another engine")]
    TakesNone {
        /// Title of the model.
        title: String,
        /// File of the LoRA.
        file: String,
    },
}

/// Workflows that shipped models were given later, by name and fingerprint: what is made with one has its text in the key, and
/// nothing else is made anew because it is there. A workflow of the user's own by such a name counts like any other.
const LATER: [(&str, &str); 12] = [
    ("sd15_img2img_ipadapter", "aaeefd6b837423cbe573fafec2bbfc5a7c99a002ad367118b12e1de3de87ddf7"),
    ("sd15_img2img_lora", "1a89056136857e463959e5affd8afa296a09ae6abd6b3e4e90d8092d84d2b52a"),
    ("sd15_img2img_lora_ipadapter", "fdc02bc6939e2da700406bf4048b9bd261d3e83b31dcbe26ee8d131386275d3c"),
    ("sdxl_img2img_ipadapter", "6152fd198bc5d6d810031990c16c36390b515c5df14b3aa3e1f4d03712b24c7f"),
    ("sdxl_img2img_lora", "01d7d6bee45e49c384cc0ccc1eefae6f3e06ca135a5477e9d870f10381870887"),
    ("sdxl_img2img_lora_ipadapter", "c9798158c4bc6d17494e13533107123e60ecb09a1f3d116791b7fda38ce0139a"),
    ("sd15_txt2img_ipadapter_2", "e7f928f6db63c391bfd384e39e8cf5dd3170c4b541bbf37449dd80c1b3ac9c2d"),
    ("sdxl_txt2img_ipadapter_2", "84ddb757e9337a4e5a35369b0836e8974bbfbc84f11f5116fff352fdc1f3d529"),
    ("sd15_txt2img_ipadapter_3", "d4e330678318550a27b5189ec315a36cee50bd9a5bb4baf583984150eafffa2a"),
    ("sd15_txt2img_ipadapter_4", "93580d5dc8964b8d477181e1f3f84abbf388c794d3d29833a02f88a47ad880ed"),
    ("sdxl_txt2img_ipadapter_3", "54b3ddd07919933c1dc5480816ff175849e5cc6f13c0883aeb36c49da7054d41"),
    ("sdxl_txt2img_ipadapter_4", "0bc93f8209461565778c2979fc2b4d55f472648110e645c9064586df533f00d5"),
];

impl Model {
    /// Everything about it as one text, part of the key of everything it makes: its JSON in the order of its fields.
    /// `workflows`: those there are, by name.
    ///
    /// A new field must be left out of the JSON while nothing is said of it, or every film made with models is made
    /// anew; `core/tests/identities.rs` finds that.
    pub fn identity(&self, workflows: &BTreeMap<String, Workflow>) -> String {
        let later = |name: &str| {
            let as_shipped =
                |print: &str| workflows.get(name).is_some_and(|one| one.fingerprint().to_string() == print);
            LATER.iter().any(|(known, print)| *known == name && as_shipped(print))
        };
        let mut known = self.clone();
        known.workflows.retain(|_, workflow| !later(workflow));
        serde_json::to_string(&known).expect("a model is plain data")
    }

    /// Whether a LoRA can be used with this model; FramePack, for one, is another architecture than SD's.
    ///
    /// # Errors
    /// The model takes no LoRAs, or those of another base model only.
    pub fn lora_fits(&self, lora: &Lora) -> Result<(), LoraMisfit> {
        let (title, file) = (self.title.clone(), lora.file.clone());
        match &self.lora_base {
            Some(base) if *base == lora.base => Ok(()),
            Some(base) => Err(LoraMisfit::OtherBase { title, wanted: base.clone(), file, base: lora.base.clone() }),
            None => Err(LoraMisfit::TakesNone { title, file }),
        }
    }

    /// What a quality changes; nothing when the catalogue does not say.
    pub fn effort(&self, quality: Quality) -> Effort {
        self.quality.get(&quality).cloned().unwrap_or_default()
    }
}
