//! Summary: of a picture, and of a request for one, what follows for the next pictures. Made of stored rows.

use serde::{Deserialize, Serialize};

use super::{Cell, Decider, Picture, PictureState, Reason, Rejection, Source, Tried};
use crate::{
    ids::PictureId,
    units::{Millis, Seed},
};

/// What a picture teaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Which picture it is.
    pub id: PictureId,
    /// Whether it counts.
    pub state: PictureState,
    /// The studio made it for the dataset.
    pub generated: bool,
    /// It is a near-duplicate of a better one: nobody is shown it.
    pub copy: bool,
    /// The judge has said what it has to say, be it that it cannot tell.
    pub judged: bool,
    /// What it shows; before anybody has looked, what was asked for.
    pub cell: Cell,
    /// What was asked for; empty for pictures from outside.
    pub asked: Cell,
    /// The model that made it; empty for drafts and when unknown.
    pub model: String,
    /// What was tried.
    pub tried: Tried,
    /// What was decided of it; `None` while it is pending.
    pub decided: Option<Decided>,
    /// When it came into the dataset.
    pub created: Millis,
}

/// What was decided of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who decided it.
    pub by: Decider,
    /// When that was.
    pub at: Millis,
    /// What is wrong with it, the worst first; empty when it was approved.
    pub categories: Vec<Rejection>,
}

impl Summary {
    /// What a picture teaches.
    pub fn of(picture: &Picture) -> Self {
        let made = picture.made.clone().unwrap_or_default();
        let decided = picture.decision.as_ref().map(|decision| Decided {
            by: decision.by,
            at: decision.at,
            categories: match &decision.reason {
                Reason::Rejected { categories } => categories.clone(),
                Reason::Good | Reason::Scored { .. } => Vec::new(),
            },
        });
        let cell = if picture.cell.is_empty() { made.asked.clone() } else { picture.cell.clone() };
        Self {
            id: picture.id,
            state: picture.state,
            generated: picture.source == Source::Generated,
            copy: picture.duplicate_of.is_some(),
            judged: picture.verdict.is_some(),
            cell,
            asked: made.asked,
            model: made.model,
            tried: made.tried,
            decided,
            created: picture.created,
        }
    }

    /// It counts for the coverage: it is approved, or may yet be.
    pub fn counts(&self) -> bool {
        self.state == PictureState::Approved || self.is_open()
    }

    /// Somebody has still to decide.
    pub fn is_open(&self) -> bool {
        self.state == PictureState::Pending && !self.copy
    }
}

/// A picture the studio asked for by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// When it was asked for; all of a round at the same moment.
    pub at: Millis,
    /// What became of it.
    pub state: RequestState,
    /// What was asked for.
    pub asked: Cell,
    /// What was tried.
    pub tried: Tried,
    /// What makes it differ from the others.
    pub seed: Seed,
}

/// What became of a picture that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum RequestState {
    /// It is being made, or waits for its turn.
    Open,
    /// It is there.
    Made,
    /// It came to nothing.
    Failed,
}
