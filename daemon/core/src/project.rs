//! Project: a series or film.

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

use crate::{ids::ProjectId, production::Checkpoint, units::Seed, workflow::SlotValue};

/// A series or a film: everything its episodes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Project {
    /// Identity of the project; its episodes, characters and places refer to it.
    pub id: ProjectId,
    /// Short name, unique in the studio, made from the title: lower-case letters, digits and dashes.
    pub slug: String,
    /// The title people read; also the show folder in the library.
    pub title: String,
    /// Year in the show folder, 1928..=2500.
    pub year: i16,
    /// Base of every seed in the project, so that two projects with the same story differ.
    pub seed: Seed,
}

/// What a project is about and how it looks. Every field may be empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct About {
    /// In a sentence or two, for people.
    pub description: String,
    /// Kind of story in a word or two, e.g. "mystery".
    pub genre: String,
    /// The idea it grows from.
    pub premise: String,
    /// For whom it is, e.g. "all ages" or "16+".
    pub content_rating: String,
    /// What happens over its episodes: what the story writer goes on from.
    pub storyline: String,
    /// Where and when it plays, its rules and tone: the story writer keeps to it.
    pub world: String,
    /// Name of the style its pictures have; empty leaves that to the settings.
    pub style: String,
    /// Styles to choose from.
    pub styles: Vec<Style>,
    /// Where work on its episodes stops until a person has approved what is there; without it the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<BTreeSet<Checkpoint>>,
}

/// A way its pictures look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Style {
    /// Its name, unique in the project.
    pub name: String,
    /// Words before every prompt, e.g. "oil painting, soft light".
    pub words: String,
    /// Words every prompt avoids.
    pub avoid: Vec<String>,
    /// Values of slots by model, e.g. `{"juggernaut_xl": {"steps": 30}}`.
    pub models: BTreeMap<String, BTreeMap<String, SlotValue>>,
}

/// Longest text of a project, in characters.
pub const LONGEST_TEXT: usize = 20_000;

impl About {
    /// The style its pictures have.
    pub fn chosen(&self) -> Option<&Style> {
        self.styles.iter().find(|style| style.name == self.style)
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// A text that is too long, a style without a name or named twice, a choice that does not exist.
    pub fn check(&self) -> Result<(), String> {
        let texts = [
            ("description", &self.description),
            ("genre", &self.genre),
            ("premise", &self.premise),
            ("content_rating", &self.content_rating),
            ("storyline", &self.storyline),
            ("world", &self.world),
        ];
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.chars().count() > LONGEST_TEXT) {
            return Err(format!("{name} is longer than {LONGEST_TEXT} characters; shorten it"));
        }
        for (at, style) in self.styles.iter().enumerate() {
            if style.name.trim().is_empty() || style.name.chars().count() > 80 {
                return Err("a style has a name of 1 to 80 characters".into());
            }
            if self.styles[..at].iter().any(|other| other.name == style.name) {
                return Err(format!("two styles are called '{}'; rename one", style.name));
            }
            if style.words.chars().count() > 2_000 || style.avoid.len() > 100 {
                return Err(format!("the style '{}' has more than 2000 characters or 100 words to avoid", style.name));
            }
        }
        if !self.style.is_empty() && self.chosen().is_none() {
            return Err(format!("there is no style '{}'; add it, or choose another", self.style));
        }
        Ok(())
    }
}
