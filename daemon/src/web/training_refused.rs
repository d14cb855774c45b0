//! Training refused: why a LoRA is not trained, or something is not done with one.

use std::fmt;

use serde::Serialize;
use studio_core::{ids::TrainingId, lora::Architecture};
use utoipa::ToSchema;

use super::problem::{Code, Problem};

/// Why a run cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum TrainingBlocked {
    /// Too few pictures are approved.
    TooFew {
        /// Pictures that are approved.
        approved: u32,
        /// Pictures that are needed.
        least: u32,
    },
    /// The settings do not say where the base model is.
    NoBase {
        /// What was to be trained.
        architecture: Architecture,
    },
    /// No model of stills of the settings takes LoRAs.
    NoModel,
    /// The settings name no folder of LoRAs.
    NoFolder,
    /// The same was trained already.
    Same {
        /// By which run.
        training: TrainingId,
    },
    /// A run of this character is not over.
    Busy {
        /// Which run that is.
        training: TrainingId,
    },
}

/// Why something cannot be done with a run or a LoRA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainingRefused {
    /// A run cannot begin.
    #[error("{0}")]
    Blocked(TrainingBlocked),
    /// The run is over.
    #[error("this training {said}, so that is not possible any more")]
    Over {
        /// How it ended, in words.
        said: String,
    },
    /// The run is not over.
    #[error("this training is not over; cancel it first")]
    NotOver,
    /// Nothing of it is there to be chosen.
    #[error("there is no epoch {epoch} of this training; there are {there}")]
    NoEpoch {
        /// Which one was named.
        epoch: u32,
        /// Those there are.
        there: String,
    },
    /// The file is no LoRA that could be used.
    #[error("{0}")]
    NoLora(String),
    /// Films use another one that is asked for by that name.
    #[error("films use another LoRA {}; have them use that one no longer first", called(name))]
    NameInUse {
        /// That name; empty: both would be used without being asked for.
        name: String,
    },
    /// Films use it.
    #[error("films use this LoRA; have them use another one, or none, first")]
    InUse,
}

fn called(name: &str) -> String {
    if name.is_empty() { "that is always used".to_owned() } else { format!("by the name '{name}'") }
}

impl From<TrainingRefused> for Problem {
    fn from(refused: TrainingRefused) -> Self {
        let detail = refused.to_string();
        match refused {
            TrainingRefused::Blocked(TrainingBlocked::TooFew { .. }) => Self::conflict(Code::TooFewApproved, detail),
            TrainingRefused::Blocked(TrainingBlocked::Same { .. }) => Self::conflict(Code::TrainedAlready, detail),
            TrainingRefused::Blocked(TrainingBlocked::Busy { .. }) | TrainingRefused::NotOver => {
                Self::conflict(Code::TrainingBusy, detail)
            }
            TrainingRefused::Blocked(_) => Self::conflict(Code::NotTrainable, detail),
            TrainingRefused::Over { .. } => Self::conflict(Code::TrainingOver, detail),
            TrainingRefused::NoEpoch { .. } => Self::bad_request(detail),
            TrainingRefused::NoLora(_) => Self::wrong_kind(detail),
            TrainingRefused::NameInUse { .. } | TrainingRefused::InUse => Self::conflict(Code::LoraInUse, detail),
        }
    }
}

impl fmt::Display for TrainingBlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { approved, least } => write!(
                f,
                "{approved} pictures are approved, and a training needs {least}; approve more, or have the studio make some"
            ),
            Self::NoBase { architecture } => write!(
                f,
                "nothing says where the base model of {0} is; add {0} = \"/path/model.safetensors\" to [training.bases]",
                architecture.word()
            ),
            Self::NoModel => f.write_str(
                "no model of stills that takes LoRAs is among the settings, so nothing would use one; name one in models.stills, e.g. sdxl",
            ),
            Self::NoFolder => f.write_str(
                "no folder of LoRAs is in the settings; name the one of ComfyUI, e.g. models.loras = \"/opt/ComfyUI/models/loras\"",
            ),
            Self::Same { training } => write!(
                f,
                "the same pictures were trained in the same way already, by run {training}; change something, or choose one of its epochs"
            ),
            Self::Busy { training } => {
                write!(f, "run {training} of this character is not over; wait for it, or cancel it")
            }
        }
    }
}
