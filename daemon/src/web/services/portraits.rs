//! Portraits: what the web asks of whoever makes reference sheets.

use serde::Serialize;
use studio_core::{
    ids::{EpisodeId, PortraitId, ProjectId, TaskId},
    portrait::Portrait,
    views::{PortraitOwner, PortraitView, Refinement},
};
use studio_engine::Boxed;
use utoipa::ToSchema;

use super::ServiceError;

/// A portrait that is being made, or waits for its turn.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PortraitInMaking {
    /// The identity it gets.
    pub portrait: PortraitId,
    /// The task that makes it.
    pub task: TaskId,
    /// What it will show.
    pub view: PortraitView,
    /// What it is made from; `None`: from words alone.
    pub refines: Option<Refinement>,
}

/// How many portraits of a sheet are on their way.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct PortraitCounts {
    /// Those that are being made.
    pub in_flight: u32,
    /// Those that wait for the judge.
    pub unjudged: u32,
}

/// The reference sheet of a character, or the establishing pictures of a place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PortraitSheet {
    /// Whose it is.
    pub owner: PortraitOwner,
    /// The name, as people read it.
    pub name: String,
    /// Every view there can be, in order.
    pub views: Vec<PortraitView>,
    /// Those that are made when nobody says which.
    pub whole: Vec<PortraitView>,
    /// Every portrait, newest first; several may show the same.
    pub portraits: Vec<Portrait>,
    /// What is being made.
    pub making: Vec<PortraitInMaking>,
    /// How many are on their way.
    pub counts: PortraitCounts,
    /// No judge answers at the moment.
    pub judge_away: bool,
}

/// Reference sheets of characters, and establishing pictures of places.
pub trait Portraits: Send + Sync {
    /// The sheet as it is now.
    fn sheet(&self, owner: PortraitOwner) -> Boxed<'_, Result<PortraitSheet, ServiceError>>;
    /// Has these views made, all at once; the whole sheet when none is named. How many.
    fn make(&self, owner: PortraitOwner, views: Vec<PortraitView>) -> Boxed<'_, Result<usize, ServiceError>>;
    /// Has one made from a portrait there is and from words.
    fn refine(&self, portrait: PortraitId, words: String, strength_percent: u32)
    -> Boxed<'_, Result<(), ServiceError>>;
    /// Has whole sheets made of everybody who appears in an episode, and of every place in it, who lack any; of whom.
    fn complete_episode(&self, episode: EpisodeId) -> Boxed<'_, Result<Vec<PortraitOwner>, ServiceError>>;
    /// The same of a whole project.
    fn complete_project(&self, project: ProjectId) -> Boxed<'_, Result<Vec<PortraitOwner>, ServiceError>>;
}
