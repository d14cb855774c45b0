//! Snapshot: the fleet and what is asked of it at one moment, for whoever runs it forward beside the loop.

use std::collections::BTreeMap;

use studio_core::{
    fleet::Fleet,
    ids::{EpisodeId, TaskId},
    sim::Retakes,
    units::Millis,
};
use uuid::Uuid;

/// The fleet and what is asked of it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Millis,
    /// Cards, seats, models and tasks.
    pub fleet: Fleet,
    /// Gates that may ask for further takes.
    pub retakes: Vec<Retakes>,
    /// Episodes in the making.
    pub episodes: Vec<EpisodeTasks>,
    /// What each card may draw, in watts, by its name.
    pub watts: BTreeMap<String, f64>,
    /// Price of a kilowatt-hour.
    pub price_kwh: f64,
}

/// The tasks that say when an episode is done.
#[derive(Debug, Clone)]
pub struct EpisodeTasks {
    /// The episode these are tasks of.
    pub episode: EpisodeId,
    /// Title of the episode.
    pub title: String,
    /// Its last task; `None` when its film is not asked for.
    pub last: Option<TaskId>,
    /// The films of its scenes, from scene 1.
    pub scenes: Vec<Option<TaskId>>,
    /// Identity of a forecast of it that is to be kept.
    pub forecast: Uuid,
}
