//! Character: somebody who appears or speaks, with a voice and a look that never change by themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetRef,
    ids::{CharacterId, ContentHash, ProjectId},
    shot::VideoEngine,
    units::Seed,
};

/// Somebody who appears or speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Character {
    /// Identity of the character, the same in every episode of the project.
    pub id: CharacterId,
    /// The project the character belongs to; slugs are unique inside it.
    pub project_id: ProjectId,
    /// Lower-case letters, digits and dashes.
    pub slug: String,
    /// The name as the screenplay writes it.
    pub name: String,
    /// Voice and look.
    pub profile: CharacterProfile,
}

/// How a character sounds and looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CharacterProfile {
    /// Which kind of voice and figure.
    pub gender: Gender,
    /// How old the character is; adult unless the screenplay says otherwise.
    pub age: Age,
    /// What else makes the figure and the voice differ from others.
    pub seed: Seed,
}

/// What a person has said of a character beside the screenplay; every field may be empty, and goes before the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Sheet {
    /// How they look, in words.
    pub appearance: Option<Appearance>,
    /// Pictures to stay alike to, the first one first.
    pub references: Vec<AssetRef>,
    /// Name of their voice on the speech server.
    pub voice: Option<String>,
    /// A recording of them, to clone their voice from.
    pub sample: Option<AssetRef>,
    /// Engines that must not make clips with them.
    pub never: BTreeSet<VideoEngine>,
}

/// Most pictures to stay alike to.
pub const MOST_REFERENCES: usize = 16;

impl Sheet {
    /// Files it names.
    pub fn files(&self) -> impl Iterator<Item = &AssetRef> {
        self.references.iter().chain(&self.sample)
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// Too many references, or texts that are too long.
    pub fn check(&self) -> Result<(), String> {
        if self.references.len() > MOST_REFERENCES {
            return Err(format!("a character has at most {MOST_REFERENCES} references; remove some"));
        }
        let long = |text: &String| text.chars().count() > 2_000;
        let looks = self.appearance.as_ref();
        let too_long = self.voice.as_ref().is_some_and(long)
            || looks.is_some_and(|looks| {
                long(&looks.design)
                    || long(&looks.species)
                    || looks.features.iter().any(long)
                    || looks.avoid.iter().any(long)
            });
        if too_long { Err("a text is longer than 2000 characters; shorten it".into()) } else { Ok(()) }
    }
}

/// How somebody looks in words, for models that draw and models that judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Appearance {
    /// The design in words; never changed by what a model needs to hear.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub design: String,
    /// What kind of being; empty or `human` for people, else e.g. `star-shaped`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub species: String,
    /// Colour by feature, e.g. `hair = "silver"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub colors: BTreeMap<String, String>,
    /// What they are known by, e.g. "scar over the left eye".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What models often get wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<CommonError>,
    /// What prompts with them avoid besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
}

/// Somebody in a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Name of the character, as the script writes it.
    pub name: String,
    /// How they look.
    pub profile: CharacterProfile,
    /// How they look in words; `None` for engines without models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<Appearance>,
}

/// Something models often get wrong about a character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommonError {
    /// How it looks, for the judge: "the letter on the cap is an M".
    pub seen: String,
    /// What prompts avoid because of it: "letter M on cap".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub avoid: String,
}

/// Kind of voice and figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Gender {
    Female,
    Male,
    Neutral,
}

/// Age group of a character, seen in the figure and heard in the voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Age {
    Child,
    Adult,
    Elder,
}

impl CharacterProfile {
    /// A profile from the name alone: the same name has the same voice and look in every episode.
    pub fn from_name(name: &str, gender: Option<Gender>, age: Option<Age>) -> Self {
        let seed = ContentHash::of(name.to_lowercase().as_bytes()).leading_u64();
        let drawn = if seed & 1 == 0 { Gender::Female } else { Gender::Male };
        Self { gender: gender.unwrap_or(drawn), age: age.unwrap_or(Age::Adult), seed: Seed(seed) }
    }
}
