//! Request: what is asked of an engine for a dataset, with everything that a task outside of any episode needs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Made;
use crate::{
    ids::{CharacterId, PictureId},
    order::Order,
    task::Class,
};

/// One piece of work for a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PictureJob {
    /// Make a picture.
    Picture {
        /// Whose dataset it is for.
        character: CharacterId,
        /// The identity it gets.
        picture: PictureId,
    },
    /// Judge a picture.
    PictureReview {
        /// Whose dataset it is in.
        character: CharacterId,
        /// The picture that is judged.
        picture: PictureId,
    },
}

impl PictureJob {
    /// Whose dataset it is for.
    pub fn character(self) -> CharacterId {
        let (Self::Picture { character, .. } | Self::PictureReview { character, .. }) = self;
        character
    }

    /// The picture that is made or judged.
    pub fn picture(self) -> PictureId {
        let (Self::Picture { picture, .. } | Self::PictureReview { picture, .. }) = self;
        picture
    }
}

impl fmt::Display for PictureJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture { picture, .. } => write!(f, "picture {picture}"),
            Self::PictureReview { picture, .. } => write!(f, "picture {picture}/review"),
        }
    }
}

/// What is asked of an engine for a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureRequest {
    /// What it is for.
    pub job: PictureJob,
    /// What the engine is asked to make.
    pub order: Order,
    /// Name of the engine's seat.
    pub engine: String,
    /// The model it needs; empty for engines without models.
    pub model: String,
    /// What makes durations comparable.
    pub kind: String,
    /// The project whose share of the cards it takes.
    pub project: String,
    /// How long it may take while nothing is learned, in milliseconds.
    pub guess_ms: u64,
    /// Who waits for it.
    pub class: Class,
    /// What the picture is made with; nothing for a review.
    pub made: Made,
    /// Lineage level of the picture that is made.
    pub lineage: u32,
    /// Whatever the judge says, only a person approves: the character is no human, or the judge has no eyes.
    pub person_approves: bool,
}
