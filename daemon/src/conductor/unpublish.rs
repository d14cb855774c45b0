//! Unpublish: a person takes an episode out of the library.

use std::path::PathBuf;

use studio_core::{
    episode::EpisodeState,
    ids::EpisodeId,
    production::{Job, LibraryPlan},
};

use super::{Context, Error, run::Studio};
use crate::{events::Happened, store};

/// What is to be removed from the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// Root of the library.
    pub root: PathBuf,
    /// What was published, relative to it.
    pub files: Vec<String>,
}

/// Lets an episode stay out of the library from now on, and says what of it is still there. Nobody may be making it.
pub async fn leave_library(context: &Context, id: EpisodeId) -> Result<Unpublished, Error> {
    let db = &context.db;
    let episode = store::episodes::get(db, id).await?;
    let files = store::episodes::published_files(db, id).await?;
    let plan = store::productions::of_episode(db, id).await?;
    let plan = plan.filter(|_| !files.is_empty()).and_then(|plan| plan.library.clone().map(|library| (plan, library)));
    let Some((mut plan, library)) = plan else {
        return Err(Error::Refused(format!("'{}' is not in a library", episode.title)));
    };
    let root = PathBuf::from(&library.root);
    plan.library = Some(LibraryPlan { unpublished: true, ..library });
    let tasks = store::tasks::of_episode(db, id).await?;
    let library = Job::Library.slot();
    let others: Vec<&str> = tasks.iter().map(|task| task.slot.as_str()).filter(|slot| *slot != library).collect();
    let mut tx = db.begin().await?;
    store::productions::set(&mut tx, id, &plan).await?;
    // There is no such work any more; its attempt stays as the memory of what was done.
    store::tasks::delete_surplus(&mut tx, id, &others).await?;
    tx.commit().await?;
    Ok(Unpublished { root, files })
}

/// Keeps that nothing of the episode is in the library any more.
pub async fn left_library(context: &Context, id: EpisodeId) -> Result<(), Error> {
    let episode = store::episodes::get(&context.db, id).await?;
    let mut tx = context.db.begin().await?;
    store::episodes::set_published(&mut tx, id, None).await?;
    // One that failed or was stopped since then stays so.
    if episode.state == EpisodeState::Published {
        store::episodes::set_state(&mut tx, id, EpisodeState::Assembled).await?;
    }
    let now = context.clock.now();
    store::events::append(&mut tx, "episode.unpublished", &id.to_string(), &serde_json::json!({}), now).await?;
    tx.commit().await?;
    context.events.tell(Happened::Changed);
    Ok(())
}

impl Studio {
    /// See [`leave_library`].
    pub(super) async fn unpublish(&mut self, id: EpisodeId) -> Result<Unpublished, Error> {
        if self.at_work.contains_key(&id) {
            let title = store::episodes::get(&self.context.db, id).await?.title;
            return Err(Error::Refused(format!("'{title}' is being made; stop it first, or wait until it is done")));
        }
        leave_library(&self.context, id).await
    }

    /// See [`left_library`].
    pub(super) async fn unpublished(&mut self, id: EpisodeId) -> Result<(), Error> {
        if self.at_work.contains_key(&id) {
            // Somebody wants it there again already; where it is then is told when it is done.
            return Ok(());
        }
        left_library(&self.context, id).await
    }
}
