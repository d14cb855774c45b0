//! Unnamed: a picture that came for a project without saying of whom it is.

use serde::{Deserialize, Serialize};

use super::{Called, Caption, Made, Picture, PictureState, Source, without_called};
use crate::{
    asset::AssetRef,
    ids::{CharacterId, PictureId, ProjectId},
    review::Identity,
    units::{Millis, Size},
};

/// A picture that waits to be named: by a vision model, or by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnnamedPicture {
    /// Identity of the picture, a uuid v7; it keeps it when it is named.
    pub id: PictureId,
    /// The project whose characters it may show.
    pub project_id: ProjectId,
    /// The file itself.
    pub file: AssetRef,
    /// Width and height in pixels.
    pub size: Size,
    /// Where it is from.
    pub source: Source,
    /// What it was made with, as it says itself; `None`: it says nothing.
    pub made: Option<Made>,
    /// What lay beside it as its caption; `None`: nothing.
    pub caption: Option<Caption>,
    /// What the judge said of who it is; `None`: it has not looked.
    pub identity: Option<Identity>,
    /// When it came.
    pub created: Millis,
}

impl UnnamedPicture {
    /// The same as a picture of somebody's dataset, where it is looked at like any that comes. `called`: what captions of the
    /// project's datasets begin with; a caption that was written for training begins with some of it, and is kept without.
    pub fn named(self, character: CharacterId, called: &[Called], now: Millis) -> Picture {
        let caption = self.caption.and_then(|caption| {
            let text = without_called(called, &caption.text);
            (!text.is_empty()).then_some(Caption { text, ..caption })
        });
        Picture {
            id: self.id,
            character_id: character,
            file: self.file,
            size: self.size,
            state: PictureState::Pending,
            source: self.source,
            // What another program made is not real either.
            lineage: u32::from(self.made.is_some()),
            made: self.made,
            cell: super::Cell::new(),
            placing: None,
            verdict: None,
            decision: None,
            caption,
            duplicate_of: None,
            likeness: None,
            print: None,
            created: now,
        }
    }
}
