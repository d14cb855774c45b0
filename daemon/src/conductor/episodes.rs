//! Episodes: what people ask of whole episodes and projects.

use studio_core::{
    episode::EpisodeState,
    ids::{EpisodeId, ProjectId},
    journal::EventKind,
    schedule::Event,
    views::PortraitOwner,
};

use super::{Error, Refusal, memory::Studio};
use crate::{events::StudioEvent, upkeep};

impl Studio {
    /// Lets an episode stay out of the library; see [`upkeep::leave_library`].
    pub(super) async fn unpublish(&mut self, id: EpisodeId) -> Result<upkeep::Unpublished, Error> {
        if self.work.has(id) {
            let title = crate::store::episodes::get(&self.context.db, id).await?.title;
            let remedy = "stop it first, or wait until it is done".into();
            return Err(Refusal::BeingMade { title, remedy }.into());
        }
        Ok(upkeep::leave_library(&self.context.db, id).await?)
    }

    /// Removes a project with everything in it; nobody may be making any of its episodes.
    pub(super) async fn remove_project(&mut self, id: ProjectId) -> Result<(), Error> {
        let db = &self.context.db.clone();
        crate::store::projects::get(db, id).await?;
        let episodes = crate::store::episodes::of_project(db, id).await?;
        let busy = |state| state == EpisodeState::Producing;
        if let Some(one) = episodes.iter().find(|one| busy(one.state) || self.work.has(one.id)) {
            return Err(Refusal::BeingMade { title: one.title.clone(), remedy: "stop it first".into() }.into());
        }
        let characters = crate::store::characters::of_project(db, id).await?;
        let locations = crate::store::locations::of_project(db, id).await?;
        let characters = characters.iter().map(|one| PortraitOwner::Character(one.id));
        let locations = locations.iter().map(|one| PortraitOwner::Location(one.id));
        self.cancel_pictures(&characters.chain(locations).collect::<Vec<_>>()).await?;
        let mut tx = db.begin().await?;
        crate::store::projects::remove(&mut tx, id).await?;
        let (subject, now) = (id.to_string(), self.context.clock.now());
        crate::store::events::append(&mut tx, EventKind::ProjectRemoved, &subject, &serde_json::json!({}), now).await?;
        tx.commit().await?;
        self.context.events.tell(StudioEvent::Changed);
        Ok(())
    }

    /// Keeps that nothing of an episode is in the library any more; see [`upkeep::left_library`].
    pub(super) async fn unpublished(&mut self, id: EpisodeId) -> Result<(), Error> {
        if self.work.has(id) {
            // Somebody wants it there again already; where it is then is told when it is done.
            return Ok(());
        }
        let now = self.context.clock.now();
        Ok(upkeep::left_library(&self.context.db, &self.context.events, id, now).await?)
    }

    /// Keeps that a person wants an episode stopped; nothing when nobody makes it.
    pub(super) async fn keep_stopping(&mut self, episode: EpisodeId) -> Result<(), Error> {
        if self.work.has(episode) {
            let mut tx = self.context.db.begin().await?;
            crate::store::episodes::set_stopping(&mut tx, episode, true).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    pub(super) async fn cancel_episode(&mut self, episode: EpisodeId) -> Result<(), Error> {
        if let Some(work) = self.work.episode_mut(episode) {
            // Whoever stops it does not want it made again at once.
            work.rebuild = false;
        }
        let tasks = self.work.tasks_of(episode).filter(|task| self.fleet.knows(*task)).collect();
        self.feed(Event::AllCancelled { tasks }).await
    }
}
