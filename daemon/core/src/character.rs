//! Character: somebody who appears or speaks, with a voice and a look that never change by themselves.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CharacterId, ContentHash, ProjectId},
    units::Seed,
};

/// Somebody who appears or speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Character {
    /// Identity.
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
pub struct CharacterProfile {
    /// Which kind of voice and figure.
    pub gender: Gender,
    /// Which age.
    pub age: Age,
    /// What else makes the figure and the voice differ from others.
    pub seed: Seed,
}

/// Kind of voice and figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Gender {
    Female,
    Male,
    Neutral,
}

/// Age group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
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
