//! Why: what is wrong with a picture, and why one is asked for, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::review::Issue;

/// What can be wrong with a picture: each has a repair. In the order in which they are mended when a picture has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Rejection {
    NotSolo,
    WrongAppearance,
    WrongPose,
    WrongExpression,
    WrongStyle,
    TextOrWatermark,
    BadQuality,
    TooSmall,
    Blurry,
    TooDark,
    LowContrast,
}

impl Rejection {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::NotSolo,
        Self::WrongAppearance,
        Self::WrongPose,
        Self::WrongExpression,
        Self::WrongStyle,
        Self::TextOrWatermark,
        Self::BadQuality,
        Self::TooSmall,
        Self::Blurry,
        Self::TooDark,
        Self::LowContrast,
    ];

    /// Its stable word, as in the store and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotSolo => "not_solo",
            Self::WrongAppearance => "wrong_appearance",
            Self::WrongPose => "wrong_pose",
            Self::WrongExpression => "wrong_expression",
            Self::WrongStyle => "wrong_style",
            Self::BadQuality => "bad_quality",
            Self::Blurry => "blurry",
            Self::TooDark => "too_dark",
            Self::LowContrast => "low_contrast",
            Self::TooSmall => "too_small",
            Self::TextOrWatermark => "text_or_watermark",
        }
    }

    /// What a judge's complaint means for a picture of a dataset.
    pub fn of_issue(issue: Issue) -> Self {
        match issue {
            Issue::NotSolo => Self::NotSolo,
            Issue::WrongCharacter => Self::WrongAppearance,
            Issue::WrongAction | Issue::FrozenMotion => Self::WrongPose,
            Issue::WrongStyle => Self::WrongStyle,
            Issue::Blurry => Self::Blurry,
            Issue::PoorLighting => Self::TooDark,
            Issue::ColorShift => Self::LowContrast,
            Issue::TextWatermark => Self::TextOrWatermark,
            Issue::BadAnatomy | Issue::ArtifactFlicker => Self::BadQuality,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// How often a repair helped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Helped {
    /// Pictures it was tried on that were decided since.
    pub tried: u32,
    /// How many of them were approved then.
    pub approved: u32,
}

/// Why an arm: what came of it for this character so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ArmWhy {
    /// The arm's name; empty: the model's own settings.
    pub arm: String,
    /// How many of its results were approved.
    pub approved: u32,
    /// Results there were.
    pub results: u32,
}

impl fmt::Display for ArmWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.arm.is_empty() { "the model's own settings" } else { &self.arm };
        let was = if self.arm.is_empty() { "were" } else { "was" };
        match self.results {
            0 => write!(f, "{name} {was} not tried yet"),
            results => write!(f, "{name} {was} approved {} of {results} times", self.approved),
        }
    }
}

/// Why a picture is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = PictureWhy))]
pub enum Why {
    /// Its cell is among the emptiest.
    Missing {
        /// The axis on which it lacks most.
        axis: String,
        /// The value there.
        word: String,
        /// Pictures with it: approved, waiting and asked for.
        have: u32,
        /// How many there should be.
        want: u32,
        /// How its arm was chosen.
        arm: ArmWhy,
    },
    /// It is to mend a rejected picture.
    Repair {
        /// The repair's name.
        repair: String,
        /// What it is against.
        category: Rejection,
        /// How often that helped before.
        helped: Helped,
    },
    /// Asked for by a studio that kept only a sentence of it.
    Said {
        /// The sentence as it was kept, in English.
        text: String,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { axis, word, have, want, arm } => {
                let word = word.replace('_', " ");
                write!(f, "{axis} {word} has {have} of {want} pictures; {arm}")
            }
            Self::Said { text } => f.write_str(text),
            Self::Repair { repair, category, helped: Helped { tried: 0, .. } } => {
                write!(f, "mends '{category}' with '{repair}', which was not tried yet")
            }
            Self::Repair { repair, category, helped } => {
                write!(
                    f,
                    "mends '{category}' with '{repair}', which helped {} of {} times",
                    helped.approved, helped.tried
                )
            }
        }
    }
}
