//! Request: what is asked of an engine for a dataset or a reference sheet, with everything that a task outside of any
//! episode needs.

use serde::{Deserialize, Serialize};

use super::Made;
use crate::{
    order::Order,
    task::{Class, PictureJob},
    views::PortraitAsked,
};

/// What draft pictures look like, for a judge with eyes.
pub const DRAFT_HINT: &str = "flat vector drawing with simple shapes";
/// How long a picture may take while nothing is learned, in milliseconds: by a model, and by the draft.
pub const GUESS_MS: (u64, u64) = (20_000, 2_000);
/// How long a review may take while nothing is learned, in milliseconds.
pub const REVIEW_MS: u64 = 8_000;

/// Why a picture is shown to the judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Visit {
    /// It is judged, and placed and captioned on the way.
    #[default]
    Judge,
    /// It is only said what it shows: nothing is decided.
    Describe,
    /// It has no name yet: it is said who it is.
    Identify,
}

impl Visit {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_judge(&self) -> bool {
        *self == Self::Judge
    }
}

/// What is asked of an engine for a dataset or a reference sheet.
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
    /// What the portrait shows and is made from; `None` of everything that is not to become a portrait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portrait: Option<PortraitAsked>,
    /// Why it is shown to the judge; nothing of a picture that is made.
    #[serde(default, skip_serializing_if = "Visit::is_judge")]
    pub visit: Visit,
}
