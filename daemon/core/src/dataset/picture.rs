//! Picture: one file of a dataset, where it is from, what it shows, and what was decided of it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize};

use super::{Likeness, Placing, Print, Rejection, Why};
use crate::{
    asset::AssetRef,
    ids::{CharacterId, PictureId, TakeId},
    take::Verdict,
    units::{Millis, Seed, Size},
    workflow::SlotValue,
};

/// What a picture shows, by axis of the coverage: `framing` -> `face`, `angle` -> `side`. Axes nobody has looked at are
/// missing.
pub type Cell = BTreeMap<String, String>;

/// A picture of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Picture {
    /// Identity of the picture, a uuid v7.
    pub id: PictureId,
    /// Whose dataset it is in.
    pub character_id: CharacterId,
    /// The file itself.
    pub file: AssetRef,
    /// Width and height in pixels.
    pub size: Size,
    /// Whether it counts.
    pub state: PictureState,
    /// Where it is from.
    pub source: Source,
    /// 0: real, or drawn by a person; n+1: made with pictures, or a LoRA, of level n.
    pub lineage: u32,
    /// What it was made with; `None` of pictures from outside that say nothing of it.
    pub made: Option<Made>,
    /// What it shows.
    pub cell: Cell,
    /// Who says what it shows, and what was seen in it; `None` while neither a person nor a vision model has said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placing: Option<Placing>,
    /// What the judge said; `None` before it has looked.
    pub verdict: Option<Verdict>,
    /// Who approved or rejected it, and why; `None` while it is pending.
    pub decision: Option<Decision>,
    /// What is told of it when a model is trained.
    pub caption: Option<Caption>,
    /// The better one that it is a near-duplicate of: nobody is shown it.
    pub duplicate_of: Option<PictureId>,
    /// Why it is taken for a copy; `None` where it is none, and of copies that were found before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
    /// Its perceptual hashes; `None` before they are made, and where nobody needs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(ignore))]
    pub print: Option<Print>,
    /// When it came into the dataset.
    pub created: Millis,
}

impl Picture {
    /// A model is trained on it: it is approved, and no copy of another one.
    pub fn is_trained_on(&self) -> bool {
        self.state == PictureState::Approved && self.duplicate_of.is_none()
    }

    /// The lineage of a picture that was made, from the levels of everything it was made with, references and LoRA: one more
    /// than the highest, and 1 of what was made from words alone.
    pub fn lineage_of(made_with: impl IntoIterator<Item = u32>) -> u32 {
        made_with.into_iter().max().unwrap_or(0).saturating_add(1)
    }

    /// It waits for a person: it is no copy, and the judge has said what it has to say.
    pub fn awaits_person(&self) -> bool {
        self.state == PictureState::Pending && self.duplicate_of.is_none() && self.verdict.is_some()
    }
}

/// Whether a picture counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PictureState {
    /// Nobody has decided yet.
    Pending,
    /// It is trained on.
    Approved,
    /// It is kept until retention removes it, and counts as what is not wanted.
    Rejected,
}

/// Where a picture is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Source {
    /// The studio made it for the dataset.
    Generated,
    /// Somebody sent it.
    Upload {
        /// Its file's name.
        name: String,
    },
    /// A frame of a video.
    Video {
        /// The video's file name.
        name: String,
        /// Where in it, in milliseconds.
        at_ms: u64,
    },
    /// Fetched from an address.
    Url {
        /// The address it was fetched from.
        url: String,
        /// What the site calls it; empty when it does not say.
        #[serde(default)]
        title: String,
        /// Where in the video, in milliseconds; `None` of what is no video.
        #[serde(default)]
        at_ms: Option<u64>,
        /// Who asked for it said that they may use it.
        #[serde(default)]
        may_use: bool,
        /// The licence the site names; empty when it names none.
        #[serde(default)]
        licence: String,
    },
    /// Found among what a ComfyUI had made.
    Comfy {
        /// The server's name in the settings.
        server: String,
        /// Its file there.
        name: String,
    },
    /// The accepted picture of a shot.
    Still {
        /// Where it was in its film, in words: `S01E02 scene 3 shot 4`.
        shot: String,
        /// The take it is a copy of; `None` when that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        take: Option<TakeId>,
    },
    /// Found in the folder that is watched for it.
    Inbox {
        /// Its file's name there; of an archive the name inside of it.
        name: String,
    },
}

/// What a picture was made with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Made {
    /// Engine, or program, that made it: `draft.stills`, `comfy`, `a1111`.
    pub engine: String,
    /// Model, or checkpoint; empty for drafts.
    pub model: String,
    /// What made it differ from others; `None` when unknown.
    pub seed: Option<Seed>,
    /// The prompt it followed.
    pub prompt: String,
    /// What it was to avoid.
    pub negative: String,
    /// Trained additions, as `file@strength`.
    pub loras: Vec<String>,
    /// Further values: steps, cfg, sampler...
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub settings: BTreeMap<String, SlotValue>,
    /// What was asked for, by axis.
    pub asked: Cell,
    /// What was tried.
    pub tried: Tried,
}

impl Made {
    /// Files of the trained additions, as [`Made::loras`] names them.
    pub fn lora_files(&self) -> impl Iterator<Item = &str> {
        self.loras.iter().filter_map(|lora| Some(lora.rsplit_once('@')?.0))
    }
}

/// What was done differently from the model's own way for a picture, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tried {
    /// The named change of settings, e.g. `cfg+1`; empty: the model's own settings.
    pub arm: String,
    /// The rejected picture that it is to mend.
    pub repairs: Option<PictureId>,
    /// Name of the repair, e.g. `solo`; empty when it is none.
    pub repair: String,
    /// Why this one now; `None` when nobody asked for it, as for a picture from outside.
    #[serde(deserialize_with = "why")]
    pub why: Option<Why>,
}

/// Why a picture is asked for: as data, or the sentence of a studio that kept only that.
fn why<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Why>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Data(Why),
        Sentence(String),
    }
    Ok(Option::<Kept>::deserialize(from)?.and_then(|kept| match kept {
        Kept::Data(why) => Some(why),
        Kept::Sentence(text) => (!text.is_empty()).then_some(Why::Said { text }),
    }))
}

/// What was decided of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PictureDecision))]
pub struct Decision {
    /// Who decided it.
    pub by: Decider,
    /// When that was.
    pub at: Millis,
    /// Why, as data.
    pub reason: Reason,
    /// What a person wrote beside it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Who decides of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Decider {
    /// Somebody on the page or the command line.
    Person,
    /// The judge, within the bands of the dataset.
    Judge,
}

/// Why a picture was approved or rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Reason {
    /// A person says so.
    Good,
    /// It scores at least what the dataset asks for, and nothing speaks against it.
    Scored {
        /// What it scores, in percent.
        percent: u16,
        /// What the dataset asks for, in percent.
        asked: u16,
    },
    /// What is wrong with it, the worst first; never empty.
    Rejected {
        /// Categories of what is wrong.
        categories: Vec<Rejection>,
    },
}

/// What is told of a picture when a model is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Caption {
    /// One line, without the trigger word.
    pub text: String,
    /// A person wrote it: nothing automatic replaces it.
    pub by_person: bool,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("a person finds it good"),
            Self::Scored { percent, asked } => write!(f, "it scores {percent} of 100, and {asked} are asked for"),
            Self::Rejected { categories } => {
                let words: Vec<String> = categories.iter().map(ToString::to_string).collect();
                write!(f, "what is wrong: {}", words.join(", "))
            }
        }
    }
}
