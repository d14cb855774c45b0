//! Review: what a vision model is asked about a take, what its answer must look like, and what score follows.
//!
//! Nothing is ever made up: an answer that cannot be read is no answer, and the take stays unreviewed.

mod agreement;
mod answer;
mod identity;
mod issue;
mod mark;
mod question;
mod score;
mod sight;
mod species;

use serde::{Deserialize, Serialize};

pub use agreement::{Agreement, JudgeWarning, Judged, agreement, fallen, suggest};
pub use answer::{ClipLook, Completeness, StillLook, Which, clip_look, still_look, which, yes};
pub use identity::{Candidate, Identity, MOST_SHOWN, SURE, Who, identity, identity_question};
pub use issue::{Fix, Issue};
pub use mark::{Mark, MarkName};
pub(crate) use question::object;
pub use question::{Question, VERSION, clip_question, repair, species_question, still_question, which_question};
pub use score::{ClipScore, clip_score, still_score};
pub use sight::{AskedAxis, Sight, sight, sight_question};
pub use species::{NOT_HUMAN, Species, is_not_human, negatives, shipped, signs};

use crate::{asset::AssetRef, character::Figure, units::Score};

/// What a take should show, for a judge with eyes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Name of the vision model, e.g. `gemma3:12b`.
    pub eye: String,
    /// Who is in it.
    pub figures: Vec<Figure>,
    /// What is seen, or what moves.
    pub description: String,
    /// The project's style in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// How pictures of the model that made it look, so that its style is not punished.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Pictures of the characters to compare with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<AssetRef>,
    /// Characters that are easily taken for those in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusable: Vec<Confusable>,
    /// Species of the user's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub species: Vec<Species>,
    /// What a picture of a dataset is placed by; empty: it is not asked what it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<AskedAxis>,
}

/// Two characters that are easily taken for each other, and what tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusable {
    /// Who should be seen.
    pub name: String,
    /// Who it might be instead.
    pub other: String,
    /// What tells them apart, e.g. "the colour of the dress: pink for Peach, turquoise for Rosalina".
    pub by: String,
}

/// A take that scores less by measurement alone is not shown to the vision model: the loosest gate.
pub const MEASURED_ENOUGH: Score = Score::from_percent(30);
