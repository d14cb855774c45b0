//! Take: one attempt at a shot's picture or clip, with everything needed to make it again.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::review::{Mark, MarkName};

use crate::{
    ids::{ContentHash, ShotId, TakeId},
    review::{Issue, Sight},
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
    #[serde(default, deserialize_with = "MustLook::stored", skip_serializing_if = "Option::is_none")]
    pub ask: Option<MustLook>,
    /// What a vision model says a picture of a dataset shows; `None` where it was not asked, or gave no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Box<Sight>>,
}

/// Why a person must look at something, whatever its score. The word in `why` and the fields are stored and part of the
/// API: they are added to, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum MustLook {
    /// Somebody in it is no human, and a judge is not trusted with that.
    NotHuman {
        /// Who is none.
        name: String,
    },
    /// The judge's server would not look at it, and will not the next time.
    JudgeRefused {
        /// What the server said.
        message: String,
    },
    /// The vision model did not answer in the form it was asked for, even when asked again.
    AnswerUnusable {
        /// The vision model.
        model: String,
        /// What was wrong with its last answer.
        complaint: String,
    },
    /// A clip without pictures.
    NoFrame,
    /// What should be a clip is none.
    NotClip,
    /// Said by a studio that kept the sentence only.
    Said {
        /// The sentence that was kept.
        said: String,
    },
}

impl MustLook {
    /// Reads what is stored: as data, or as the sentence that earlier studios kept.
    pub(crate) fn stored<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Data(MustLook),
            Sentence(String),
        }
        Ok(Option::<Stored>::deserialize(from)?.map(|stored| match stored {
            Stored::Data(why) => why,
            Stored::Sentence(said) => Self::Said { said },
        }))
    }

    /// The same where there is always one.
    pub(crate) fn one_stored<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::stored(from)?.ok_or_else(|| serde::de::Error::custom("why a person must look is missing"))
    }
}

impl fmt::Display for MustLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHuman { name } => {
                write!(f, "{name} is no human, and such takes are never approved without a person")
            }
            Self::JudgeRefused { message } => f.write_str(message),
            Self::AnswerUnusable { model, complaint } => {
                write!(f, "{model} did not answer as it should, even when asked again: {complaint}")
            }
            Self::NoFrame => f.write_str("no frame was seen"),
            Self::NotClip => f.write_str("the take is no clip"),
            Self::Said { said } => f.write_str(said),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_person_must_look_is_read_as_data_and_as_the_sentence_it_once_was() {
        let ask = |stored: &str| {
            let json = format!(r#"{{"judge":"eyes","score":null,"reason":"","marks":[]{stored}}}"#);
            serde_json::from_str::<Verdict>(&json).unwrap().ask
        };
        assert_eq!(ask(""), None);
        assert_eq!(ask(r#","ask":null"#), None);
        let said = "REX is no human".to_owned();
        assert_eq!(ask(r#","ask":"REX is no human""#), Some(MustLook::Said { said }));
        let all = [
            MustLook::NotHuman { name: "REX".into() },
            MustLook::JudgeRefused { message: "no".into() },
            MustLook::AnswerUnusable { model: "eyes".into(), complaint: "cut off".into() },
            MustLook::NoFrame,
            MustLook::NotClip,
        ];
        for why in all {
            let stored = serde_json::to_string(&why).unwrap();
            assert_eq!(ask(&format!(r#","ask":{stored}"#)), Some(why));
        }
    }
}
