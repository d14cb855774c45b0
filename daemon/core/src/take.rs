//! Take: one attempt at a shot's picture or clip, with everything needed to make it again.

use serde::{Deserialize, Serialize};

pub use crate::review::Mark;

use crate::{
    ids::{ContentHash, ShotId, TakeId},
    review::Issue,
    units::{Score, Seed, Steps},
};

/// One attempt at a shot's picture or clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Take {
    /// Identity of the take, kept when it is made again under the same number.
    pub id: TakeId,
    /// The shot that it is a take of.
    pub shot_id: ShotId,
    /// Picture or clip.
    pub subject: Subject,
    /// Number among the shot's takes of this subject, from 1.
    pub attempt: u32,
    /// What made it differ from the others.
    pub seed: Seed,
    /// Sampling steps its order asked for; they matter only to engines that sample.
    pub steps: Steps,
    /// Content hash of the picture or clip that was made.
    pub asset: ContentHash,
    /// What the judge said; `None` before the review.
    pub verdict: Option<Verdict>,
    /// This take is the one in the film.
    pub chosen: bool,
}

impl Take {
    /// The score, when the take was reviewed and could be judged.
    pub fn score(&self) -> Option<Score> {
        self.verdict.as_ref().and_then(|verdict| verdict.score)
    }
}

/// What a take is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Subject {
    /// The first picture of a shot.
    Still,
    /// The moving shot.
    Clip,
}

impl Subject {
    /// Its word in texts that identities and seeds are made of. It never changes, whatever the subject is called
    /// elsewhere.
    pub fn stable_word(self) -> &'static str {
        match self {
            Self::Still => "Still",
            Self::Clip => "Clip",
        }
    }
}

/// Who judged, when it was a person.
pub const PERSON: &str = "person";

/// What a review says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// Who judged, e.g. `draft.judge`.
    pub judge: String,
    /// `None` means unreviewed: nobody could say. It is never a pass.
    pub score: Option<Score>,
    /// One sentence a person understands.
    pub reason: String,
    /// The parts of the score, each with the numbers behind it.
    pub marks: Vec<Mark>,
    /// What is wrong, from the fixed list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
    /// Why a person must look whatever the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
}

impl Verdict {
    /// A person says so, who has the last word.
    pub fn is_persons(&self) -> bool {
        self.judge == PERSON
    }

    /// More, or fewer, are seen than should be: no score makes up for that.
    pub fn is_crowded(&self) -> bool {
        !self.is_persons() && self.issues.contains(&Issue::NotSolo)
    }
}
