//! Views: what reference sheets show. Of somebody there are several views, before white; of a place one, without anybody
//! in it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{CharacterId, LocationId, PortraitId};

/// Whose reference sheet a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "of", content = "id", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PortraitOwner {
    /// Somebody who appears.
    Character(CharacterId),
    /// A place where scenes happen.
    Location(LocationId),
}

impl PortraitOwner {
    /// The identity, of whichever kind it is.
    pub fn id(self) -> Uuid {
        match self {
            Self::Character(id) => id.0,
            Self::Location(id) => id.0,
        }
    }

    /// The character, when it is one.
    pub fn character(self) -> Option<CharacterId> {
        match self {
            Self::Character(id) => Some(id),
            Self::Location(_) => None,
        }
    }

    /// The place, when it is one.
    pub fn location(self) -> Option<LocationId> {
        match self {
            Self::Character(_) => None,
            Self::Location(id) => Some(id),
        }
    }

    /// The views a whole sheet has, the most important first.
    pub fn views(self) -> &'static [PortraitView] {
        match self {
            Self::Character(_) => &PortraitView::OF_CHARACTERS,
            Self::Location(_) => &[PortraitView::Establishing],
        }
    }
}

/// What a picture of a reference sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PortraitView {
    /// A place, wide, with nobody in it.
    Establishing,
    /// Somebody from head to toe.
    FullBody,
    /// The face, quietly.
    Face,
    /// The upper body from the front.
    Front,
    /// The upper body, half turned.
    ThreeQuarter,
    /// The upper body in profile.
    Side,
    /// The face, smiling.
    Smile,
    /// The face, angry.
    Angry,
    /// The face, sad.
    Sad,
    /// The face, surprised.
    Surprised,
}

/// What a view asks for: framing, angle and expression as datasets name them, and the fixed words.
struct Asks(&'static str, &'static str, &'static str, &'static str);

impl PortraitView {
    /// The views of somebody, in the order they have on a sheet.
    pub const OF_CHARACTERS: [Self; 9] = [
        Self::FullBody,
        Self::Face,
        Self::Front,
        Self::ThreeQuarter,
        Self::Side,
        Self::Smile,
        Self::Angry,
        Self::Sad,
        Self::Surprised,
    ];

    /// Its stable word, as in the store and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Establishing => "establishing",
            Self::FullBody => "full_body",
            Self::Face => "face",
            Self::Front => "front",
            Self::ThreeQuarter => "three_quarter",
            Self::Side => "side",
            Self::Smile => "smile",
            Self::Angry => "angry",
            Self::Sad => "sad",
            Self::Surprised => "surprised",
        }
    }

    fn asks(self) -> Asks {
        match self {
            Self::Establishing => {
                Asks("", "", "", "wide establishing shot of the whole place, empty, no people, no characters")
            }
            Self::FullBody => Asks(
                "full",
                "front",
                "neutral",
                "full body, head to toe, standing, facing the viewer, neutral expression, plain white background",
            ),
            Self::Face => Asks(
                "face",
                "front",
                "neutral",
                "close-up portrait of the face, facing the viewer, neutral expression, plain white background",
            ),
            Self::Front => Asks(
                "upper",
                "front",
                "neutral",
                "upper body, from the front, facing the viewer, neutral expression, plain white background",
            ),
            Self::ThreeQuarter => Asks(
                "upper",
                "three_quarter",
                "neutral",
                "upper body, three-quarter view, neutral expression, plain white background",
            ),
            Self::Side => Asks(
                "upper",
                "side",
                "neutral",
                "upper body, from the side, in profile, neutral expression, plain white background",
            ),
            Self::Smile => Asks(
                "face",
                "front",
                "smile",
                "close-up portrait of the face, facing the viewer, smiling, plain white background",
            ),
            Self::Angry => Asks(
                "face",
                "front",
                "angry",
                "close-up portrait of the face, facing the viewer, angry expression, plain white background",
            ),
            Self::Sad => Asks(
                "face",
                "front",
                "sad",
                "close-up portrait of the face, facing the viewer, sad expression, plain white background",
            ),
            Self::Surprised => Asks(
                "face",
                "front",
                "surprised",
                "close-up portrait of the face, facing the viewer, surprised, mouth open, plain white background",
            ),
        }
    }

    /// The fixed words it is asked for with, the most important first.
    pub fn prompt(self) -> &'static str {
        self.asks().3
    }

    /// What it shows, by axis of a dataset; nothing of a place.
    pub fn cell(self) -> BTreeMap<String, String> {
        let Asks(framing, angle, expression, _) = self.asks();
        let pairs = [("framing", framing), ("angle", angle), ("expression", expression), ("place", "plain")];
        let pairs = pairs.into_iter().filter(|_| !framing.is_empty());
        pairs.map(|(axis, word)| (axis.to_owned(), word.to_owned())).collect()
    }

    /// Its place among the references of a sheet: what shows most of somebody comes first.
    pub fn rank(self) -> usize {
        Self::OF_CHARACTERS.iter().position(|view| *view == self).unwrap_or(0)
    }
}

impl fmt::Display for PortraitView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// What somebody wants changed of a portrait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Refinement {
    /// The portrait it starts from.
    pub of: PortraitId,
    /// What is to be different, 1 to 500 characters.
    pub words: String,
    /// How far it may be left, 5..=95 percent; models call it denoising strength.
    pub strength_percent: u32,
}

/// What a request to an engine is for, when it is for a portrait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PortraitAsked {
    /// What it shows.
    pub view: PortraitView,
    /// What it is made from, and what is to be different; `None`: from words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refines: Option<Refinement>,
}
