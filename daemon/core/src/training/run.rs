//! Run: one training of a LoRA, its epochs and the pictures that show how good they are.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Choice, ProbeCase};
use crate::{
    asset::AssetRef,
    failure::TaskFault,
    ids::{AttemptId, CharacterId, ContentHash, TrainingId},
    ladder::Rung,
    lora::Architecture,
    order::{SliceReport, TrainingPicture},
    task::Class,
    units::Millis,
    workflow::SlotValue,
};

/// One training of a LoRA on a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Training {
    /// Identity of the run, a uuid v7.
    pub id: TrainingId,
    /// Whose dataset it is trained on.
    pub character_id: CharacterId,
    /// How far it is.
    pub state: TrainingState,
    /// A person let it rest: nothing of it begins, what runs is finished.
    pub paused: bool,
    /// Who waits for it.
    pub class: Class,
    /// After each epoch two pictures show what it has learned, while the next one is trained.
    pub samples: bool,
    /// Everything that decides how it turns out. It never changes, so that what a LoRA was made of can always be told.
    pub plan: TrainingPlan,
    /// Hash of the plan without its seed: the same is not trained twice.
    pub print: ContentHash,
    /// What is done differently from its first slice on because the card was full.
    pub relief: Vec<Rung>,
    /// Why it came to nothing; `None` while it has not.
    pub fault: Option<TaskFault>,
    /// Which epoch was taken, and why; `None` before that.
    pub choice: Option<Choice>,
    /// When it was asked for.
    pub created: Millis,
    /// When anything about it last changed.
    pub updated: Millis,
}

/// Everything that decides how a training turns out: a snapshot of the dataset, and how it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrainingPlan {
    /// Name of the trainer's definition, e.g. `sd-scripts`.
    pub trainer: String,
    /// What is trained.
    pub architecture: Architecture,
    /// The base model: a file on this machine, or its name in ComfyUI.
    pub base: String,
    /// What the base was when the run began; `None`: nobody could look.
    pub base_print: Option<ContentHash>,
    /// The model whose pictures show how good it is: its name in the catalogue.
    pub model: String,
    /// The word it is called with in prompts.
    pub trigger: String,
    /// What kind of being; may be empty.
    pub class_word: String,
    /// What it is trained on, and what is held out.
    pub pictures: Vec<TrainingPicture>,
    /// Values of the trainer's slots.
    pub settings: BTreeMap<String, SlotValue>,
    /// How many epochs it has, 1..=200.
    pub epochs: u32,
    /// Steps of an epoch.
    pub epoch_steps: u32,
    /// What the pictures show that tell how good it is.
    pub cases: Vec<ProbeCase>,
}

impl TrainingPlan {
    /// Hash of what decides the result, but for the seed: two runs that differ in it alone are the same attempt twice.
    pub fn print(&self) -> ContentHash {
        let mut plain = self.clone();
        plain.settings.remove("seed");
        // What it is judged by changes nothing of what is trained.
        plain.cases.clear();
        plain.model.clear();
        let text = serde_json::to_string(&plain).expect("plans hold nothing JSON cannot say");
        ContentHash::of(text.as_bytes())
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TrainingState {
    /// Epochs are missing.
    Training,
    /// Pictures are made and judged to find the best epoch.
    Probing,
    /// Nobody can tell which epoch is best, or none is good enough by itself: a person chooses.
    NeedsPerson,
    /// It is decided.
    Done,
    /// It came to nothing.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl TrainingState {
    /// Its stable word, as in the store and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Probing => "probing",
            Self::NeedsPerson => "needs_person",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Something is still made for it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Training | Self::Probing)
    }
}

/// The LoRA after an epoch of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrainedEpoch {
    /// The run that it is of.
    pub training_id: TrainingId,
    /// Which epoch, from 1.
    pub epoch: u32,
    /// The kept file.
    pub weights: AssetRef,
    /// Its length in bytes.
    pub bytes: u64,
    /// How its slice went.
    pub report: SliceReport,
    /// The attempt that made it; it has log, energy and peak memory.
    pub attempt_id: Option<AttemptId>,
    /// When it was made.
    pub created: Millis,
}

impl fmt::Display for TrainingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "is being trained",
            Self::Probing => "is being compared",
            Self::NeedsPerson => "waits for a person to choose",
            Self::Done => "is done",
            Self::Failed => "came to nothing",
            Self::Cancelled => "was stopped",
        })
    }
}
