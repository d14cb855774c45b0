//! Library: a person takes an episode out of it.

use std::path::PathBuf;

use studio_core::{
    episode::EpisodeState,
    ids::EpisodeId,
    journal::EventKind,
    production::{Job, LibraryPlan},
    units::Millis,
};

use super::Error;
use crate::{
    events::{Events, StudioEvent},
    store::{self, Db},
};

/// What is to be removed from the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// Root of the library.
    pub root: PathBuf,
    /// What was published, relative to it.
    pub files: Vec<String>,
}

/// Lets an episode stay out of the library from now on, and says what of it is still there. Nobody may be making it.
///
/// Nothing is removed yet; the caller does that, then says so with [`left_library`].
///
/// # Errors
/// [`Error::NotInLibrary`] when there is nothing of it, and what the store says.
pub async fn leave_library(db: &Db, id: EpisodeId) -> Result<Unpublished, Error> {
    let episode = store::episodes::get(db, id).await?;
    let files = store::episodes::published_files(db, id).await?;
    let plan = store::productions::of_episode(db, id).await?;
    let plan = plan.filter(|_| !files.is_empty()).and_then(|plan| plan.library.clone().map(|library| (plan, library)));
    let Some((mut plan, library)) = plan else {
        return Err(Error::NotInLibrary { title: episode.title });
    };
    let root = PathBuf::from(&library.root);
    plan.library = Some(LibraryPlan { unpublished: true, ..library });
    let tasks = store::tasks::of_episode(db, id).await?;
    let others: Vec<Job> =
        tasks.iter().filter_map(|task| task.job.production()).filter(|job| *job != Job::Library).collect();
    let mut tx = db.begin().await?;
    store::productions::set(&mut tx, id, &plan).await?;
    // There is no such work any more; its attempt stays as the memory of what was done.
    store::tasks::delete_surplus(&mut tx, id, &others).await?;
    tx.commit().await?;
    Ok(Unpublished { root, files })
}

/// Keeps that nothing of the episode is in the library any more.
///
/// # Errors
/// What the store says.
pub async fn left_library(db: &Db, events: &Events, id: EpisodeId, now: Millis) -> Result<(), Error> {
    let episode = store::episodes::get(db, id).await?;
    let mut tx = db.begin().await?;
    store::episodes::set_published(&mut tx, id, None).await?;
    // One that failed or was stopped since then stays so.
    if episode.state == EpisodeState::Published {
        store::episodes::set_state(&mut tx, id, EpisodeState::Assembled).await?;
    }
    store::events::append(&mut tx, EventKind::EpisodeUnpublished, &id.to_string(), &serde_json::json!({}), now).await?;
    tx.commit().await?;
    events.tell(StudioEvent::Changed);
    Ok(())
}
