//! Rejection: tasks are over without a result. One that nobody can do without takes thousands with it, and an episode is
//! stopped as a whole, so they are kept together: one transaction, a few statements however many they are.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use studio_core::{
    failure::{Cause, TaskFault},
    ids::{EpisodeId, SceneId, ShotId, TaskId},
    journal::EventKind,
    production::{FilmRemark, Job},
    shot::ShotState,
    task::TaskState,
    units::Millis,
};

use super::{
    Error,
    memory::{Studio, TaskRef},
};
use crate::{
    events::TaskUpdate,
    store::{self, Tx},
};

/// A task that is over, and what it came to.
struct Rejected {
    task: TaskId,
    known: TaskRef,
    fault: TaskFault,
}

impl Rejected {
    fn is_cancelled(&self) -> bool {
        self.fault.cause == Cause::Cancelled
    }

    fn kind(&self) -> EventKind {
        if self.is_cancelled() { EventKind::TaskCancelled } else { EventKind::TaskFailed }
    }

    /// Subject and body of its event.
    fn event(&self) -> (String, Value) {
        let TaskRef { episode, job } = self.known;
        let body = json!({
            "why": self.fault.to_string(), "fault": self.fault, "episode": episode, "slot": job.path(),
        });
        (self.task.to_string(), body)
    }
}

impl Studio {
    /// Tasks are over without a result, in this order.
    pub(super) async fn reject(&mut self, faults: Vec<(TaskId, TaskFault)>) -> Result<(), Error> {
        let (pictures, faults): (Vec<_>, Vec<_>) =
            faults.into_iter().partition(|(task, _)| self.work.is_picture(*task));
        self.reject_pictures(pictures).await?;
        let known = |(task, fault): (TaskId, TaskFault)| {
            let known = self.work.task(task)?;
            Some(Rejected { task, known, fault })
        };
        let all: Vec<Rejected> = faults.into_iter().filter_map(known).collect();
        let Some(first) = all.first() else { return Ok(()) };
        self.pulse.minds = Some(first.known.episode);
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        for alike in all.chunk_by(|one, next| one.fault == next.fault) {
            let tasks: Vec<TaskId> = alike.iter().map(|one| one.task).collect();
            store::tasks::fail_all(&mut tx, &tasks, &alike[0].fault, now).await?;
        }
        let failed = self.record_failures(&mut tx, &all).await?;
        tell_of(&mut tx, &all, now).await?;
        tx.commit().await?;
        for (episode, place) in failed {
            let work = self.work.episode_mut(episode);
            if let Some(row) = work.and_then(|work| work.shots.get_mut(&place)) {
                row.state = ShotState::Failed;
            }
        }
        for one in all {
            self.over(one).await?;
        }
        Ok(())
    }

    /// Brings shots and scenes up to date with tasks that ended without a result; which shots have failed now.
    async fn record_failures(
        &self,
        tx: &mut Tx<'_>,
        all: &[Rejected],
    ) -> Result<BTreeSet<(EpisodeId, (u32, u32))>, Error> {
        let mut failed = BTreeSet::new();
        let (mut shots, mut scenes): (Vec<ShotId>, Vec<SceneId>) = (Vec::new(), Vec::new());
        for known in all.iter().map(|one| one.known) {
            let Some(work) = self.work.episode(known.episode) else { continue };
            match known.job {
                Job::Take { scene, shot, .. }
                | Job::Review { scene, shot, .. }
                | Job::Gate { scene, shot, .. }
                | Job::Normalise { scene, shot } => {
                    let row = work.shots.get(&(scene, shot));
                    // A person who is asked stays asked.
                    let open = row.filter(|row| !matches!(row.state, ShotState::Failed | ShotState::AskPerson));
                    if let Some(row) = open.filter(|_| failed.insert((known.episode, (scene, shot)))) {
                        shots.push(row.id);
                    }
                }
                Job::SceneFilm { scene } => scenes.extend(work.scenes.get(&scene)),
                _ => {}
            }
        }
        if !shots.is_empty() {
            store::shots::fail_all(tx, &shots).await?;
        }
        if !scenes.is_empty() {
            store::scenes::fail_all(tx, &scenes).await?;
        }
        Ok(failed)
    }

    /// Tells of a task that is over, and what its episode is without it.
    async fn over(&mut self, Rejected { task, known, fault }: Rejected) -> Result<(), Error> {
        let cancelled = fault.state() == TaskState::Cancelled;
        self.broadcast(task, if cancelled { TaskUpdate::Cancelled } else { TaskUpdate::Failed(fault.clone()) });
        if let Some(work) = self.work.episode_mut(known.episode) {
            match known.job {
                // A film can do without these, and says so.
                Job::Voice { .. }
                | Job::Music { .. }
                | Job::Artwork
                | Job::Mix { .. }
                | Job::Sound
                | Job::Portraits { .. } => {
                    work.remarks.push(FilmRemark::NotMade { job: known.job, fault });
                }
                Job::Golden { .. } => {}
                Job::Library => {
                    work.remarks.push(FilmRemark::NotInLibrary { fault });
                    work.failed = true;
                }
                _ => work.failed = true,
            }
        }
        self.close(known).await
    }
}

/// Numbers what happened, for pages that follow along.
async fn tell_of(tx: &mut Tx<'_>, all: &[Rejected], now: Millis) -> Result<(), Error> {
    for alike in all.chunk_by(|one, next| one.kind() == next.kind()) {
        let events: Vec<(String, Value)> = alike.iter().map(Rejected::event).collect();
        store::events::append_all(tx, alike[0].kind(), &events, now).await?;
    }
    Ok(())
}
