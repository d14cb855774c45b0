//! Project: a series or film.

use serde::{Deserialize, Serialize};

use crate::{ids::ProjectId, units::Seed};

/// A series or a film: everything its episodes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Project {
    /// Identity.
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
