//! Location: a place where scenes happen.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{LocationId, ProjectId},
    scene::Setting,
};

/// A place where scenes happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Location {
    /// Identity.
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
