//! Rest: a person stops a task of an episode that nobody makes at the moment.

use std::collections::BTreeMap;

use studio_core::{
    failure::{Cause, TaskFault},
    ids::{EpisodeId, TaskId},
    production::{Job, planned},
    schedule::{Event, Need},
    task::AttemptState,
};

use super::{
    Error, Refusal,
    memory::{EpisodeRun, Studio, TaskRef},
    overrides::take_up,
    submission::submission,
};
use crate::store;

/// An episode as its rows are, and what the scheduler is to hear of its unfinished tasks.
struct AtRest {
    work: EpisodeRun,
    known: BTreeMap<TaskId, TaskRef>,
    events: Vec<Event>,
}

impl Studio {
    /// Stops a waiting task of an episode that is not in the making, and whatever cannot do without it: as the
    /// scheduler would decide it, without anything being made.
    pub(super) async fn cancel_at_rest(&mut self, task: TaskId) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        let Some(episode) = row.episode_id.filter(|_| !row.state.is_final()) else {
            return Err(Refusal::TaskNotOpen { task }.into());
        };
        self.pulse.minds = Some(episode);
        let AtRest { work, known, events } = self.at_rest(episode).await?;
        self.abandon_open(task).await?;
        // A fleet without engines: everything in it waits, and nothing can begin.
        let fleet = std::mem::take(&mut self.fleet);
        self.work.begin(work);
        for (id, task) in known {
            self.work.add_task(id, task);
        }
        let mut fed = Ok(());
        for event in events.into_iter().chain([Event::Cancelled { task }]) {
            fed = self.feed(event).await;
            if fed.is_err() {
                break;
            }
        }
        self.fleet = fleet;
        self.work.end(episode);
        fed
    }

    /// Its engine, outside this program, may still be at a task that nobody wants.
    async fn abandon_open(&mut self, task: TaskId) -> Result<(), Error> {
        let Some(open) = self.attempts.open.take(task) else { return Ok(()) };
        let name = open.engine.split('/').next().unwrap_or_default();
        if let Some(engine) = self.context.engines.get(name).map(|seat| seat.engine.clone()) {
            self.abandon(&open, engine, AttemptState::Cancelled, "a person cancelled it").await?;
        }
        Ok(())
    }

    /// Stops an episode whose stop was kept before the studio itself was stopped: whatever is not over ends.
    pub(super) async fn stop_at_rest(&mut self, episode: EpisodeId) -> Result<(), Error> {
        let AtRest { work, known, .. } = self.at_rest(episode).await?;
        let tasks: Vec<TaskId> = known.keys().copied().collect();
        for task in &tasks {
            self.abandon_open(*task).await?;
        }
        if tasks.is_empty() {
            let mut tx = self.context.db.begin().await?;
            store::episodes::set_stopping(&mut tx, episode, false).await?;
            return Ok(tx.commit().await?);
        }
        self.work.begin(work);
        for (id, task) in known {
            self.work.add_task(id, task);
        }
        self.reject(tasks.into_iter().map(|task| (task, TaskFault::own(Cause::Cancelled))).collect()).await
    }

    /// Reads an episode without changing anything of it.
    async fn at_rest(&self, id: EpisodeId) -> Result<AtRest, Error> {
        let db = &self.context.db;
        let Some(mut production) = store::productions::of_episode(db, id).await? else {
            let title = store::episodes::get(db, id).await?.title;
            return Err(Refusal::PlanUnknown { title }.into());
        };
        take_up(db, id, &mut production).await?;
        let mut work = EpisodeRun::of(id, production);
        for scene in store::scenes::of_episode(db, id).await? {
            work.scenes.insert(scene.number, scene.id);
        }
        for shot in store::shots::of_episode(db, id).await? {
            let scene = work.scenes.iter().find(|(_, scene)| **scene == shot.scene_id).map(|(number, _)| *number);
            work.shots.extend(scene.map(|scene| ((scene, shot.number), shot)));
        }
        let rows = store::tasks::of_episode(db, id).await?;
        let unfinished: Vec<(TaskId, Job)> = rows
            .iter()
            .filter(|task| !task.state.is_final())
            .filter_map(|task| Some((task.id, task.job.production()?)))
            .collect();
        work.tasks = unfinished.iter().map(|(id, job)| (*job, *id)).collect();
        work.open = unfinished.len();
        let submitted = |(task, job): &(TaskId, Job)| {
            let mut heard = submission(&work.production, &planned(&work.production, *job), *task, &work.tasks);
            if let Job::Gate { subject, scene, shot } = *job {
                // Those of further takes are not in the plan.
                let reviews = unfinished.iter().filter(|(review, one)| {
                    matches!(*one, Job::Review { subject: s, scene: n, shot: m, .. } if (s, n, m) == (subject, scene, shot))
                        && heard.needs.iter().all(|need| need.task != *review)
                });
                let further: Vec<Need> = reviews.map(|(review, _)| Need::must(*review)).collect();
                heard.needs.extend(further);
            }
            Event::Submitted(heard)
        };
        let events = unfinished.iter().map(submitted).collect();
        let known = unfinished.iter().map(|(task, job)| (*task, TaskRef { episode: id, job: *job })).collect();
        Ok(AtRest { work, known, events })
    }
}
