//! Contender: an epoch, what is used now, or no LoRA at all; and the pictures that compare them.

use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetRef,
    dataset::Cell,
    ids::{LoraId, ProbeId, TrainingId},
    take::Verdict,
    units::{Millis, Seed},
};

/// Whose picture a probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Contender {
    /// The LoRA after an epoch of this run.
    Epoch {
        /// Which epoch it is.
        epoch: u32,
        /// How strongly it acts, in percent.
        strength: u32,
    },
    /// The LoRA that is used now.
    Active {
        /// Which LoRA it is.
        lora: LoraId,
        /// How strongly it acts, in percent.
        strength: u32,
    },
    /// No LoRA at all.
    Without,
}

impl Contender {
    /// Two short words for lists: `epoch 6 at 80 %`.
    pub fn title(&self) -> String {
        match self {
            Self::Epoch { epoch, strength } => format!("epoch {epoch} at {strength} %"),
            Self::Active { strength, .. } => format!("the one in use at {strength} %"),
            Self::Without => "no LoRA".into(),
        }
    }
}

/// What a probe shows: the same of every contender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProbeCase {
    /// How far it is from what was trained on.
    pub kind: ProbeKind,
    /// What it should show, by axis.
    pub cell: Cell,
    /// What its prompt says of that.
    pub words: String,
    /// The same for every contender.
    pub seed: Seed,
}

/// How far a probe is from what was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ProbeKind {
    /// As pictures that were held out.
    Near,
    /// What no picture of the set shows.
    Far,
    /// Without the trigger word: somebody of that kind who is not the character.
    Control,
}

/// A picture that shows how good a contender is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Probe {
    /// Identity of the probe, a uuid v7.
    pub id: ProbeId,
    /// For which run it is made.
    pub training_id: TrainingId,
    /// Whose picture it is.
    pub contender: Contender,
    /// Index of what it shows among the cases of the plan.
    pub case: u32,
    /// How far it is.
    pub state: ProbeState,
    /// The kept picture; `None` before it is made.
    pub file: Option<AssetRef>,
    /// It is a near-copy of a picture that was trained on; `None` before anybody has looked.
    pub copy: Option<bool>,
    /// What the judge said; `None` before it has looked.
    pub verdict: Option<Verdict>,
    /// What that means; `None` where it says nothing.
    pub marks: Option<ProbeMarks>,
    /// When it was asked for.
    pub created: Millis,
}

/// How far a probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ProbeState {
    /// It is being made, or waits for its turn.
    Asked,
    /// It is there, and not judged yet.
    Made,
    /// The judge has said what it has to say.
    Judged,
    /// It came to nothing.
    Failed,
}

/// What a judge's word on a probe means, each 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProbeMarks {
    /// How alike to the references it is.
    pub identity: f64,
    /// Share of what was asked for that is seen.
    pub faithful: f64,
    /// 1: it has a defect.
    pub defect: f64,
}
