//! Dataset services: what is asked of a vision model about pictures, many at once, and about those without a name.

use std::path::Path;

use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{Cell, Picture, PictureState, Review, UnnamedPicture, Visit},
    ids::{CharacterId, PictureId, ProjectId, ReviewId},
};
use studio_engine::Boxed;
use utoipa::ToSchema;

use super::service_error::ServiceError;

/// Which pictures of a dataset are meant: those that are named, else all that fit. Near-duplicates, and pictures that the studio
/// has still to look at by itself, only when they are named.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = PicturesMeant)]
pub struct Meant {
    /// Exactly these, at most 500; none: all that the rest fits.
    pub pictures: Vec<PictureId>,
    /// Only those in this state.
    pub state: Option<PictureState>,
    /// Only those that show that, by axis.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub cell: Cell,
    /// Only those that nobody could judge until now.
    pub unreviewed: bool,
    /// Only those without a written caption.
    pub uncaptioned: bool,
}

impl Meant {
    /// Whether it is one of them.
    pub fn fits(&self, picture: &Picture) -> bool {
        if !self.pictures.is_empty() && !self.pictures.contains(&picture.id) {
            return false;
        }
        let shows = |(axis, word): (&String, &String)| picture.cell.get(axis) == Some(word);
        let looked_at = picture.verdict.is_some() || picture.decision.is_some();
        (looked_at || self.pictures.contains(&picture.id))
            && (picture.duplicate_of.is_none() || self.pictures.contains(&picture.id))
            && self.state.is_none_or(|state| state == picture.state)
            && self.cell.iter().all(shows)
            && (!self.uncaptioned || picture.caption.is_none())
            && (!self.unreviewed || picture.verdict.as_ref().is_none_or(|verdict| verdict.score.is_none()))
    }
}

/// What the judge is asked about pictures of datasets.
pub trait Reviews: Send + Sync {
    /// Has pictures of a dataset judged, or described.
    fn review_many(
        &self,
        character: CharacterId,
        visit: Visit,
        meant: Meant,
    ) -> Boxed<'_, Result<Review, ServiceError>>;
    /// Stops a review; what is not judged yet stays as it is.
    fn stop_review(&self, id: ReviewId) -> Boxed<'_, Result<Review, ServiceError>>;
}

/// Pictures that came without a name.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = PicturesSorted)]
pub struct Sorted {
    /// Pictures that are new, and wait to be named.
    pub added: Vec<PictureId>,
    /// How many the project had already, named or not.
    pub known: usize,
    /// What was not taken, and why, one sentence each.
    pub refused: Vec<String>,
}

/// Pictures that came without a name, and who names them.
pub trait Unnamed: Send + Sync {
    /// Takes a picture, or every picture of a ZIP archive, for a project.
    fn sort<'a>(&'a self, project: ProjectId, file: &'a Path, name: &'a str)
    -> Boxed<'a, Result<Sorted, ServiceError>>;
    /// Puts a picture into the dataset of who it is.
    fn name(&self, id: PictureId, character: CharacterId) -> Boxed<'_, Result<Picture, ServiceError>>;
    /// Has the judge asked once more who it is.
    fn ask_who(&self, id: PictureId) -> Boxed<'_, Result<UnnamedPicture, ServiceError>>;
    /// Takes a picture out.
    fn remove_unnamed(&self, id: PictureId) -> Boxed<'_, Result<(), ServiceError>>;
}
