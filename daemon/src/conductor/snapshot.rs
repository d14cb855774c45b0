//! Snapshot: the fleet and what is asked of it at one moment, for whoever runs it forward beside the loop.

use std::collections::BTreeMap;

use studio_core::{
    fleet::Fleet,
    ids::{EpisodeId, TaskId},
    production::{Job, LibraryPlan},
    sim::Retakes,
    units::Millis,
};
use uuid::Uuid;

use super::{episode_run::EpisodeRun, fleet::watts, run::Studio, submission::retakes};

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

impl EpisodeTasks {
    fn of(work: &EpisodeRun, forecast: Uuid) -> Self {
        let task = |job: Job| work.tasks.get(&job).copied();
        let published = work.production.library.as_ref().is_some_and(LibraryPlan::wanted);
        let last = if published { Job::Library } else { Job::Film };
        let scenes = 1..=work.production.script.scenes.len() as u32;
        Self {
            episode: work.episode,
            title: work.production.billing.title.clone(),
            last: task(last).or_else(|| task(Job::Film)),
            scenes: scenes.map(|scene| task(Job::SceneFilm { scene })).collect(),
            forecast,
        }
    }
}

impl Studio {
    pub(super) fn snapshot(&self) -> Snapshot {
        let at = self.context.clock.now();
        let mut fleet = self.fleet.clone();
        fleet.foresee(self.rests_to_come(at));
        let jobs = self.known.values().filter_map(|known| Some((self.at_work.get(&known.episode)?, known.job)));
        Snapshot {
            at,
            fleet,
            retakes: jobs.filter_map(|(work, job)| retakes(&work.production, job, &work.tasks)).collect(),
            episodes: self.at_work.values().map(|work| EpisodeTasks::of(work, self.context.clock.id())).collect(),
            watts: watts(&self.context),
            price_kwh: self.context.plan.price_kwh,
        }
    }
}
