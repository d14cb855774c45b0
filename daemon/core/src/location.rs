//! Location: a place where scenes happen.

use serde::{Deserialize, Serialize};

use crate::{
    asset::AssetRef,
    character::MOST_REFERENCES,
    ids::{LocationId, ProjectId},
    scene::Setting,
};

/// A place where scenes happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Location {
    /// Identity of the place, the same in every episode of the project.
    pub id: LocationId,
    /// The project the place belongs to; slugs are unique inside it.
    pub project_id: ProjectId,
    /// Lower-case letters, digits and dashes.
    pub slug: String,
    /// The name as the screenplay writes it.
    pub name: String,
    /// Inside or outside, as its first scene says.
    pub setting: Setting,
}

/// What a person has said of a place beside the screenplay; every field may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = PlaceSheet))]
pub struct Sheet {
    /// The design in words, e.g. "a lamp room of brass and thick glass"; said with the place in every prompt.
    pub design: String,
    /// Pictures that shots of the place alone stay alike to, the first one first.
    pub references: Vec<AssetRef>,
    /// What pictures of the place avoid, e.g. "electric light".
    pub avoid: Vec<String>,
}

impl Sheet {
    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// Too many references or words to avoid, or texts that are too long.
    pub fn check(&self) -> Result<(), String> {
        if self.references.len() > MOST_REFERENCES || self.avoid.len() > 100 {
            return Err(format!(
                "a place has at most {MOST_REFERENCES} references and 100 words to avoid; remove some"
            ));
        }
        if self.design.chars().count() > 2_000 || self.avoid.iter().any(|word| word.chars().count() > 2_000) {
            return Err("a text is longer than 2000 characters; shorten it".into());
        }
        Ok(())
    }
}
