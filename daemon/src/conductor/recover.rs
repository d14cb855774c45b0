//! Recover: settle what ran when the studio last stopped, and go on with it.

use studio_core::{
    episode::EpisodeState,
    ids::TaskId,
    task::{AttemptState, TaskState},
};

use super::{Error, Produce, inbox::Kept, run::Studio};
use crate::{edge::Adopted, store};

impl Studio {
    /// Asks the engines what became of running attempts; what nobody knows of is lost and done again.
    ///
    /// Also clears the rooms of killed attempts. Only the holder of the lock may call this.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        for attempt in store::attempts::running(&self.context.db).await? {
            let name = attempt.engine.split('/').next().unwrap_or_default().to_owned();
            let adopted = match self.context.engines.get(&name) {
                Some(seat) => seat.engine.adopt(attempt.id).await,
                None => Adopted::Unknown,
            };
            let now = self.context.clock.now();
            let mut tx = self.context.db.begin().await?;
            match adopted {
                Adopted::Unknown => {
                    let why = Some("the studio stopped while it was being made");
                    store::attempts::end(&mut tx, attempt.id, AttemptState::Lost, None, why, now).await?;
                    let said = "the studio stopped while it was being made; it is made again";
                    store::tasks::set_state(&mut tx, attempt.task_id, TaskState::Waiting, said, now).await?;
                    tx.commit().await?;
                }
                Adopted::Finished(made) => {
                    tx.rollback().await?;
                    self.adopt(&attempt, made).await?;
                }
            }
        }
        // A child that outlived its studio for a moment may still write there; the next start clears the rest.
        if let Err(error) = self.context.data.sweep_work() {
            tracing::warn!(%error, "failed to clear old working folders");
        }
        Ok(())
    }

    /// Keeps what an engine finished while nobody listened; the task finds it by its key.
    async fn adopt(&mut self, attempt: &studio_core::task::Attempt, made: Vec<crate::edge::Made>) -> Result<(), Error> {
        let kept: Kept = match super::making::keep(made, self.context.data.assets()).await {
            Ok(kept) => kept,
            Err(failure) => {
                let now = self.context.clock.now();
                let mut tx = self.context.db.begin().await?;
                let why = Some(failure.message.as_str());
                store::attempts::end(&mut tx, attempt.id, AttemptState::Lost, None, why, now).await?;
                return Ok(tx.commit().await?);
            }
        };
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        super::settle::keep_rows(&mut tx, attempt.id, &attempt.order, &kept, now).await?;
        store::tasks::set_state(&mut tx, attempt.task_id, TaskState::Waiting, "finished while nobody listened", now)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Goes on with every episode that was in the making.
    pub(super) async fn resume(&mut self) -> Result<(), Error> {
        let unfinished = store::tasks::unfinished(&self.context.db).await?;
        for episode in store::episodes::list(&self.context.db).await? {
            // An assembled film may still wait for its artwork and its place in the library.
            let waits = || unfinished.iter().any(|task| task.episode_id == Some(episode.id));
            if episode.state == EpisodeState::Producing || (episode.state == EpisodeState::Assembled && waits()) {
                self.again(episode).await?;
            }
        }
        Ok(())
    }

    /// Makes the episode of a task again; what is there already stays.
    pub(super) async fn retry(&mut self, task: TaskId) -> Result<(), Error> {
        let row = store::tasks::get(&self.context.db, task).await?;
        if !matches!(row.state, TaskState::Failed | TaskState::Cancelled) {
            return Err(Error::Refused(format!("task {task} has not failed, so there is nothing to try again")));
        }
        let Some(episode) = row.episode_id else {
            return Err(Error::Refused(format!("task {task} belongs to no episode")));
        };
        if self.at_work.contains_key(&episode) {
            return Err(Error::Refused("the episode is still being made; try again when it has ended".into()));
        }
        let episode = store::episodes::get(&self.context.db, episode).await?;
        self.again(episode).await
    }

    async fn again(&mut self, episode: studio_core::episode::Episode) -> Result<(), Error> {
        let Some(production) = store::productions::of_episode(&self.context.db, episode.id).await? else {
            return Err(Error::Refused(format!("how '{}' is made is not known; produce it again", episode.title)));
        };
        let project = store::projects::get(&self.context.db, episode.project_id).await?;
        Box::pin(self.produce(Produce { project, production })).await?;
        Ok(())
    }
}
