//! Issue: what a judge may complain about, and what the next take is told because of it.

use serde::{Deserialize, Serialize};

use super::mark::MarkName;

/// The fixed list: a model chooses from it, so that complaints can be counted and acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Issue {
    Blurry,
    ArtifactFlicker,
    FrozenMotion,
    PoorLighting,
    ColorShift,
    BadAnatomy,
    TextWatermark,
    WrongAction,
    WrongCharacter,
    WrongStyle,
    NotSolo,
}

/// What a prompt is given, so that an issue does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fix {
    /// Words it should follow; empty when there are none.
    pub stress: &'static str,
    /// Words it should avoid; empty when there are none.
    pub avoid: &'static str,
}

impl Issue {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Blurry,
        Self::ArtifactFlicker,
        Self::FrozenMotion,
        Self::PoorLighting,
        Self::ColorShift,
        Self::BadAnatomy,
        Self::TextWatermark,
        Self::WrongAction,
        Self::WrongCharacter,
        Self::WrongStyle,
        Self::NotSolo,
    ];

    /// The word of the list.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blurry => "blurry",
            Self::ArtifactFlicker => "artifact_flicker",
            Self::FrozenMotion => "frozen_motion",
            Self::PoorLighting => "poor_lighting",
            Self::ColorShift => "color_shift",
            Self::BadAnatomy => "bad_anatomy",
            Self::TextWatermark => "text_watermark",
            Self::WrongAction => "wrong_action",
            Self::WrongCharacter => "wrong_character",
            Self::WrongStyle => "wrong_style",
            Self::NotSolo => "not_solo",
        }
    }

    /// What the next prompt says because of it; `None` when words cannot help and only another seed can.
    pub fn fix(self) -> Option<Fix> {
        let fix = |stress, avoid| Some(Fix { stress, avoid });
        match self {
            Self::Blurry => fix("sharp, high detail", "blurry, out of focus"),
            Self::ArtifactFlicker => fix("smooth animation, consistent frames", "flickering, artifacts, glitch"),
            Self::FrozenMotion => fix("dynamic fluid motion", "static"),
            Self::PoorLighting => fix("well lit, balanced", "dark, underexposed, overexposed"),
            Self::ColorShift => fix("vibrant consistent colours", "banding, colour shift"),
            Self::BadAnatomy => fix("", "bad anatomy, extra limbs, extra fingers, deformed, fused"),
            Self::TextWatermark => fix("", "text, watermark"),
            Self::NotSolo => fix("solo, single character", "multiple characters, crowd, group shot"),
            Self::WrongStyle => fix("", "wrong art style, inconsistent style"),
            Self::WrongAction | Self::WrongCharacter => None,
        }
    }

    /// The issue that a measured mark stands for, when it is low.
    pub fn of_mark(name: MarkName) -> Option<Self> {
        match name {
            MarkName::Blur => Some(Self::Blurry),
            MarkName::Flicker => Some(Self::ArtifactFlicker),
            MarkName::Frozen => Some(Self::FrozenMotion),
            MarkName::Black | MarkName::Exposure => Some(Self::PoorLighting),
            MarkName::Drift => Some(Self::ColorShift),
            _ => None,
        }
    }
}
