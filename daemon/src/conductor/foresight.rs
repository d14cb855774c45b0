//! Foresight: what is asked of the fleet at this moment, for whoever runs it forward beside the loop.

use studio_core::production::{Job, LibraryPlan};
use uuid::Uuid;

use super::{
    EpisodeTasks, Snapshot,
    fleet::watts,
    memory::{EpisodeRun, Studio},
    submission::retakes,
};

/// The tasks that say when an episode is done.
fn tasks_of(work: &EpisodeRun, forecast: Uuid) -> EpisodeTasks {
    let task = |job: Job| work.tasks.get(&job).copied();
    let published = work.production.library.as_ref().is_some_and(LibraryPlan::wanted);
    let last = if published { Job::Library } else { Job::Film };
    let scenes = 1..=work.production.script.scenes.len() as u32;
    EpisodeTasks {
        episode: work.episode,
        title: work.production.billing.title.clone(),
        last: task(last).or_else(|| task(Job::Film)),
        scenes: scenes.map(|scene| task(Job::SceneFilm { scene })).collect(),
        forecast,
    }
}

impl Studio {
    pub(super) fn snapshot(&self) -> Snapshot {
        let at = self.context.clock.now();
        let mut fleet = self.fleet.clone();
        fleet.foresee(self.rests_to_come(at));
        let jobs = self.work.tasks().filter_map(|(_, known)| Some((self.work.episode(known.episode)?, known.job)));
        Snapshot {
            at,
            fleet,
            retakes: jobs.filter_map(|(work, job)| retakes(&work.production, job, &work.tasks)).collect(),
            episodes: self.work.episodes().map(|work| tasks_of(work, self.context.clock.id())).collect(),
            watts: watts(&self.context),
            price_kwh: self.context.plan.price_kwh,
        }
    }
}
