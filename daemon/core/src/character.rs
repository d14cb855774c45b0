//! Character: somebody who appears or speaks, with a voice and a look that never change by themselves.

mod name;
mod staging;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
pub use staging::{Expression, Facing, Pose, Staging};

pub use name::{by_name, by_name_mut, fold, fold_name, has_name, same_name};

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
    /// What screenplays have said of the character.
    #[serde(default)]
    pub established: Established,
}

/// What screenplays have said of somebody, each by the first episode that said it: the others keep to that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Established {
    /// Kind of voice and figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Since<Gender>>,
    /// Age group of the character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Since<Age>>,
}

/// Something an episode said first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Since<T> {
    /// What it said.
    pub is: T,
    /// Season of the episode.
    pub season: u32,
    /// Number of the episode in its season.
    pub episode: u32,
}

/// What one screenplay says of somebody; `None`: nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Kind of voice and figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Age group of the character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
}

impl Said {
    /// It says nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What a screenplay says and an earlier episode, or a person, said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Overruled {
    /// A person did, on the sheet of the character.
    BySheet,
    /// An episode did.
    ByEpisode {
        /// Season of that episode.
        season: u32,
        /// Number of that episode in its season.
        episode: u32,
    },
}

impl fmt::Display for Overruled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BySheet => f.write_str("as their sheet says"),
            Self::ByEpisode { season, episode } => {
                write!(f, "as season {season} episode {episode} says; their sheet can change it")
            }
        }
    }
}

impl Character {
    /// How somebody is in an episode: as a person says on their sheet, else as the first episode said, else as they were.
    /// `said` by this episode counts where no earlier one has said anything. With whatever of `said` does not count.
    pub fn in_episode(&self, sheet: &Sheet, said: Said, season: u32, episode: u32) -> (Self, Vec<Overruled>) {
        let mut overruled = Vec::new();
        let gender = first(self.established.gender, said.gender, (season, episode));
        let age = first(self.established.age, said.age, (season, episode));
        let profile = CharacterProfile {
            gender: settle(sheet.gender, gender, said.gender, self.profile.gender, &mut overruled),
            age: settle(sheet.age, age, said.age, self.profile.age, &mut overruled),
            ..self.profile.clone()
        };
        (Self { profile, established: Established { gender, age }, ..self.clone() }, overruled)
    }
}

/// What counts as said once an episode has said something: its own word, unless an earlier one has spoken.
fn first<T>(told: Option<Since<T>>, said: Option<T>, (season, episode): (u32, u32)) -> Option<Since<T>> {
    match (told, said) {
        (Some(told), _) if (told.season, told.episode) < (season, episode) => Some(told),
        (_, Some(is)) => Some(Since { is, season, episode }),
        (told, None) => told,
    }
}

fn settle<T: Copy + PartialEq>(
    sheet: Option<T>,
    told: Option<Since<T>>,
    said: Option<T>,
    before: T,
    overruled: &mut Vec<Overruled>,
) -> T {
    let (is, by) = match (sheet, told) {
        (Some(is), _) => (is, Overruled::BySheet),
        (None, Some(told)) => (told.is, Overruled::ByEpisode { season: told.season, episode: told.episode }),
        (None, None) => return before,
    };
    if said.is_some_and(|said| said != is) {
        overruled.push(by);
    }
    is
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
    /// Kind of voice and figure, whatever screenplays say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// Age group, whatever screenplays say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
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
    /// How they are shown in a picture of a dataset; `None` in films, where shot and description say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Staging>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mara() -> Character {
        Character {
            id: CharacterId(uuid::Uuid::nil()),
            project_id: ProjectId(uuid::Uuid::nil()),
            slug: "mara".into(),
            name: "MARA".into(),
            profile: CharacterProfile::from_name("MARA", None, None),
            established: Established::default(),
        }
    }

    fn says(gender: Gender, age: Age) -> Said {
        Said { gender: Some(gender), age: Some(age) }
    }

    #[test]
    fn nobody_changes_between_episodes() {
        let (sheet, silent) = (Sheet::default(), Said::default());
        let (first, overruled) = mara().in_episode(&sheet, says(Gender::Neutral, Age::Elder), 1, 2);
        assert_eq!((first.profile.gender, first.profile.age, overruled.len()), (Gender::Neutral, Age::Elder, 0));
        let (second, overruled) = first.in_episode(&sheet, silent, 1, 3);
        assert_eq!((&second.profile, overruled.len()), (&first.profile, 0), "silence changes nothing");
        let (third, overruled) = second.in_episode(&sheet, says(Gender::Male, Age::Elder), 2, 1);
        assert_eq!(third.profile, first.profile, "nor does a later episode");
        assert_eq!(overruled, [Overruled::ByEpisode { season: 1, episode: 2 }], "of what it says otherwise");
        let (again, overruled) = third.in_episode(&sheet, says(Gender::Female, Age::Adult), 1, 2);
        assert_eq!((again.profile.gender, again.profile.age, overruled.len()), (Gender::Female, Age::Adult, 0));
        let (earlier, _) = again.in_episode(&sheet, Said { age: Some(Age::Child), ..silent }, 1, 1);
        assert_eq!((earlier.profile.gender, earlier.profile.age), (Gender::Female, Age::Child), "an earlier one may");
    }

    #[test]
    fn a_person_has_the_last_word() {
        let sheet = Sheet { gender: Some(Gender::Neutral), age: Some(Age::Child), ..Sheet::default() };
        let (one, overruled) = mara().in_episode(&sheet, says(Gender::Male, Age::Child), 1, 1);
        assert_eq!((one.profile.gender, one.profile.age), (Gender::Neutral, Age::Child));
        assert_eq!(overruled, [Overruled::BySheet]);
        let (after, _) = one.in_episode(&Sheet::default(), Said::default(), 1, 2);
        assert_eq!(after.profile.gender, Gender::Male, "what the screenplay said comes back with the sheet's silence");
    }

    #[test]
    fn who_was_there_before_stays_as_they_are() {
        let old = Character {
            profile: CharacterProfile::from_name("MARA", Some(Gender::Neutral), Some(Age::Elder)),
            ..mara()
        };
        assert_eq!(old.in_episode(&Sheet::default(), Said::default(), 1, 2).0.profile, old.profile);
    }
}
