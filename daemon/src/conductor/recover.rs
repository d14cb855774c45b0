//! Recover: settle what ran when the studio last stopped, and go on with it.

use studio_core::{
    episode::{Episode, EpisodeState},
    fleet::{PauseReason, Scope},
    ids::{EpisodeId, TaskId},
    schedule::Event,
    task::{AttemptState, TaskState},
};

use super::{Error, Produce, Refusal, disk, memory::Studio};
use crate::store;

impl Studio {
    /// Settles attempts that had not ended: those of engines inside this program are lost and done again, the others
    /// are asked about when their task runs again.
    ///
    /// Also forgets tasks that nothing asks for any more, and clears the rooms of killed attempts. Only the holder of the lock may call this.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        let mut tx = self.context.db.begin().await?;
        store::datasets::forget_left(&mut tx).await?;
        tx.commit().await?;
        for attempt in store::attempts::running(&self.context.db).await? {
            let name = attempt.engine.split('/').next().unwrap_or_default().to_owned();
            let outside = self.context.engines.get(&name).map(|seat| seat.engine.clone()).filter(|one| one.outlives());
            let task = match store::tasks::get(&self.context.db, attempt.task_id).await {
                Ok(task) => Some(task),
                Err(store::Error::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            let wanted = task.as_ref().is_some_and(|task| !task.state.is_final());
            match outside {
                Some(_) if wanted => {
                    let said = "the studio was closed meanwhile; its engine is asked what became of it";
                    self.waits(attempt.task_id, said).await?;
                    self.attempts.open.keep(attempt);
                }
                Some(engine) => {
                    self.abandon(&attempt, engine, AttemptState::Cancelled, "nobody wants it any more").await?;
                }
                None => {
                    let now = self.context.clock.now();
                    let mut tx = self.context.db.begin().await?;
                    let why = Some("the studio stopped while it was being made");
                    store::attempts::end(&mut tx, attempt.id, AttemptState::Lost, None, why, now).await?;
                    tx.commit().await?;
                    if wanted {
                        self.waits(attempt.task_id, "the studio stopped while it was being made; it is made again")
                            .await?;
                    }
                }
            }
        }
        // A child that outlived its studio for a moment may still write there; the next start clears the rest.
        if let Err(error) = disk::sweep_work(&self.context).await {
            tracing::warn!(%error, "failed to clear old working folders");
        }
        Ok(())
    }

    async fn waits(&self, task: TaskId, why: &str) -> Result<(), Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_state(&mut tx, task, TaskState::Waiting, why, now).await?;
        Ok(tx.commit().await?)
    }

    /// Goes on with every episode that was in the making.
    pub(super) async fn resume(&mut self) -> Result<(), Error> {
        for stopping in store::episodes::stopping(&self.context.db).await? {
            self.pulse.minds = Some(stopping);
            self.stop_at_rest(stopping).await?;
        }
        let unfinished = store::tasks::unfinished(&self.context.db).await?;
        let moves = self.controls.take_moves();
        // Nothing begins before everything is where people moved it.
        let waits = !moves.is_empty() && self.fleet.pauses().all(|(scope, _)| *scope != Scope::Studio);
        if waits {
            let why = PauseReason::Starting;
            self.feed(Event::Paused { scope: Scope::Studio, hard: false, why, until: None }).await?;
        }
        for episode in store::episodes::readable(&self.context.db).await? {
            // An assembled film may still wait for its artwork and its place in the library.
            let waits = || unfinished.iter().any(|task| task.episode_id == Some(episode.id));
            self.pulse.minds = Some(episode.id);
            if episode.state == EpisodeState::Producing || (episode.state == EpisodeState::Assembled && waits()) {
                self.go_on(episode).await?;
            }
        }
        self.pulse.minds = None;
        self.move_again(moves).await?;
        if waits {
            self.feed(Event::Resumed { scope: Scope::Studio }).await?;
        }
        Ok(())
    }

    /// Goes on with an episode where the studio left it: what a person stopped stays so.
    async fn go_on(&mut self, episode: Episode) -> Result<(), Error> {
        let stopped = store::tasks::stopped(&self.context.db, episode.id).await?;
        // Held until they are stopped again, or the first of them would begin.
        let held: Vec<TaskId> = stopped.iter().copied().filter(|task| self.controls.hold(*task)).collect();
        self.rebuild(episode).await?;
        let tasks = stopped.into_iter().filter(|task| self.fleet.knows(*task)).collect();
        self.feed(Event::AllCancelled { tasks }).await?;
        for task in held {
            self.controls.let_go(task);
        }
        Ok(())
    }

    /// Makes the episode of a task again; what is there already stays.
    pub(super) async fn retry(&mut self, task: TaskId) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        if !matches!(row.state, TaskState::Failed | TaskState::NeedsPerson | TaskState::Cancelled) {
            return Err(Refusal::TaskNotFailed { task }.into());
        }
        let Some(episode) = row.episode_id else { return self.retry_picture(task).await };
        self.rebuild_requested(episode).await
    }

    /// A person wants the episode made again.
    pub(super) async fn rebuild_requested(&mut self, episode: EpisodeId) -> Result<(), Error> {
        let episode = store::episodes::get(&self.context.db, episode).await?;
        if self.work.has(episode.id) {
            let remedy = "try again when it has ended".into();
            return Err(Refusal::BeingMade { title: episode.title, remedy }.into());
        }
        self.rebuild(episode).await
    }

    pub(super) async fn rebuild(&mut self, episode: Episode) -> Result<(), Error> {
        self.pulse.minds = Some(episode.id);
        let Some(production) = store::productions::of_episode(&self.context.db, episode.id).await? else {
            return Err(Refusal::PlanUnknown { title: episode.title }.into());
        };
        let project = store::projects::get(&self.context.db, episode.project_id).await?;
        Box::pin(self.produce(Produce { project, production, text: None })).await?;
        Ok(())
    }
}
