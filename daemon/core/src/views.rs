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

/// Every view there is, in the order of sheets; places come last.
const VIEWS: [PortraitView; 10] = [
    PortraitView::FullBody,
    PortraitView::Face,
    PortraitView::Front,
    PortraitView::ThreeQuarter,
    PortraitView::Side,
    PortraitView::Smile,
    PortraitView::Angry,
    PortraitView::Sad,
    PortraitView::Surprised,
    PortraitView::Establishing,
];

/// Views in one text, with commas between them: `full_body,establishing`, each once however often it is named. `off` is none.
///
/// # Errors
/// A word that is no view, or `off` beside views, in one sentence.
pub fn views_named(text: &str) -> Result<Vec<PortraitView>, String> {
    if text.trim() == "off" {
        return Ok(Vec::new());
    }
    let mut named = Vec::new();
    for word in text.split(',').map(str::trim) {
        if word == "off" {
            return Err("'off' is for no view at all, so it stands alone; leave it out, or the views beside it".into());
        }
        let Some(view) = VIEWS.into_iter().find(|view| view.word() == word) else {
            let all = VIEWS.map(PortraitView::word).join(", ");
            return Err(format!("'{word}' is no view of a reference sheet; there are {all}, and off for none"));
        };
        if !named.contains(&view) {
            named.push(view);
        }
    }
    Ok(named)
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

/// Whom, or what, a portrait of a film shows, as the screenplay names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", content = "name", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PortraitSubject {
    /// Somebody who is seen.
    Character(String),
    /// A place where a scene plays.
    Location(String),
}

impl PortraitSubject {
    /// Its name, as the screenplay writes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Character(name) | Self::Location(name) => name,
        }
    }

    /// Whether there is such a view of it.
    pub fn has(&self, view: PortraitView) -> bool {
        match self {
            Self::Character(_) => PortraitView::OF_CHARACTERS.contains(&view),
            Self::Location(_) => view == PortraitView::Establishing,
        }
    }
}

/// What came of a reference sheet that a film waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PortraitOutcome {
    /// There is a reference: the film stays alike to it.
    Approved,
    /// Only a person can say whether it is good, and a film does not wait for one.
    AwaitsPerson,
    /// The judge, or a person, rejected it.
    Rejected,
    /// The judge is away.
    JudgeAway,
    /// It could not be made.
    NotMade,
}

impl fmt::Display for PortraitOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approved => "it is approved",
            Self::AwaitsPerson => "it waits for a person to approve it",
            Self::Rejected => "it was rejected; have it made again",
            Self::JudgeAway => "the judge is away",
            Self::NotMade => "it could not be made",
        })
    }
}
